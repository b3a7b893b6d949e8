import { originOf, seesLab } from '../../src/api/caller.ts'
import { operationNamed } from '../../src/api/invoke.ts'
import { contentDisposition } from '../../src/api/messages/content-disposition.ts'
import { htmlDocument } from '../../src/api/messages/html-document.ts'
import type { MessageFacts } from '../../src/api/messages/message-facts.ts'
import { textOctets } from '../../src/api/messages/read.ts'
import { recipientsFor } from '../../src/api/messages/summary.ts'
import { Content } from '../../src/api/operation.ts'
import { releaseMessage } from '../../src/api/outgoing/release.ts'
import { ApiProblem, notFound } from '../../src/api/problem.ts'
import type { ResolvedLab } from '../../src/core/config/resolve.ts'
import { HEAP_SHARE } from '../../src/core/octets/heap-share.ts'
import { isSliceOver, nextSlice, runInSlices, type Steps } from '../../src/core/time/time-slice.ts'
import { filenameOf } from '../../src/mail/format/attachments.ts'
import { everyPart, isText } from '../../src/mail/format/parts.ts'
import type { ReadableMessage } from '../../src/mail/format/readable.ts'
import type { MessageReads } from '../../src/storage/store/types.ts'
import { changeFlags, DeliveredMail, firstCopies, type Mail } from './delivered-mail.ts'
import { isForeign } from './guard.ts'
import { contentResponse, pathParameter, type RouteCall } from './routes.ts'

// The parts that the APIs of other mail tools share: finding, reading, changing and releasing a message. Each tool's folder
// has its routes and the forms of its messages.

/** Longest messages of one answer together. They are in it several times, and as text. */
export const MAX_ANSWER_OCTETS = Math.min(16 * 1024 * 1024, HEAP_SHARE)

/** Returns the mail that the caller sees. */
export const mailsOf = ({ api, caller }: RouteCall): Promise<DeliveredMail> => DeliveredMail.of(api, caller)

/** Returns the message that the path of a request names. @throws ApiProblem `not-found` */
export const requestedMail = async (call: RouteCall): Promise<Mail> =>
  (await mailsOf(call)).get(pathParameter(call.c, 'id'))

/** Returns the error for a message that was deleted after it was found. */
export const deletedMeanwhile = ({ id }: Mail): ApiProblem => notFound(`message ${id} was deleted meanwhile`)

/** Reads a message for some work. @throws ApiProblem `not-found` */
export async function readFor<T>(
  { api, caller }: RouteCall,
  mail: Mail,
  work: (message: ReadableMessage) => T | Promise<T>,
): Promise<T> {
  const [first] = mail.copies
  api.lab.histories.read(first.folder, [first.entry], originOf(caller))
  const found = await api.reader.use(first, async ({ read }) => ({ result: await work(read) }))
  if (found) return found.result
  throw deletedMeanwhile(mail)
}

/** @throws ApiProblem `too-large` if an answer cannot have the whole message as text */
export function assertFits({ copies: [{ entry }] }: Mail, otherPath: string): void {
  if (entry.sizeOctets <= MAX_ANSWER_OCTETS) return
  const why = `the message has ${entry.sizeOctets} octets, and an answer of JSON at most ${MAX_ANSWER_OCTETS}`
  throw new ApiProblem('too-large', `${why}; read it at ${otherPath}`)
}

/** A message with everything that a tool shows of it. */
export interface ReceivedMail {
  readonly mail: Mail
  readonly facts: MessageFacts
  readonly message: ReadableMessage
  /** The recipients in the envelope that the caller may see. */
  readonly recipients: readonly string[]
}

/**
 * Reads a message with its facts, and returns its form; undefined if it was deleted meanwhile.
 * @param source where it is read. Default: the store
 */
export async function formIfThere<T>(
  api: RouteCall['api'],
  mail: Mail,
  formOf: (received: ReceivedMail) => Steps<T>,
  source?: MessageReads,
): Promise<T | undefined> {
  const [first] = mail.copies
  const facts = await api.reader.facts(first, { source })
  if (!facts) return undefined
  const recipients = recipientsOf(api, mail, facts)
  return api.reader.use(first, ({ read: message }) => runInSlices(formOf({ mail, facts, message, recipients })), source)
}

/** Does the same. @throws ApiProblem `not-found` */
export async function formOf<T>(
  { api }: RouteCall,
  mail: Mail,
  formOf: (received: ReceivedMail) => Steps<T>,
): Promise<T> {
  const form = await formIfThere(api, mail, formOf)
  if (form !== undefined) return form
  throw deletedMeanwhile(mail)
}

/** Returns the recipients in the envelope that the caller may see. */
export const recipientsOf = (
  api: RouteCall['api'],
  { copies: [{ folder, entry }], caller }: Mail,
  facts: Pick<MessageFacts, 'to' | 'cc'>,
): string[] => recipientsFor({ api, caller }, folder, entry, facts)

/** Returns the recipients that header fields do not name. */
export function withoutNamed(recipients: readonly string[], fields: readonly { readonly address: string }[]): string[] {
  const named = new Set(fields.map(({ address }) => address.toLowerCase()))
  return recipients.filter((address) => !named.has(address.toLowerCase()))
}

/**
 * Returns the forms that messages have in a list. Messages that were deleted meanwhile are left out.
 * @param isScan whether all messages are read in turn, so that their facts need not be kept
 */
export async function formsOf<T>(
  { api }: RouteCall,
  mails: readonly Mail[],
  formOf: (mail: Mail, facts: MessageFacts) => T,
  isScan = false,
): Promise<T[]> {
  const found: T[] = []
  using source = api.reader.ahead(firstCopies(mails))
  for (const mail of mails) {
    const facts = await api.reader.facts(mail.copies[0], { source, isScan })
    if (facts) found.push(formOf(mail, facts))
    if (isSliceOver()) await nextSlice()
  }
  return found
}

/** Returns whether a message has plain text. `ReadableMessage.text` is that of the HTML otherwise. */
export const hasPlainText = ({ structure }: ReadableMessage): boolean =>
  everyPart(structure).some(
    (part) =>
      isText(part) &&
      !/^html$/i.test(part.subtype) &&
      filenameOf(part) === undefined &&
      part.disposition?.type.toLowerCase() !== 'attachment',
  )

/** Answers with text. @param filename the name under which browsers save it */
export function textResponse({ c }: RouteCall, text: string | Buffer, filename?: string): Response {
  const headers = filename === undefined ? {} : { 'Content-Disposition': contentDisposition(filename) }
  return contentResponse(c, new Content('text/plain; charset=utf-8', text, headers))
}

/** Answers with a message as a file. @param name of the file, without its extension */
export const messageFile = ({ c }: RouteCall, { raw }: ReadableMessage, name: string): Response =>
  contentResponse(c, new Content('message/rfc822', raw, { 'Content-Disposition': contentDisposition(`${name}.eml`) }))

/** Answers with the HTML of a message. @param missing says why there is none @throws ApiProblem `not-found` */
export async function htmlResponse({ c }: RouteCall, message: ReadableMessage, missing: string): Promise<Response> {
  if (message.html === undefined) throw notFound(missing)
  return contentResponse(c, await runInSlices(htmlDocument(message)))
}

/** Answers with the text of a message. */
export const bodyTextResponse = async (call: RouteCall, message: ReadableMessage): Promise<Response> =>
  textResponse(call, await runInSlices(textOctets(message)))

/** Types that browsers run or take apart, whatever the other fields of the answer say. They are sent as octets. */
const ACTIVE_TYPES =
  /^(?:multipart\/|message\/|text\/(?:html|xml|xsl|javascript)|image\/svg|application\/(?:javascript|xml|xhtml)|.*\+xml)/

/** RFC 6838 section 4.2, which limits the length of both names. */
const PLAIN_TYPE = /^[\w!#$&^.+-]{1,127}\/[\w!#$&^.+-]{1,127}$/

/** Answers with a part as a file. It keeps its type unless a browser would run it. */
export function partFile({ c }: RouteCall, mediaType: string, octets: Buffer, filename: string): Response {
  const isPassive = PLAIN_TYPE.test(mediaType) && !ACTIVE_TYPES.test(mediaType)
  const headers = {
    'Content-Disposition': contentDisposition(filename),
    'Content-Security-Policy': "sandbox; default-src 'none'",
  }
  return contentResponse(c, new Content(isPassive ? mediaType : 'application/octet-stream', octets, headers))
}

/** Marks messages as read, and returns how many were not. */
export async function markAsRead({ api }: RouteCall, mails: readonly Mail[]): Promise<number> {
  const unread = mails.filter(({ isRead }) => !isRead)
  await changeFlags(api, unread, { mode: 'add', flags: ['\\Seen'] })
  return unread.length
}

/**
 * Marks a message as read, as Mailpit and MailDev do when it is shown. A caller that may only read leaves it as it is, as do
 * links of other sites.
 */
export async function markShown(call: RouteCall, mail: Mail): Promise<void> {
  const { caller, c } = call
  // HEAD is safe. RFC 9110 section 9.2.1
  if (c.req.method === 'HEAD') return
  if (caller.role === 'reader' || isForeign(c.req.header('Sec-Fetch-Site'))) return
  await markAsRead(call, [mail])
}

/** Returns the connectors that send mail, as a caller sees them: tenants and accounts see nothing of outgoing mail. */
export const sendingConnectors = ({ api, caller }: RouteCall): ResolvedLab['outgoing']['connectors'] =>
  seesLab(caller) ? api.lab.config.outgoing.connectors.filter(({ when }) => when !== 'never') : []

/** @throws ApiProblem `not-offered` if the lab has no connectors */
export function assertSends({ api }: RouteCall): void {
  if (api.lab.config.outgoing.connectors.length > 0) return
  throw new ApiProblem('not-offered', 'the lab does not send mail to other hosts; its configuration has no connectors')
}

/** Sends a message as `messages.release` does. @throws ApiProblem `conflict` if a connector refuses it, or none matches */
export async function release(
  { api }: RouteCall,
  { copies: [first] }: Mail,
  to: readonly string[],
  connector?: string,
): Promise<void> {
  await releaseMessage(api, first, { to: [...to], connector, dryRun: false })
}

/** Delivers a message in the lab as `messages.import` does, with the same rights. Returns the ids of the copies that the caller sees. */
export async function deliverAs(
  { api, caller, c }: RouteCall,
  from: string,
  to: readonly string[],
  octets: Buffer,
): Promise<readonly string[]> {
  const { ids } = (await operationNamed('messages.import').run({
    api,
    caller,
    input: { from, to: to.join(',') },
    signal: c.req.raw.signal,
    upload: { type: 'message/rfc822', octets },
  })) as { readonly ids: readonly string[] }
  return ids
}
