import type { IndexedMessage } from '../../../../src/api/messages/message-index.ts'
import type { OpenMessage } from '../../../../src/api/messages/open-messages.ts'
import { xml } from '../../../../src/core/text/xml.ts'
import { runInSlices } from '../../../../src/core/time/time-slice.ts'
import { filenameOf } from '../../../../src/mail/format/attachments.ts'
import { headerFields, unfoldValue } from '../../../../src/mail/format/headers.ts'
import { isText, partOctetsOrRawInSteps, partText } from '../../../../src/mail/format/parts.ts'
import type { MessagePart } from '../../../../src/mail/format/types.ts'
import { decodeWords, parameterText } from '../../../../src/mail/format/words.ts'
import type { Copy, Mail } from '../../../../src/storage/store/views/account-history.ts'
import { hexId, labelsOf } from '../../../../src/storage/store/views/gmail/label-ids.ts'
import { Base64, type ProviderCall } from '../types.ts'
import { findMail, type Gmail } from './account.ts'
import { invalid, notFound } from './errors.ts'

const FORMATS = ['minimal', 'full', 'raw', 'metadata'] as const

/** Returns a message as `messages.get` shows it. @throws ProviderError `invalid`, `not-found` */
export async function messageResource(gmail: Gmail, mail: Mail): Promise<object> {
  const given = gmail.query.get('format') ?? 'full'
  const format = FORMATS.find((one) => one === given.toLowerCase())
  if (!format) throw invalid(`Invalid value at 'format': "${given.slice(0, 50)}"`)
  const { entry } = copyOf(mail)
  return {
    ...(await summary(gmail, mail)),
    snippet: await snippetOf(gmail, mail),
    ...(format === 'minimal' ? {} : await open(gmail, mail, (message) => contentOf(gmail, message, format))),
    sizeEstimate: entry.sizeOctets,
    historyId: `${mail.history}`,
    internalDate: `${entry.internalDate}`,
  }
}

/** Returns the beginning of the text of a message, in HTML. */
export async function snippetOf({ call }: Gmail, mail: Mail): Promise<string> {
  const facts = mail.copies.size > 0 ? await call.api.reader.facts(indexed(mail)) : undefined
  return xml(facts?.snippet ?? '').replaceAll("'", '&#39;')
}

/** Returns the ids and the labels of a message, as changes show it. */
export async function summary({ history }: Gmail, mail: Mail) {
  const [threadId = mail.id] = await history.threadIds([mail])
  return { id: hexId(mail.id), threadId: hexId(threadId), labelIds: labelsOf(mail) }
}

/** Returns an attachment. Its id is that of its part. @throws ProviderError `not-found`, `invalid` */
export function attachmentOf(gmail: Gmail, { params: { id, part: attachmentId = '' } }: ProviderCall): Promise<object> {
  return open(gmail, findMail(gmail, id), async (message) => {
    const path = attachmentId === 'root' ? [] : attachmentId.split('.')
    const part = path.reduce<MessagePart | undefined>(
      (at, index) => (/^\d{1,5}$/.test(index) ? at && partsOf(at)[Number(index)] : undefined),
      message.read.structure,
    )
    if (!part) throw invalid('Invalid attachment token')
    const octets = await runInSlices(partOctetsOrRawInSteps(message.read.raw, part))
    return { attachmentId, size: octets.length, data: base64(message, octets) }
  })
}

/** Returns any copy of a message. @throws ProviderError `not-found` */
export function copyOf({ copies }: Mail): Copy {
  for (const copy of copies.values()) return copy
  throw notFound()
}

/** Returns a message as the API of the lab searches and reads it. */
export function indexed(mail: Mail): IndexedMessage {
  const { folder, entry } = copyOf(mail)
  return { id: mail.id, folder, entry: { ...entry, flags: mail.flags }, order: 0 }
}

/** Returns the octets of a message. @throws ProviderError `not-found` */
export const octetsOf = (gmail: Gmail, mail: Mail): Promise<Buffer> => open(gmail, mail, ({ read }) => read.raw)

async function open<T>({ call }: Gmail, mail: Mail, work: (message: OpenMessage) => T | Promise<T>): Promise<T> {
  const found = await call.api.reader.use(indexed(mail), work)
  if (found !== undefined) return found
  throw notFound()
}

async function contentOf({ query }: Gmail, message: OpenMessage, format: 'full' | 'raw' | 'metadata'): Promise<object> {
  const { raw, structure } = message.read
  if (format === 'raw') return { raw: base64(message, raw) }
  if (format === 'full') return { payload: await payloadOf(message, structure) }
  const wanted = query.getAll('metadataHeaders').map((name) => name.toLowerCase())
  const isWanted = ({ name }: { readonly name: string }): boolean => wanted.includes(name.toLowerCase())
  const headers = headersOf(raw, structure).filter((field) => wanted.length === 0 || isWanted(field))
  return { payload: { mimeType: typeOf(structure), headers } }
}

function base64({ memory }: OpenMessage, octets: Buffer): Base64 {
  memory.grow(3 * octets.length)
  return new Base64(octets, 'base64url')
}

const typeOf = ({ type, subtype }: MessagePart): string => `${type || 'text'}/${subtype || 'plain'}`.toLowerCase()

const headersOf = (raw: Buffer, { headerStart, bodyStart }: MessagePart): { name: string; value: string }[] =>
  headerFields(raw, headerStart, bodyStart).flatMap((field) =>
    field.name === '' ? [] : [{ name: field.name, value: decodeWords(unfoldValue(raw, field)) }],
  )

const partsOf = ({ message, children }: MessagePart): readonly MessagePart[] => (message ? [message] : children)

/** Returns a part with the parts inside. Text without a file name is in the answer, in UTF-8; other content by its id. */
async function payloadOf(message: OpenMessage, part: MessagePart, partId = ''): Promise<object> {
  const { raw } = message.read
  const filename = filenameOf(part) ?? ''
  const parts: object[] = []
  for (const one of partsOf(part)) parts.push(await payloadOf(message, one, `${partId && `${partId}.`}${parts.length}`))
  const shown = { partId, mimeType: typeOf(part), filename, headers: headersOf(raw, part) }
  if (part.kind === 'multipart') return { ...shown, body: { size: 0 }, parts }
  const octets = await runInSlices(partOctetsOrRawInSteps(raw, part))
  const isInline = isText(part) && filename === ''
  const isUtf8 = /^(?:utf-?8|us-ascii|)$/i.test(parameterText(part.params, 'charset') ?? '')
  const text = isInline && !isUtf8 ? Buffer.from(partText(raw, part)) : octets
  const content = isInline ? { data: base64(message, text) } : { attachmentId: partId || 'root' }
  return { ...shown, body: { size: text.length, ...content }, ...(parts.length > 0 && { parts }) }
}
