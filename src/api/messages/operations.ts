import { z } from 'zod'
import { omitUndefined } from '../../core/values/omit-undefined.ts'
import { compose } from '../../mail/format/compose.ts'
import { accountOf } from '../../storage/store/folder.ts'
import type { FlagChange } from '../../storage/store/types.ts'
import type { Api } from '../api.ts'
import { assertMayChangeIn, type Caller, mayChangeIn, originOf } from '../caller.ts'
import { fieldName, flag, line } from '../input-types.ts'
import { pageInput, pageSchema } from '../lists.ts'
import { defineOperation } from '../operation.ts'
import { ApiProblem } from '../problem.ts'
import { bulkOperations, deleteMessages } from './bulk.ts'
import { folderNamed, messageOf, pageOfMessages, queryConditions, selectionInUrl, storedPage } from './find.ts'
import { assertOwnRecipient, importMessages } from './import.ts'
import { type IndexedMessage, messageId } from './message-index.ts'
import { readOperations } from './read.ts'
import { idsSeenBy, locationOfFirst, storedIds } from './stored.ts'
import { keywordOf, type MessageSummary, messageSummary, summarize, tag, tagsOf } from './summary.ts'
import { newestOfThreads } from './threads.ts'

const id = z.string().describe('Id of the message.')
/** A JSON Schema pattern has no flags: it must allow any case itself. */
const anyCase = (name: string): string =>
  name.replaceAll(/[a-z]/gi, (one) => `[${one.toUpperCase()}${one.toLowerCase()}]`)
const systemFlags = ['Seen', 'Answered', 'Flagged', 'Deleted', 'Draft'].map(anyCase).join('|')
const FLAG = new RegExp(`^(?:\\\\(?:${systemFlags})|[^\\s\\\\(){%*"\\]\\x00-\\x1f\\x7f]+)$`)

const threadFacts = z.object({ messages: z.number().int(), unread: z.number().int() })

const list = defineOperation('messages.list', 'GET /messages', {
  summary: 'List or search messages, newest first.',
  access: 'read',
  input: z.strictObject({
    ...selectionInUrl,
    ...pageInput,
    offset: z.coerce
      .number()
      .int()
      .min(0)
      .optional()
      .describe('Number of messages to skip. Use it instead of a cursor, for example for a scroll bar.'),
    threads: flag
      .default(false)
      .describe('Only the newest message of each thread, with facts about the thread in `thread`.'),
    distinct: flag
      .default(false)
      .describe('A message that several mailboxes have is one item, with its copies in `copies`. Without `threads`.'),
  }),
  output: pageSchema(
    messageSummary.extend({
      thread: threadFacts.optional().describe('Facts about the thread. Only with `threads=true`.'),
      copies: z
        .array(z.object({ id: z.string(), account: z.string().nullable() }))
        .optional()
        .describe('The message itself and its copies in other mailboxes. Only with `distinct=true`.'),
    }),
  ),
  async run({ api, caller, input }) {
    const conditions = queryConditions(input)
    const stored = input.threads ? undefined : await storedPage({ api, caller }, conditions, input)
    if (stored) {
      const { copies, ...page } = stored
      return input.distinct ? withCopies(page, copiesIn(copies)) : page
    }
    const found = await api.views.find(caller, conditions)
    if (!input.threads && input.distinct) {
      const copies = copiesIn(found)
      const firsts = [...copies.values()].map(([first]) => first as IndexedMessage)
      const page = await pageOfMessages({ api, caller }, firsts, input)
      return withCopies(page, copies)
    }
    if (!input.threads) return pageOfMessages({ api, caller }, found, input)
    const { newest, facts } = newestOfThreads(found, await api.threads.current())
    const page = await pageOfMessages({ api, caller }, newest, input)
    return { ...page, items: page.items.map((one) => ({ ...one, thread: facts.get(one.id) })) }
  },
})

/** Copies by content, of a list that stays the same array while nothing changes. */
const knownCopies = new WeakMap<readonly IndexedMessage[], ReadonlyMap<string, readonly IndexedMessage[]>>()

/** Returns the copies of each message by its content, in the order of a list. */
function copiesIn(found: readonly IndexedMessage[]): ReadonlyMap<string, readonly IndexedMessage[]> {
  const known = knownCopies.get(found)
  if (known) return known
  const copies = new Map<string, IndexedMessage[]>()
  for (const message of found) {
    const others = copies.get(message.entry.blob)
    if (others) others.push(message)
    else copies.set(message.entry.blob, [message])
  }
  knownCopies.set(found, copies)
  return copies
}

const withCopies = <Page extends { readonly items: readonly MessageSummary[] }>(
  page: Page,
  copies: ReturnType<typeof copiesIn>,
) => ({
  ...page,
  items: page.items.map((one) => ({ ...one, copies: (copies.get(one.content) ?? []).map(copyFacts) })),
})

const copyFacts = ({ id, folder }: IndexedMessage) => ({ id, account: accountOf(folder) ?? null })

const thread = defineOperation('messages.thread', 'GET /messages/{id}/thread', {
  summary:
    'List the messages of a thread, oldest first. Messages are in one thread if References or In-Reply-To connect them.',
  access: 'read',
  input: z.strictObject({ id }),
  output: z.object({ items: z.array(messageSummary) }),
  async run({ api, caller, input }) {
    const message = await messageOf(api, caller, input.id)
    const threadOf = await api.threads.current()
    const wanted = threadOf(message)
    const found = (await api.views.find(caller, [])).filter((one) => threadOf(one) === wanted)
    const items: MessageSummary[] = []
    const oldestFirst = found.toReversed()
    using source = api.reader.ahead(oldestFirst)
    for (const one of oldestFirst) {
      const facts = await api.reader.facts(one, { source })
      if (facts) items.push(summarize(one, facts, { api, caller }))
    }
    return { items }
  },
})

const tags = defineOperation('tags.list', 'GET /tags', {
  readsMessages: true,
  listKey: 'name',
  summary: 'List the tags in use, with the number of messages of each.',
  access: 'read',
  input: z.strictObject({}),
  output: z.object({ items: z.array(z.object({ name: z.string(), messages: z.number().int() })) }),
  async run({ api, caller }) {
    const counts = new Map<string, number>()
    for (const { entry } of await api.views.find(caller, queryConditions({ query: 'is:tagged' }))) {
      for (const name of tagsOf(entry)) counts.set(name, (counts.get(name) ?? 0) + 1)
    }
    const items = [...counts].map(([name, messages]) => ({ name, messages }))
    return { items: items.sort((a, b) => a.name.localeCompare(b.name)) }
  },
})

const changes = z.strictObject({
  read: z.boolean().optional(),
  flagged: z.boolean().optional(),
  flags: z
    .array(
      z
        .string()
        .regex(FLAG, 'is not an IMAP flag; write a system flag such as \\Answered, or a keyword without spaces'),
    )
    .optional()
    .describe('Replaces all flags and keywords. RFC 9051 section 2.3.2.'),
  tags: z.array(tag).optional().describe('Replaces the tags, which are IMAP keywords, with `~` for spaces.'),
})
type Changes = z.output<typeof changes>

/** Returns changes that touch nothing but what the caller names: others may change the message at the same time. */
function flagChanges({ read, flagged, flags, tags }: Changes, present: readonly string[]): readonly FlagChange[] {
  const wanted = tags?.map(keywordOf)
  // The store keeps the spelling that a folder had first. RFC 9051 section 2.3.2
  const names = wanted && new Set(wanted.map((flag) => flag.toLowerCase()))
  const isUnwanted = (flag: string): boolean =>
    names !== undefined && !/^[\\$]/.test(flag) && !names.has(flag.toLowerCase())
  const added = [...(wanted ?? []), ...(read ? ['\\Seen'] : []), ...(flagged ? ['\\Flagged'] : [])]
  const removed = [
    ...(flags ?? present).filter(isUnwanted),
    ...(read === false ? ['\\Seen'] : []),
    ...(flagged === false ? ['\\Flagged'] : []),
  ]
  if (flags) {
    const kept = flags.filter((flag) => !removed.includes(flag))
    return [{ mode: 'replace', flags: [...new Set([...kept, ...added])] }]
  }
  const named = [
    { mode: 'add', flags: added },
    { mode: 'remove', flags: removed },
  ] as const
  return named.filter((change) => change.flags.length > 0)
}

const update = defineOperation('messages.update', 'PATCH /messages/{id}', {
  summary: 'Change the flags and tags of a message.',
  access: 'change',
  input: changes.extend({ id }),
  output: messageSummary,
  async run({ api, caller, input }) {
    const { folder, entry } = await messageOf(api, caller, input.id)
    assertMayChangeIn(caller, folder)
    for (const change of flagChanges(input, entry.flags))
      await api.lab.store.setFlags(folder.id, [entry.uid], change, originOf(caller))
    return summaryById(api, caller, input.id)
  },
})

const move = defineOperation('messages.move', 'POST /messages/{id}/move', {
  summary: 'Move a message to another folder of the same owner. The response contains its new id.',
  access: 'change',
  input: z.strictObject({ id, folder: z.string().describe('Name of the folder.') }),
  output: messageSummary,
  async run({ api, caller, input }) {
    const message = await messageOf(api, caller, input.id)
    const { folder, entry } = message
    assertMayChangeIn(caller, folder)
    const target = await folderNamed({ api, caller }, message.folder.owner, input.folder)
    if (target.id === folder.id) return summaryById(api, caller, input.id)
    const { to } = await api.lab.store.move(folder.id, [entry.uid], target.id, originOf(caller))
    const [uid] = to
    if (uid === undefined) throw new ApiProblem('not-found', `message ${input.id} was deleted meanwhile`)
    return summaryById(api, caller, messageId(target.id, uid))
  },
})

const remove = defineOperation('messages.delete', 'DELETE /messages/{id}', {
  summary: 'Delete a message.',
  access: 'change',
  input: z.strictObject({ id }),
  async run({ api, caller, input }) {
    const { folder, entry } = await messageOf(api, caller, input.id)
    assertMayChangeIn(caller, folder)
    await api.lab.store.expunge(folder.id, [entry.uid], originOf(caller))
  },
})

const removeAll = defineOperation('messages.deleteAll', 'DELETE /messages', {
  summary: 'Delete the messages that match a search or, with `all=true`, every message that the caller sees.',
  access: 'change',
  input: z.strictObject({
    ...selectionInUrl,
    all: flag.default(false).describe('Deletes every message that the caller sees.'),
  }),
  output: z.object({ deleted: z.number().int() }),
  async run({ api, caller, input }) {
    const { all, ...query } = input
    const conditions = queryConditions(query)
    if (conditions.length === 0 && !all) {
      throw new ApiProblem(
        'bad-request',
        'nothing selects the messages; add query=…, or all=true to delete every message',
      )
    }
    const found = await api.views.find(caller, conditions)
    const removable = found.filter(({ folder }) => mayChangeIn(caller, folder))
    return { deleted: await deleteMessages(api, removable, originOf(caller)) }
  },
})

const mediaType = z.string().regex(/^[\w.+-]+\/[\w.+-]+(?: *;[^\r\n\0]*)?$/, 'is not a media type such as text/plain')

const attachment = z.strictObject({
  filename: line,
  contentType: mediaType.optional(),
  content: z.base64().describe('Content in base64.'),
})

const draft = z.strictObject({
  from: line.optional().describe('Sender. Default: sender@example.com.'),
  to: z.array(line).min(1).describe('Addresses, or log-on names of accounts.'),
  cc: z.array(line).optional(),
  subject: line.optional(),
  text: z.string().optional(),
  html: z.string().optional(),
  headers: z.record(fieldName, line).optional(),
  attachments: z.array(attachment).optional(),
})

const send = defineOperation('messages.send', 'POST /messages', {
  summary: 'Deliver a message to accounts and newsgroups of the lab, as SMTP does.',
  access: 'change',
  input: draft,
  takesMessages: true,
  output: z.object({ delivered: z.array(z.string()), ids: storedIds }),
  status: 201,
  location: locationOfFirst,
  async run({ api, caller, input }) {
    const { attachments = [], to, cc = [], ...rest } = input
    const name = (one: string): string => (one.includes('@') ? one : `${one}@${api.lab.directory.domain}`)
    const content = attachments.map((one) => omitUndefined({ ...one, content: Buffer.from(one.content, 'base64') }))
    const message = { ...rest, to: to.map(name), cc: cc.map(name), attachments: content }
    const raw = await compose(omitUndefined(message), api.lab.clock.now())
    const recipients = [...to, ...cc].map((one) => addressIn(one))
    for (const one of recipients) assertOwnRecipient(caller, one)
    const from = addressIn(input.from ?? 'sender@example.com')
    const stored = await api.lab.deliver({ from, to: recipients, raw })
    return { delivered: recipients, ids: idsSeenBy(caller, stored) }
  },
})

/** Returns the address of `Name <address>`. */
const addressIn = (text: string): string => /<([^<>]*)>\s*$/.exec(text)?.[1] ?? text.trim()

async function summaryById(api: Api, caller: Caller, wanted: string): Promise<MessageSummary> {
  const message = await messageOf(api, caller, wanted)
  const facts = await api.reader.facts(message)
  if (!facts) throw new ApiProblem('not-found', `message ${wanted} was deleted meanwhile`)
  return summarize(message, facts, { api, caller })
}
export const messageOperations = [
  list,
  removeAll,
  send,
  importMessages,
  ...bulkOperations,
  ...readOperations,
  thread,
  update,
  move,
  remove,
  tags,
] as const
