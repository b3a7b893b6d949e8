import { z } from 'zod'
import { isSliceOver, nextSlice } from '../../core/time/time-slice.ts'
import { CAPTURED_OWNER, type Folder, type Owner } from '../../storage/store/folder.ts'
import type { StoredMessage } from '../../storage/store/message-entry.ts'
import type { SelectionPart } from '../../storage/store/selection.ts'
import type { Api } from '../api.ts'
import { type Caller, seesFolder, seesLab, seesMessage } from '../caller.ts'
import { flag } from '../input-types.ts'
import { cursorOf, lostCursor, readCursor } from '../lists.ts'
import { ApiProblem, notFound } from '../problem.ts'
import { compareArrival, type IndexedMessage, messageId, splitMessageId } from './message-index.ts'
import { type Condition, conditionOn, isOfFolder, parseQuery, receivedSince, storedTests } from './search.ts'
import { type MessageSummary, summarize } from './summary.ts'

/** The conditions of a list. */
interface MessageQuery {
  readonly query?: string | undefined
  readonly account?: string | undefined
  readonly folder?: string | undefined
  readonly newsgroup?: string | undefined
  readonly captured?: boolean | undefined
  readonly articles?: boolean | undefined
  readonly since?: string | undefined
}

/** The values of a JSON body that select messages. */
export const selection = {
  query: z.string().optional().describe('A search, such as `from:alice is:unread "an invoice"`.'),
  account: z.string().optional().describe('Only the mailboxes of this account.'),
  folder: z.string().optional().describe('Only the folder with this name.'),
  newsgroup: z.string().optional().describe('Only the articles of this newsgroup.'),
  captured: z.boolean().optional().describe('Only captured mail; with false, everything else.'),
  articles: z.boolean().optional().describe('Only articles of newsgroups; with false, everything else.'),
  since: z.string().optional().describe('Only what has a `receivedAt` at or after this time, RFC 3339.'),
}

/** The parameters of a URL that select messages. */
export const selectionInUrl = {
  ...selection,
  captured: flag.optional().describe(selection.captured.description ?? ''),
  articles: flag.optional().describe(selection.articles.description ?? ''),
}

/** Returns the conditions of a query. @throws ApiProblem `bad-request` */
export function queryConditions({
  query = '',
  account,
  folder,
  newsgroup,
  captured,
  articles,
  since,
}: MessageQuery): Condition[] {
  const fields = {
    account,
    folder,
    newsgroup,
    captured: yesOrNo(captured),
    articles: yesOrNo(articles),
  }
  return [
    ...parseQuery(query),
    ...Object.entries(fields).flatMap(([field, value]) => (value === undefined ? [] : [conditionOn(field, value)])),
    ...(since === undefined ? [] : [receivedSince(since)]),
  ]
}

const yesOrNo = (value: boolean | undefined): string | undefined =>
  value === undefined ? undefined : value ? 'yes' : 'no'

/** Returns a message that the caller sees, or undefined. */
export async function seenMessage({ index }: Api, caller: Caller, id: string): Promise<IndexedMessage | undefined> {
  const message = await index.find(id)
  const isSeen = message && seesFolder(caller, message.folder) && seesMessage(caller, message.folder, message.entry)
  return isSeen ? message : undefined
}

/** Returns a message that the caller sees. @throws ApiProblem `not-found` */
export async function messageOf(api: Api, caller: Caller, id: string): Promise<IndexedMessage> {
  const message = await seenMessage(api, caller, id)
  if (message) return message
  throw notFound(`there is no message ${id}; it was deleted or moved, or it belongs to someone else`)
}

/** Returns the folder of an owner with a name. @throws ApiProblem `not-found` with their names */
export async function folderNamed(
  { api, caller }: { readonly api: Api; readonly caller: Caller },
  owner: Owner,
  name: string,
): Promise<Folder> {
  const found = await api.lab.store.findFolder(owner, name)
  if (found && seesFolder(caller, found)) return found
  const folders = (await api.lab.store.listFolders(owner)).filter((one) => seesFolder(caller, one))
  throw new ApiProblem(
    'not-found',
    `there is no folder ${name}; there are: ${folders.map((one) => one.name).join(', ')}`,
  )
}

/** Where a page ends: after a message. `epoch` and `order` count where the messages are in memory, `at` elsewhere. */
const place = z.object({
  epoch: z.string(),
  order: z.number(),
  id: z.string().refine((id) => splitMessageId(id) !== undefined),
  at: z.int(),
})

interface PageInput {
  readonly limit: number
  readonly cursor?: string | undefined
  readonly offset?: number | undefined
}

interface MessagePage {
  items: MessageSummary[]
  next: string | null
  total: number
}

interface Selected {
  readonly messages: readonly IndexedMessage[]
  readonly total: number
  /** With `isDistinct`: these messages and their other copies, the newest first. */
  readonly copies: readonly IndexedMessage[]
}

/**
 * Returns a part of the messages that meet conditions, found by the store without the index. Undefined if the store cannot
 * find them.
 */
export async function selectStored(
  { api, caller }: { readonly api: Api; readonly caller: Caller },
  conditions: readonly Condition[],
  part: SelectionPart,
): Promise<Selected | undefined> {
  const { store } = api.lab
  const isOf = (folder: Folder): boolean => seesFolder(caller, folder) && isOfFolder(conditions, folder)
  // A tenant sees only some of the captured messages.
  const seesSome = caller.tenant !== undefined && isOf({ id: '', owner: CAPTURED_OWNER, name: '', uidValidity: 0 })
  if (!store.select || !conditions.every(({ ofFolder, stored }) => ofFolder || stored) || seesSome) return undefined
  const { messages, total, copies } = await store.select(
    {
      folders:
        conditions.some(({ ofFolder }) => ofFolder) || !seesLab(caller) || caller.seesCaptured === false
          ? isOf
          : undefined,
      tests: storedTests(conditions),
    },
    part,
  )
  return { messages: messages.map(toIndexed), total, copies: copies.map(toIndexed) }
}

const toIndexed = ({ folder, entry }: StoredMessage): IndexedMessage => ({
  id: messageId(folder.id, entry.uid),
  folder,
  entry,
  order: entry.savedAt,
})

/**
 * Returns a page of the messages that meet conditions, found by the store without the index. Undefined if the store cannot
 * find them.
 */
export async function storedPage(
  viewer: { readonly api: Api; readonly caller: Caller },
  conditions: readonly Condition[],
  { limit, cursor, offset, distinct: isDistinct }: PageInput & { readonly distinct?: boolean },
): Promise<(MessagePage & Pick<Selected, 'copies'>) | undefined> {
  const after = cursor === undefined ? undefined : readCursor(cursor, place)
  const at = after && splitMessageId(after.id)
  const part = { limit: limit + 1, offset, after: after && at && { ...at, savedAt: after.at }, isDistinct }
  const selected = await selectStored(viewer, conditions, part)
  if (!selected) return undefined
  assertOneStart(cursor, offset)
  const items = await summariesOf(viewer, selected.messages.slice(0, limit))
  const last = selected.messages.length > limit ? selected.messages[limit - 1] : undefined
  const next = last ? cursorOf(placeAfter(viewer.api, last)) : null
  return { items, next, total: selected.total, copies: selected.copies }
}

/** Returns how many messages a caller sees. @throws StoreError */
export async function countSeen({ api, caller }: { readonly api: Api; readonly caller: Caller }): Promise<number> {
  const { index, lab, views } = api
  if (!lab.store.select) return (await views.find(caller, [])).length
  const seesSome = ({ owner }: Folder): boolean => caller.tenant !== undefined && owner === CAPTURED_OWNER
  const seesAll = (folder: Folder): boolean => seesFolder(caller, folder) && !seesSome(folder)
  let { total } = await lab.store.select({ folders: seesAll, tests: [] }, { limit: 0 })
  for await (const batch of index.batches({ folders: (folder) => seesFolder(caller, folder) && seesSome(folder) }))
    total += batch.filter(({ folder, entry }) => seesMessage(caller, folder, entry)).length
  return total
}

async function summariesOf(
  { api, caller }: { readonly api: Api; readonly caller: Caller },
  page: readonly IndexedMessage[],
): Promise<MessageSummary[]> {
  const items: MessageSummary[] = []
  using source = api.reader.ahead(page)
  for (const message of page) {
    const facts = await api.reader.facts(message, { source })
    if (facts) items.push(summarize(message, facts, { api, caller }))
    if (isSliceOver()) await nextSlice()
  }
  return items
}

function assertOneStart(cursor: string | undefined, offset: number | undefined): void {
  if (cursor !== undefined && offset !== undefined)
    throw new ApiProblem('bad-request', 'cursor and offset say where the page begins; send only one of them')
}

/** Returns a page of messages. Its cursor stays valid while messages arrive or go. @throws ApiProblem `gone`; `bad-request` for a cursor with an offset */
export async function pageOfMessages(
  { api, caller }: { readonly api: Api; readonly caller: Caller },
  found: readonly IndexedMessage[],
  { limit, cursor, offset }: PageInput,
): Promise<MessagePage> {
  assertOneStart(cursor, offset)
  const start = cursor === undefined ? (offset ?? 0) : startAfter(api, found, readCursor(cursor, place))
  const page = found.slice(start, start + limit)
  const items = await summariesOf({ api, caller }, page)
  const last = page.at(-1)
  const next = last && start + limit < found.length ? cursorOf(placeAfter(api, last)) : null
  return { items, next, total: found.length }
}

const placeAfter = ({ index }: Api, { id, order, entry }: IndexedMessage): z.input<typeof place> => ({
  epoch: index.isHeld ? index.epoch : '',
  order,
  id,
  at: entry.savedAt,
})

/**
 * Finds where a page begins.
 * @throws ApiProblem `gone` after a restart of a lab that has its messages in memory: those of the same millisecond may have
 * another order
 */
function startAfter({ index }: Api, found: readonly IndexedMessage[], after: z.output<typeof place>): number {
  if (index.isHeld && after.epoch !== index.epoch) throw lostCursor('the lab has started again since the page before')
  const { folderId = '', uid = 0 } = splitMessageId(after.id) ?? {}
  const last = { order: index.isHeld ? after.order : after.at, folder: { id: folderId }, entry: { uid } }
  const start = found.findIndex((message) => compareArrival(message, last) < 0)
  return start === -1 ? found.length : start
}
