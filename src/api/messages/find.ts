import { z } from 'zod'
import { isSliceOver, nextSlice } from '../../core/time/time-slice.ts'
import type { Folder, Owner } from '../../storage/store/types.ts'
import type { Api } from '../api.ts'
import { type Caller, seesFolder, seesMessage } from '../caller.ts'
import { flag } from '../input-types.ts'
import { cursorOf, gone, placeOf } from '../lists.ts'
import { ApiProblem, notFound } from '../problem.ts'
import type { IndexedMessage } from './message-index.ts'
import { type Condition, conditionOn, parseQuery, receivedSince } from './search.ts'
import { type MessageSummary, summaryOf } from './summary.ts'

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
export function conditionsOf({
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

/** Returns a message that the caller sees. @throws ApiProblem `not-found` */
export function messageOf(api: Api, caller: Caller, id: string): IndexedMessage {
  const message = api.index.get(id)
  if (message && seesFolder(caller, message.folder) && seesMessage(caller, message.folder, message.entry))
    return message
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

/** Where a page ends: after a message, in the order of one start of one node. */
const place = z.object({ epoch: z.string(), order: z.number(), id: z.string(), at: z.number(), node: z.string() })

/**
 * Returns the node that knows where a page continues: messages that arrived at nearly the same time can have another order on
 * every node. Undefined if there is no cursor.
 */
export const nodeOfPage = ({ cursor }: { readonly cursor?: string | undefined }): string | undefined =>
  cursor === undefined ? undefined : placeOf(cursor, place).node

/** Returns a page of messages. Its cursor stays valid while messages arrive or go. @throws ApiProblem `gone`; `bad-request` for a cursor with an offset */
export async function pageOfMessages(
  { api, caller }: { readonly api: Api; readonly caller: Caller },
  found: readonly IndexedMessage[],
  {
    limit,
    cursor,
    offset,
  }: { readonly limit: number; readonly cursor?: string | undefined; readonly offset?: number | undefined },
): Promise<{ items: MessageSummary[]; next: string | null; total: number }> {
  if (cursor !== undefined && offset !== undefined)
    throw new ApiProblem('bad-request', 'cursor and offset say where the page begins; send only one of them')
  const start = cursor === undefined ? (offset ?? 0) : startAfter(api, found, placeOf(cursor, place))
  const page = found.slice(start, start + limit)
  const items: MessageSummary[] = []
  using source = api.reader.ahead(page)
  for (const message of page) {
    const facts = await api.reader.facts(message, { source })
    if (facts) items.push(summaryOf(message, facts, { api, caller }))
    if (isSliceOver()) await nextSlice()
  }
  const last = page.at(-1)
  const next = last && start + limit < found.length ? cursorOf(placeAfter(api, last)) : null
  return { items, next, total: found.length }
}

const placeAfter = ({ index, lab }: Api, { id, order, entry }: IndexedMessage): z.input<typeof place> => ({
  ...{ epoch: index.epoch, order, id, at: entry.savedAt },
  node: lab.cluster.node,
})

/**
 * Finds where a page begins. After the end of the node that answered the page before, others continue after its last message,
 * or at its time if it is gone.
 * @throws ApiProblem `gone` after a restart of a lab that is one process: messages of the same millisecond may have another
 * order
 */
function startAfter({ index, lab }: Api, found: readonly IndexedMessage[], after: z.output<typeof place>): number {
  const isSame = after.epoch === index.epoch
  if (!isSame && !lab.cluster.isShared) throw gone('the lab has started again since the page before')
  const last = isSame ? -1 : found.findIndex(({ id }) => id === after.id)
  if (last !== -1) return last + 1
  const start = found.findIndex(({ order, entry }) => (isSame ? order < after.order : entry.savedAt <= after.at))
  return start === -1 ? found.length : start
}
