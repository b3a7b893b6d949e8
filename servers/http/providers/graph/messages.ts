import { z } from 'zod'
import { type IndexedMessage, splitMessageId } from '../../../../src/api/messages/message-index.ts'
import { type Condition, conditionOn, wordsCondition } from '../../../../src/api/messages/search.ts'
import { isSliceOver, nextSlice } from '../../../../src/core/time/time-slice.ts'
import { ask, findMessages, gone, inFolder, messageById } from '../mailbox/mailbox.ts'
import { type Answer, ProviderError } from '../types.ts'
import { shaped } from './entity.ts'
import { GraphError } from './errors.ts'
import { bad, readExpression } from './expression.ts'
import { folderOf } from './folders.ts'
import { attachmentEntity, attachmentsOf, changeKey, type MessageItem, messageEntity, readItem } from './message.ts'
import * as odata from './odata.ts'
import { type GraphRequest, route } from './odata.ts'

/** A page ends before the messages in it are larger together. */
const MAX_PAGE_OCTETS = 16 * 1024 * 1024

/** Returns a message in JSON. Undefined if it was deleted meanwhile. */
async function messageJson(request: GraphRequest, at: IndexedMessage, select: readonly string[]) {
  const { api } = request.call
  const level = Math.max(...select.map((name) => messageEntity[name]?.level ?? 0))
  const isText = /body-content-type\s*=\s*"?text/i.test(odata.preferences(request))
  const etag = { '@odata.etag': `W/"${changeKey(at.entry.modSeq)}"` }
  const shape = (item: MessageItem) => ({ ...etag, ...shaped(messageEntity, item, ['id', ...select]) })
  const json = await readItem(api, at, { level, isText }, shape)
  const expand = request.query.get('$expand')
  if (!json || expand === null) return json
  if (!/^attachments\b/.test(expand)) throw new ProviderError('not-offered', `Sealpost does not expand ${expand}`)
  const parts = await attachmentsOf(api, at)
  const names = Object.keys(attachmentEntity)
  return { ...json, attachments: parts.map((message) => shaped(attachmentEntity, { message }, names)) }
}

/** Returns as many messages in JSON as a page may have, and how many it has taken. */
export async function messagePage(request: GraphRequest, found: readonly IndexedMessage[], select: readonly string[]) {
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

const KQL = {
  token: /-(?=[\w"(])|[()]|[a-z]+(?:[:=]|[<>]=?)|"[^"]*"|[^\s()"]+/gi,
  or: /^OR$/,
  and: /^AND$/,
  not: /^(?:NOT|-)$/,
  adjacent: /^(?!OR$|\)$)./s,
}

/** The conditions on properties of KQL. https://learn.microsoft.com/en-us/graph/search-query-parameter */
const SEARCHES: Readonly<Partial<Record<string, (text: string) => Condition>>> = {
  ...Object.fromEntries(
    ['from', 'to', 'cc', 'bcc', 'subject'].map((name) => [name, (text: string) => conditionOn(name, text)]),
  ),
  participants: (text) => conditionOn('addressed', text),
  body: (text) => wordsCondition(text),
  received: (text) => conditionOn('on', text),
  'received>=': (text) => conditionOn('after', text),
  'received<': (text) => conditionOn('before', text),
  hasattachments: (text) => conditionOn('has', 'attachment', { negated: !/^(?:true|1|yes)$/i.test(text) }),
}

/** Returns the conditions of a $search in KQL. @throws ProviderError `not-offered` */
const searchOf = (text: string): Condition[] =>
  readExpression(
    text
      .trim()
      .replace(/^"((?:[^"\\]|\\.)*)"$/s, '$1')
      .replaceAll('\\"', '"'),
    KQL,
    (take, need) => {
      const field = take(/^[a-z]+(?:[:=]|[<>]=?)$/i)
        ?.toLowerCase()
        .replace(/[:=]$/, '')
      const words = need(/^(?!(?:OR|AND)$)[^()]/)
        .replaceAll('"', '')
        .replace(/\*$/, '')
      const search = field === undefined ? wordsCondition : SEARCHES[field]
      if (!search) throw new ProviderError('not-offered', `Sealpost does not offer ${field} in $search`)
      return search(words)
    },
  )

/** Where a list continues: after a message, which has values by which the list is ordered. */
const place = z.object({
  values: z.array(z.union([z.string(), z.number()])),
  savedAt: z.int().min(0),
  folderId: z.string().regex(/^[\w-]+$/),
  uid: z.int().min(0),
})
type Place = z.output<typeof place>
type Query = ReturnType<typeof odata.listQuery<IndexedMessage>>

/** Reads messages for their order. Returns them with their places, as they come. */
async function placed(request: GraphRequest, messages: readonly IndexedMessage[], { order, valuesOf }: Query) {
  const { api } = request.call
  const level = Math.max(0, ...order.map((property) => property.level))
  using source = api.reader.ahead(level === 0 ? [] : messages)
  const found: { readonly at: IndexedMessage; readonly place: Place }[] = []
  for (const at of messages) {
    const own = { savedAt: at.entry.savedAt, folderId: at.folder.id, uid: at.entry.uid }
    await readItem(api, at, { level, source }, (item) => found.push({ at, place: { values: valuesOf(item), ...own } }))
    await pause(request)
  }
  return found
}

async function list(request: GraphRequest): Promise<Answer> {
  const { mailbox, params, query } = request
  const options = odata.listQuery(request, messageEntity)
  const { filter, order, skip, top, select } = options
  const [kql, token] = [query.get('$search'), query.get('$skiptoken')]
  if (kql !== null && filter.length + order.length > 0) {
    const [code, name] = filter.length > 0 ? ['SearchWithFilter', '$filter'] : ['SearchWithOrderBy', '$orderBy']
    throw new GraphError(400, code, `The query parameter '${name}' is not supported with '$search'.`)
  }
  const after = token === null ? undefined : odata.readToken(token, place)
  if (token !== null && after?.values.length !== order.length) bad('The $skiptoken is not one of this lab.')
  const folder = params.folder === undefined ? [] : [inFolder(await folderOf(mailbox, params.folder))]
  const conditions = [...folder, ...filter, ...(kql === null ? [] : searchOf(kql))]
  // Without an order of its own, the list begins where the page does.
  const part = order.length === 0 ? { limit: top + 1, offset: skip, after } : undefined
  const { messages, total } = await findMessages(mailbox, conditions, part)
  if (params.count) return { body: `${total}` }
  const compare = (a: Place, b: Place): number => options.compare(keyOf(a), keyOf(b))
  let rest = await placed(request, messages, options)
  if (!part) {
    rest = rest.filter((one) => !after || compare(one.place, after) > 0)
    rest = rest.sort((a, b) => compare(a.place, b.place)).slice(skip)
  }
  const page = rest.slice(0, top).map(({ at }) => at)
  const { value, taken } = await messagePage(request, page, select)
  const next = rest.length > taken ? { $skip: undefined, $skiptoken: rest[taken - 1]?.place } : undefined
  return odata.answerPage(request, 'messages', { value, total, next })
}

const keyOf = ({ values, savedAt, folderId, uid }: Place) => [...values, savedAt, folderId, uid]

/** Answers with one message. */
export async function answerMessage(request: GraphRequest, at: IndexedMessage, status = 200): Promise<Answer> {
  const json = (await messageJson(request, at, odata.selected(request, messageEntity))) ?? gone()
  return odata.answer(request, 'messages/$entity', json, status)
}

/** Returns the message of a request. @throws GraphError, ProviderError `not-found` */
export async function messageOf({ mailbox, params: { id = '', folder } }: GraphRequest): Promise<IndexedMessage> {
  if (!splitMessageId(id)) throw new GraphError(400, 'ErrorInvalidIdMalformed', 'Id is malformed.')
  const found = await messageById(mailbox, id)
  return folder === undefined || (await folderOf(mailbox, folder)).id === found.folder.id ? found : gone()
}

/** Moves a message to the folder with a name. Returns it with its new id. */
export async function moved(
  { mailbox }: GraphRequest,
  { id }: IndexedMessage,
  folder: string,
): Promise<IndexedMessage> {
  const after = (await ask(mailbox, 'messages.move', { id, folder })) as { readonly id: string }
  return messageById(mailbox, after.id)
}

async function octets(request: GraphRequest): Promise<Answer> {
  const { folder, entry } = await messageOf(request)
  return { body: (await request.mailbox.store.read(folder.id, entry.uid)) ?? gone() }
}

async function attachments(request: GraphRequest): Promise<Answer> {
  const all = await attachmentsOf(request.call.api, await messageOf(request))
  const { part, content } = request.params
  if (part === undefined) return odata.answerList(request, attachmentEntity, all, 'messages/attachments')
  const message = all[Number(part) - 1] ?? gone()
  if (content) return { body: message.one.content, headers: { 'Content-Type': 'application/octet-stream' } }
  const json = shaped(attachmentEntity, { message }, odata.selected(request, attachmentEntity))
  return odata.answer(request, 'messages/attachments/$entity', json)
}

/** Returns the routes of one message, which is named alone or in its folder. */
export const ofMessage = (method: string, below: string, run: (request: GraphRequest) => Promise<Answer>) =>
  ['', '/mailFolders{folder}'].map((prefix) => route(method, `{user}${prefix}/messages{id}${below}`, run))

export const messageRoutes = [
  route('GET', String.raw`{user}/messages(?<count>/\$count)?`, list),
  route('GET', String.raw`{user}/mailFolders{folder}/messages(?<count>/\$count)?`, list),
  ...ofMessage('GET', '', async (request) => answerMessage(request, await messageOf(request))),
  ...ofMessage('GET', String.raw`/\$value`, octets),
  ...ofMessage('GET', '/attachments', attachments),
  ...ofMessage('GET', String.raw`/attachments{part}(?<content>/\$value)?`, attachments),
]
