import { z } from 'zod'
import { MAX_ZIP_ENTRIES, type ZipEntry, zipOf } from '../../core/files/zip.ts'
import { isSliceOver, nextSlice } from '../../core/time/time-slice.ts'
import { distinct } from '../../core/values/distinct.ts'
import { encodeMbox } from '../../storage/store/formats/mbox.ts'
import type { Origin } from '../../storage/store/origin.ts'
import type { FlagChange } from '../../storage/store/types.ts'
import type { Api } from '../api.ts'
import { assertMayChangeIn, mayChangeIn, originOf } from '../caller.ts'
import { assertOneSelection } from '../lists.ts'
import { type Call, Content, defineOperation } from '../operation.ts'
import { ApiProblem } from '../problem.ts'
import { folderNamed, queryConditions, seenMessage, selection } from './find.ts'
import { type IndexedMessage, messageId } from './message-index.ts'
import { keywordOf, tag } from './summary.ts'

const MAX_IDS = 10_000
/** Longest download of several messages. */
const MAX_EXPORT_OCTETS = 64 * 1024 * 1024

/** The selection of several messages: their ids, or a search. */
export const chosen = {
  ids: z
    .array(z.string())
    .max(MAX_IDS)
    .optional()
    .describe('Ids of messages, instead of a search. Ids that do not exist are skipped.'),
  ...selection,
  all: z
    .boolean()
    .default(false)
    .describe('Selects every message that the caller sees. Use it instead of `ids` and a search.'),
}

type Choice = z.output<z.ZodObject<typeof chosen>>

/** Returns the messages that an input selects. @throws ApiProblem `invalid` if nothing selects any, or if two parameters do */
export async function chosenMessages({
  api,
  caller,
  input,
}: Pick<Call<Choice>, 'api' | 'caller' | 'input'>): Promise<readonly IndexedMessage[]> {
  const { ids, all, query, account, folder, newsgroup, captured, articles, since } = input
  const search = { query, account, folder, newsgroup, captured, articles, since }
  assertOneSelection({ ids, all }, search)
  if (ids) {
    const found: IndexedMessage[] = []
    for (const id of distinct(ids)) {
      const message = await seenMessage(api, caller, id)
      if (message) found.push(message)
    }
    return found
  }
  const conditions = queryConditions(search)
  if (conditions.length > 0 || all) return api.views.find(caller, conditions)
  throw new ApiProblem('invalid', 'nothing selects the messages; add ids, query, or all: true for every message')
}

/** Returns the messages that an input selects and the caller may change. @throws ApiProblem `forbidden` if it names others */
async function changeableMessages(call: Call<Choice>): Promise<readonly IndexedMessage[]> {
  const messages = await chosenMessages(call)
  if (call.input.ids) for (const { folder } of messages) assertMayChangeIn(call.caller, folder)
  return messages.filter(({ folder }) => mayChangeIn(call.caller, folder))
}

/** Groups messages by their folders, in ascending order of their uids, as the store takes them. */
function groupByFolder(messages: readonly IndexedMessage[]): Map<string, IndexedMessage[]> {
  const found = new Map<string, IndexedMessage[]>()
  for (const message of messages) {
    const known = found.get(message.folder.id)
    if (known) known.push(message)
    else found.set(message.folder.id, [message])
  }
  for (const list of found.values()) list.sort((a, b) => a.entry.uid - b.entry.uid)
  return found
}

const uidsOf = (messages: readonly IndexedMessage[]): number[] => messages.map(({ entry }) => entry.uid)

/** Deletes messages. Returns how many there were. */
export async function deleteMessages(api: Api, messages: readonly IndexedMessage[], origin?: Origin): Promise<number> {
  let deleted = 0
  for (const [folderId, list] of groupByFolder(messages)) {
    deleted += (await api.lab.store.expunge(folderId, uidsOf(list), origin)).length
  }
  return deleted
}

/** Changes the flags of messages. */
export async function setFlags(
  api: Api,
  messages: readonly IndexedMessage[],
  change: FlagChange,
  origin?: Origin,
): Promise<void> {
  for (const [folderId, list] of groupByFolder(messages))
    await api.lab.store.setFlags(folderId, uidsOf(list), change, origin)
}

const updateMany = defineOperation('messages.updateMany', 'PATCH /messages', {
  summary: 'Change the flags and tags of several messages.',
  access: 'change',
  input: z.strictObject({
    ...chosen,
    read: z.boolean().optional(),
    flagged: z.boolean().optional(),
    addTags: z.array(tag).default([]),
    removeTags: z.array(tag).default([]),
  }),
  output: z.object({ changed: z.number().int() }),
  async run(call) {
    const { api, input } = call
    const { read, flagged, addTags, removeTags } = input
    const flags = [
      ['\\Seen', read],
      ['\\Flagged', flagged],
      ...addTags.map((one) => [keywordOf(one), true] as const),
      ...removeTags.map((one) => [keywordOf(one), false] as const),
    ] as const
    const wanted = (is: boolean): string[] => flags.flatMap(([flag, value]) => (value === is ? [flag] : []))
    const messages = await changeableMessages(call)
    for (const [mode, names] of [
      ['add', wanted(true)],
      ['remove', wanted(false)],
    ] as const) {
      if (names.length > 0) await setFlags(api, messages, { mode, flags: names }, originOf(call.caller))
    }
    return { changed: messages.length }
  },
})

const moveMany = defineOperation('messages.moveMany', 'POST /messages/move', {
  summary: 'Move several messages to another folder of their owners. The response contains their new ids.',
  access: 'change',
  input: z.strictObject({ ...chosen, folder: z.string().describe('Name of the folder.') }).omit({ all: true }),
  problems: ['not-found'],
  output: z.object({
    moved: z.array(
      z.object({ id: z.string(), newId: z.string(), from: z.string().describe('Name of the folder that it was in.') }),
    ),
  }),
  async run(call) {
    const { api, caller, input } = call
    const { folder: name, ...choice } = input
    const messages = await changeableMessages({ ...call, input: { ...choice, all: false } })
    const lists = [...groupByFolder(messages).values()]
    // Nothing moves if one of the owners has no such folder.
    const targets = await Promise.all(
      lists.map(([first]) => folderNamed({ api, caller }, (first as IndexedMessage).folder.owner, name)),
    )
    const moved: { id: string; newId: string; from: string }[] = []
    for (const [index, list] of lists.entries()) {
      const target = targets[index] as (typeof targets)[number]
      const { id: folderId, name: fromName } = (list[0] as IndexedMessage).folder
      if (target.id === folderId) continue
      const { from, to } = await api.lab.store.move(folderId, uidsOf(list), target.id, originOf(caller))
      for (const [at, uid] of from.entries()) {
        moved.push({ id: messageId(folderId, uid), newId: messageId(target.id, to[at] as number), from: fromName })
      }
    }
    return { moved }
  },
})

const deleteMany = defineOperation('messages.deleteMany', 'POST /messages/delete', {
  summary: 'Delete several messages.',
  access: 'change',
  input: z.strictObject(chosen),
  output: z.object({ deleted: z.number().int() }),
  run: async (call) => ({
    deleted: await deleteMessages(call.api, await changeableMessages(call), originOf(call.caller)),
  }),
})

const exportMany = defineOperation('messages.export', 'POST /messages/export', {
  summary: 'Download several messages as one file: mbox (RFC 4155, mboxrd), or a zip archive of .eml files.',
  access: 'read',
  input: z.strictObject({ ...chosen, format: z.enum(['mbox', 'zip']).default('mbox') }),
  output: 'application/mbox',
  otherOutputs: ['application/zip'],
  async run(call) {
    const { api, input } = call
    const messages = await chosenMessages(call)
    const octets = messages.reduce((sum, { entry }) => sum + entry.sizeOctets, 0)
    if (octets > MAX_EXPORT_OCTETS || messages.length > MAX_ZIP_ENTRIES) {
      const limit = MAX_EXPORT_OCTETS / 1024 / 1024
      throw new ApiProblem(
        'too-large',
        `there are ${messages.length} messages with ${octets} octets; select at most ${MAX_ZIP_ENTRIES} with ${limit} MiB, or use sealpost store export`,
      )
    }
    const content = input.format === 'zip' ? await zipOf(emlFiles(api, messages)) : await mboxOf(api, messages)
    return new Content(`application/${input.format}`, content, {
      'Content-Disposition': `attachment; filename="messages.${input.format}"`,
    })
  },
})

async function mboxOf(api: Api, messages: readonly IndexedMessage[]): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const { raw, entry } of readEach(api, messages)) {
    parts.push(encodeMbox({ raw, flags: entry.flags, internalDate: entry.internalDate }))
  }
  return Buffer.concat(parts)
}

async function* emlFiles(api: Api, messages: readonly IndexedMessage[]): AsyncGenerator<ZipEntry, void, void> {
  for await (const { id, raw, entry } of readEach(api, messages)) {
    yield { name: `${id}.eml`, octets: raw, modifiedAt: entry.internalDate }
  }
}

async function* readEach(api: Api, messages: readonly IndexedMessage[]) {
  using source = api.lab.store.readAhead(messages)
  for (const { id, folder, entry } of messages) {
    const raw = await source.read(folder.id, entry.uid)
    if (raw) yield { id, raw, entry }
    if (isSliceOver()) await nextSlice()
  }
}

export const bulkOperations = [updateMany, moveMany, deleteMany, exportMany] as const
