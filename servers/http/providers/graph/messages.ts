import { z } from 'zod'
import { matcherOf, type RecipientsOf } from '../../../../src/api/messages/matcher.ts'
import { type IndexedMessage, splitMessageId } from '../../../../src/api/messages/message-index.ts'
import { type Condition, parseQuery } from '../../../../src/api/messages/search.ts'
import { recipientsFor } from '../../../../src/api/messages/summary.ts'
import { isSliceOver, nextSlice } from '../../../../src/core/time/time-slice.ts'
import { findMessages, gone, inFolder, messageById } from '../mailbox/mailbox.ts'
import { type Answer, ProviderError } from '../types.ts'
import { GraphError } from './errors.ts'
import { folderOf } from './folders.ts'
import { attachment, attachmentsOf, changeKey, type Item, message, readItem } from './message.ts'
import * as odata from './odata.ts'
import { type Clause, type GraphRequest, type ListQuery, route, shaped, type Values } from './odata.ts'

/** A page ends before the messages in it are larger together. */
const MAX_PAGE_OCTETS = 16 * 1024 * 1024

/** Returns a message in JSON. Undefined if it was deleted meanwhile. */
async function messageJson(request: GraphRequest, at: IndexedMessage, select: readonly string[]) {
  const { api } = request.call
  const level = Math.max(...select.map((name) => message[name]?.level ?? 0))
  const isText = /body-content-type\s*=\s*"?text/i.test(odata.preferences(request))
  const etag = { '@odata.etag': `W/"${changeKey(at.entry.modSeq)}"` }
  const shape = (item: Item) => ({ ...etag, ...shaped(message, item, ['id', ...select]) })
  const json = await readItem(api, at, { level, isText }, shape)
  const expand = request.query.get('$expand')
  if (!json || expand === null) return json
  if (!/^attachments\b/.test(expand)) throw new ProviderError('not-offered', `Sealpost does not expand ${expand}`)
  const parts = (await attachmentsOf(api, at)).map((one) => shaped(attachment, one, Object.keys(attachment)))
  return { ...json, attachments: parts }
}

/** Returns as many messages in JSON as a page may have, and how many it has taken. */
export async function pageOf(request: GraphRequest, found: readonly IndexedMessage[], select: readonly string[]) {
  const value: object[] = []
  let [octets, taken] = [0, 0]
  for (const at of found) {
    octets += at.entry.sizeOctets
    if (taken > 0 && octets > MAX_PAGE_OCTETS) break
    const json = await messageJson(request, at, select)
    if (json) value.push(json)
    taken++
    await pause(request)
  }
  return { value, taken }
}

async function pause({ call }: GraphRequest): Promise<void> {
  if (isSliceOver()) await nextSlice()
  call.c.req.raw.signal.throwIfAborted()
}

/** The search of the lab for a property of KQL. https://learn.microsoft.com/en-us/graph/search-query-parameter */
const SEARCHES: Readonly<Partial<Record<string, string>>> = {
  ...{ from: 'from:', to: 'to:', cc: 'cc:', bcc: 'bcc:', subject: 'subject:', participants: 'addressed:', body: '' },
  ...{ 'received>=': 'after:', 'received<': 'before:', received: 'on:', hasattachments: 'has:' },
}
/** A word or a quotation, perhaps with a property before it. */
const TERM = /(-|NOT\s+)?(?:([a-zA-Z]+(?:>=?|<=?)?)[:=]?(?<=[:=<>]))?("[^"]*"|[^\s"]+)/g

/** Returns the conditions of a $search in KQL. @throws ProviderError `not-offered` */
function searchOf(text: string): Condition[] {
  const query = text.trim().replace(/^"(.*)"$/s, '$1')
  const terms = [...query.replaceAll('\\"', '"').matchAll(TERM)].map(([whole, not = '', field = '', given = '']) => {
    const search = field === '' ? '' : SEARCHES[field.toLowerCase()]
    if (search === undefined || (!field && /^(?:OR|NEAR)$|^\(|\)$/.test(given)))
      throw new ProviderError('not-offered', `Sealpost does not offer ${whole} in $search`)
    if (search === 'has:') return `${/^(?:true|1|yes)$/i.test(given) === (not === '') ? '' : '-'}has:attachment`
    return given === 'AND' ? '' : `${not && '-'}${search}"${given.replaceAll('"', '').replace(/\*$/, '')}"`
  })
  return parseQuery(terms.join(' '))
}

/** Returns the condition of a clause that a store can test. */
const conditionOf = ({ test, stored }: Clause<Item>): Condition => ({
  key: JSON.stringify(['graph', stored]),
  negated: false,
  ofEntry: (at) => test({ at }),
  ...(stored && { stored }),
})

/** Reads messages to test them. Returns those that are wanted, with their values of $orderby and their place. */
async function tested(
  request: GraphRequest,
  messages: readonly IndexedMessage[],
  { filter, order, valuesOf }: ListQuery<Item>,
  search: readonly Condition[],
) {
  const { api } = request.call
  const viewer = { api, caller: request.mailbox.caller }
  const recipientsOf: RecipientsOf = ({ folder, entry }, facts) => recipientsFor(viewer, folder, entry, facts)
  const matches = matcherOf(api.reader, search, { isScan: true, recipientsOf })
  const level = Math.max(0, ...filter.map((one) => one.level), ...order.map((one) => one.level))
  using source = api.reader.ahead(level === 0 && search.length === 0 ? [] : messages)
  const found: { at: IndexedMessage; values: Values }[] = []
  for (const at of messages) {
    const { folder, entry } = at
    const add = (item: Item): void => {
      const values = [...valuesOf(item), entry.savedAt, folder.id, entry.uid]
      if (filter.every(({ test }) => test(item))) found.push({ at, values })
    }
    if (await matches(at, source)) await readItem(api, at, { level, source }, add)
    await pause(request)
  }
  return found
}

/** Where a list continues: the values of the last message. */
const place = z.array(z.union([z.string(), z.number()]))

async function list(request: GraphRequest): Promise<Answer> {
  const { mailbox, params, query } = request
  const options = odata.listQuery(request, message)
  const { filter, order, compare, skip, top, select } = options
  const [kql, token] = [query.get('$search'), query.get('$skiptoken')]
  if (kql !== null && filter.length + order.length > 0) {
    const [code, name] = filter.length > 0 ? ['SearchWithFilter', '$filter'] : ['SearchWithOrderBy', '$orderBy']
    throw new GraphError(400, code, `The query parameter '${name}' is not supported with '$search'.`)
  }
  const after = token === null ? undefined : odata.readToken(token, place)
  if (after?.length !== (token === null ? undefined : order.length + 3))
    throw new GraphError(400, 'BadRequest', 'The $skiptoken is not one of this lab.')
  const folder = params.folder === undefined ? [] : [inFolder(await folderOf(mailbox, params.folder))]
  const conditions = [...folder, ...filter.filter(({ stored }) => stored).map(conditionOf)]
  const clauses = filter.filter(({ stored }) => !stored)
  const search = kql === null ? [] : searchOf(kql)
  // The store itself finds the page.
  const isPlain = clauses.length + search.length + order.length === 0
  const [savedAt, folderId, uid] = (after?.slice(-3) ?? []) as [number, string, number]
  const part = { limit: top + 1, offset: skip, after: after && { savedAt, folderId, uid } }
  const { messages, total } = await findMessages(mailbox, conditions, isPlain ? part : undefined)
  const all = await tested(request, messages, { ...options, filter: clauses }, search)
  if (!isPlain) all.sort((a, b) => compare(a.values, b.values))
  const left = isPlain ? all : all.filter(({ values }) => !after || compare(values, after) > 0).slice(skip)
  const page = left.slice(0, top).map(({ at }) => at)
  const { value, taken } = await pageOf(request, page, select)
  const next = left.length > taken ? odata.tokenOf(left[taken - 1]?.values ?? []) : undefined
  const more = next && { '@odata.nextLink': odata.linkTo(request, { $skip: undefined, $skiptoken: next }) }
  const count = odata.countOf(request, isPlain ? total : all.length)
  return odata.answer(request, 'messages', { ...count, value, ...more })
}

/** Answers with one message. */
export async function answerMessage(request: GraphRequest, at: IndexedMessage, status = 200): Promise<Answer> {
  const json = (await messageJson(request, at, odata.selected(request, message))) ?? gone()
  return odata.answer(request, 'messages/$entity', json, status)
}

/** Returns the message of a request. @throws GraphError, ProviderError `not-found` */
export async function messageOf({ mailbox, params: { id = '', folder } }: GraphRequest): Promise<IndexedMessage> {
  if (!splitMessageId(id)) throw new GraphError(400, 'ErrorInvalidIdMalformed', 'Id is malformed.')
  const found = await messageById(mailbox, id)
  return folder === undefined || (await folderOf(mailbox, folder)).id === found.folder.id ? found : gone()
}

async function octets(request: GraphRequest): Promise<Answer> {
  const { folder, entry } = await messageOf(request)
  const body = (await request.mailbox.store.read(folder.id, entry.uid)) ?? gone()
  return { body, headers: { 'Content-Type': 'text/plain' } }
}

async function attachments(request: GraphRequest): Promise<Answer> {
  const all = await attachmentsOf(request.call.api, await messageOf(request))
  const { part, content } = request.params
  if (part === undefined) return odata.answerList(request, attachment, all, 'messages/attachments')
  const item = all[Number(part) - 1] ?? gone()
  if (content) return { body: item.one.content, headers: { 'Content-Type': 'application/octet-stream' } }
  return { body: shaped(attachment, item, odata.selected(request, attachment)) }
}

/** Returns the routes of one message, which is named alone or in its folder. */
export const ofMessage = (method: string, below: string, run: (request: GraphRequest) => Promise<Answer>) =>
  ['', 'mailFolders{folder}/'].map((prefix) => route(method, `${prefix}messages{id}${below}`, run))

export const messageRoutes = [
  route('GET', 'messages', list),
  route('GET', 'mailFolders{folder}/messages', list),
  ...ofMessage('GET', '', async (request) => answerMessage(request, await messageOf(request))),
  ...ofMessage('GET', String.raw`/\$value`, octets),
  ...ofMessage('GET', '/attachments', attachments),
  ...ofMessage('GET', String.raw`/attachments{part}(?<content>/\$value)?`, attachments),
]
