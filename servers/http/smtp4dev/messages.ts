import type { Api } from '../../../src/api/api.ts'
import { contentDisposition } from '../../../src/api/messages/content-disposition.ts'
import { htmlDocument } from '../../../src/api/messages/html-document.ts'
import type { MessageFacts } from '../../../src/api/messages/message-facts.ts'
import { wordsCondition } from '../../../src/api/messages/search.ts'
import { Content } from '../../../src/api/operation.ts'
import { ApiProblem, notFound } from '../../../src/api/problem.ts'
import { isSliceOver, nextSlice } from '../../../src/core/time/time-slice.ts'
import { partOctetsOrRaw, partText } from '../../../src/mail/format/parts.ts'
import { filenameOf, type ReadableMessage } from '../../../src/mail/format/readable.ts'
import type { MessagePart } from '../../../src/mail/format/types.ts'
import { changeFlags, DeliveredMail, deleteMails, firstCopies, type Mail } from '../delivered-mail.ts'
import { downloadOf } from '../part-content.ts'
import { plainTextOf } from '../plain-text.ts'
import { contentResponse, jsonResponse, notOffered, pathParameter, type Route, type RouteCall } from '../routes.ts'
import { mailOfGuid } from './ids.ts'
import { numberIn, pageOf, parameterOf } from './paging.ts'
import { partsInOrder } from './parts.ts'
import { recipientsOf, smtp4devMessage, smtp4devSummary } from './shapes.ts'

const DEFAULT_MAILBOX = 'Default'
const INBOX = 'INBOX'
/** Messages in a list of new ones. */
const NEW_LIMIT = 50

const nothing = ({ c }: RouteCall): Response => c.body(null, 200)
const text = ({ c }: RouteCall, value: string | Buffer): Response =>
  contentResponse(c, new Content('text/plain; charset=utf-8', value))

/** Returns the mail of the mailbox that a request names. The lab has one mailbox with one folder. */
async function mailsIn(call: RouteCall): Promise<{ delivered: DeliveredMail; isEmpty: boolean }> {
  const mailbox = parameterOf(call, 'mailboxName') || DEFAULT_MAILBOX
  const folder = parameterOf(call, 'folderName') || INBOX
  const delivered = await DeliveredMail.of(call.api, call.caller)
  return { delivered, isEmpty: mailbox !== DEFAULT_MAILBOX || folder.toUpperCase() !== INBOX }
}

async function mailOf(call: RouteCall): Promise<Mail> {
  const guid = pathParameter(call.c, 'id')
  const found = mailOfGuid(await DeliveredMail.of(call.api, call.caller), guid)
  if (found) return found
  throw notFound(`there is no message ${guid}; it was deleted, or it belongs to someone else`)
}

interface Read {
  readonly mail: Mail
  readonly facts: MessageFacts
  readonly message: ReadableMessage
}

/** @throws ApiProblem `not-found` */
async function readOf(call: RouteCall): Promise<Read> {
  const mail = await mailOf(call)
  const facts = await call.api.reader.facts(mail.copies[0])
  const message = await call.api.reader.read(mail.copies[0])
  if (!facts || !message) throw notFound(`message ${pathParameter(call.c, 'id')} was deleted meanwhile`)
  return { mail, facts, message }
}

/** @throws ApiProblem `not-found` */
async function partOf(call: RouteCall): Promise<{ raw: Buffer; part: MessagePart; number: string }> {
  const { message } = await readOf(call)
  const parts = partsInOrder(message.structure)
  const number = pathParameter(call.c, 'part')
  const part = /^\d{1,6}$/.test(number) ? parts[Number(number)] : undefined
  if (!part) throw notFound(`the message has no part ${number}; it has ${parts.length}, counted from 0`)
  return { raw: message.raw, part, number }
}

async function summariesOf({ api }: RouteCall, mails: readonly Mail[]): Promise<object[]> {
  const found: object[] = []
  using source = api.reader.ahead(firstCopies(mails))
  for (const mail of mails) {
    const facts = await api.reader.facts(mail.copies[0], { source })
    if (facts) found.push(smtp4devSummary(api, mail, facts))
    if (isSliceOver()) await nextSlice()
  }
  return found
}

/** What lists are sorted by, besides the time of arrival. */
const columns: Readonly<Record<string, (api: Api, mail: Mail, facts: MessageFacts) => string | number>> = {
  subject: (_, __, { subject }) => subject.toLowerCase(),
  from: (_, { copies: [{ entry }] }) => (entry.envelope?.mailFrom ?? '').toLowerCase(),
  to: (api, mail, facts) => recipientsOf(api, mail, facts).join(', ').toLowerCase(),
  isunread: (_, { isRead }) => (isRead ? 0 : 1),
  attachmentcount: (_, __, { attachments }) => attachments,
}

/** Returns messages in the order of a column. @param newest in the order of arrival, the newest first */
async function sorted({ api }: RouteCall, newest: readonly Mail[], column: string): Promise<readonly Mail[]> {
  const wanted = column.toLowerCase()
  if (wanted === '' || wanted === 'receiveddate') return newest
  const keyOf = Object.hasOwn(columns, wanted) ? columns[wanted] : undefined
  if (!keyOf) {
    const known = ['receivedDate', ...Object.keys(columns)].join(', ')
    throw new ApiProblem('bad-request', `sortColumn: is one of ${known}, not "${column}"`)
  }
  const keyed: { mail: Mail; key: string | number }[] = []
  using source = api.reader.ahead(firstCopies(newest))
  for (const mail of newest) {
    const facts = await api.reader.facts(mail.copies[0], { source, isScan: true })
    if (facts) keyed.push({ mail, key: keyOf(api, mail, facts) })
    if (isSliceOver()) await nextSlice()
  }
  return keyed.sort((a, b) => (a.key > b.key ? -1 : a.key < b.key ? 1 : 0)).map(({ mail }) => mail)
}

const list: Omit<Route, 'path'> = {
  method: 'GET',
  access: 'read',
  async run(call) {
    const { delivered, isEmpty } = await mailsIn(call)
    const phrase = parameterOf(call, 'searchTerms').trim()
    const matching = await delivered.matching(phrase === '' ? [] : [wordsCondition(phrase)])
    const descending = await sorted(call, isEmpty ? [] : matching.mails, parameterOf(call, 'sortColumn'))
    const mails = /^false$/i.test(parameterOf(call, 'sortIsDescending')) ? descending.toReversed() : descending
    return jsonResponse(call.c, await pageOf(call, mails, (some) => summariesOf(call, some)))
  },
}

const listNew: Omit<Route, 'path'> = {
  method: 'GET',
  access: 'read',
  async run(call) {
    const { delivered, isEmpty } = await mailsIn(call)
    const mails = isEmpty ? [] : delivered.all.mails
    const last = parameterOf(call, 'lastSeenMessageId')
    const seen = last === '' ? undefined : mailOfGuid(delivered, last)
    const fresh = seen ? mails.slice(0, mails.indexOf(seen)) : mails
    return jsonResponse(call.c, await summariesOf(call, fresh.slice(0, numberIn(call, 'pageSize', NEW_LIMIT))))
  },
}

const get: Omit<Route, 'path'> = {
  method: 'GET',
  access: 'read',
  async run(call) {
    const { mail, ...read } = await readOf(call)
    return jsonResponse(call.c, smtp4devMessage(call.api, mail, read))
  },
}

const raw: Omit<Route, 'path'> = {
  method: 'GET',
  access: 'read',
  run: async (call) => text(call, (await readOf(call)).message.raw),
}

/** The HTML of the message, or else its text. */
const source: Omit<Route, 'path'> = {
  method: 'GET',
  access: 'read',
  async run(call) {
    const { message } = await readOf(call)
    return text(call, message.html ?? message.text)
  },
}

const plainText: Omit<Route, 'path'> = {
  method: 'GET',
  access: 'read',
  async run(call) {
    const plain = plainTextOf((await readOf(call)).message)
    if (plain === undefined) throw notFound('the message has no plain text; read its html')
    return text(call, plain)
  },
}

const html: Omit<Route, 'path'> = {
  method: 'GET',
  access: 'read',
  async run(call) {
    const { message } = await readOf(call)
    if (message.html === undefined) throw notFound('the message has no HTML; read its plaintext')
    return contentResponse(call.c, htmlDocument(message))
  },
}

const download: Omit<Route, 'path'> = {
  method: 'GET',
  access: 'read',
  async run(call) {
    const { message } = await readOf(call)
    const headers = { 'Content-Disposition': contentDisposition(`${pathParameter(call.c, 'id')}.eml`) }
    return contentResponse(call.c, new Content('message/rfc822', message.raw, headers))
  },
}

const partContent: Omit<Route, 'path'> = {
  method: 'GET',
  access: 'read',
  async run(call) {
    const { raw: octets, part, number } = await partOf(call)
    const type = `${part.type}/${part.subtype}`.toLowerCase()
    const name = filenameOf(part) ?? `part-${number}`
    return contentResponse(call.c, downloadOf(type, partOctetsOrRaw(octets, part), name))
  },
}

const partSource: Omit<Route, 'path'> = {
  method: 'GET',
  access: 'read',
  async run(call) {
    const { raw: octets, part } = await partOf(call)
    return text(call, partText(octets, part))
  },
}

const partRaw: Omit<Route, 'path'> = {
  method: 'GET',
  access: 'read',
  async run(call) {
    const { raw: octets, part } = await partOf(call)
    return text(call, octets.subarray(part.headerStart, part.bodyEnd))
  },
}

const SEEN = { mode: 'add', flags: ['\\Seen'] } as const

const markRead: Omit<Route, 'path'> = {
  method: 'POST',
  access: 'change',
  async run(call) {
    await changeFlags(call.api, [await mailOf(call)], SEEN)
    return nothing(call)
  },
}

const markAllRead: Omit<Route, 'path'> = {
  method: 'POST',
  access: 'change',
  async run(call) {
    const { delivered, isEmpty } = await mailsIn(call)
    await changeFlags(call.api, isEmpty ? [] : delivered.all.mails.filter(({ isRead }) => !isRead), SEEN)
    return nothing(call)
  },
}

const remove: Omit<Route, 'path'> = {
  method: 'DELETE',
  access: 'change',
  async run(call) {
    // As in smtp4dev, a message that does not exist is deleted.
    const mail = mailOfGuid(await DeliveredMail.of(call.api, call.caller), pathParameter(call.c, 'id'))
    if (mail) await deleteMails(call.api, [mail])
    return nothing(call)
  },
}

const removeAll: Omit<Route, 'path'> = {
  method: 'DELETE',
  access: 'change',
  async run(call) {
    const { delivered, isEmpty } = await mailsIn(call)
    if (!isEmpty) await deleteMails(call.api, delivered.all.mails)
    return nothing(call)
  },
}

/** The paths of messages below a base such as `/api/messages`. */
export const messageRoutes = (base: string): Route[] => [
  { ...list, path: base },
  { ...listNew, path: `${base}/new` },
  { method: 'GET', path: `${base}/folders`, access: 'read', run: ({ c }) => jsonResponse(c, [INBOX]) },
  { ...removeAll, path: `${base}/:all{\\*}` },
  { ...removeAll, path: base },
  { ...markAllRead, path: `${base}/markAllRead` },
  ...notOffered('POST', [`${base}/send`], 'send mail by SMTP, or POST /api/v1/messages'),
  ...notOffered('PUT', [base], 'import mail by POST /api/v1/messages/import'),
  { ...get, path: `${base}/:id` },
  { ...remove, path: `${base}/:id` },
  { ...raw, path: `${base}/:id/raw` },
  { ...source, path: `${base}/:id/source` },
  { ...plainText, path: `${base}/:id/plaintext` },
  { ...html, path: `${base}/:id/html` },
  { ...download, path: `${base}/:id/download` },
  { ...markRead, path: `${base}/:id/markRead` },
  { ...partContent, path: `${base}/:id/part/:part/content` },
  { ...partSource, path: `${base}/:id/part/:part/source` },
  { ...partRaw, path: `${base}/:id/part/:part/raw` },
  ...notOffered('POST', [`${base}/:id/reply`], 'the lab writes no replies; send one by SMTP'),
]
