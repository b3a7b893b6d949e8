import { envelope } from './envelope.ts'
import { headerFields } from './headers.ts'
import type { Address, Disposition, Envelope, MessagePart, OctetString, Parameter } from './types.ts'

export interface ImapFormOptions {
  /** The client has said UTF8=ACCEPT or IMAP4rev2: valid UTF-8 may stand in quoted strings. RFC 9051 section 4.3. */
  readonly utf8?: boolean
}

/** An IMAP `string`: quoted where it may be, else a literal. An octet string, as all texts here. RFC 9051 section 4.3. */
export function imapString(value: OctetString): OctetString {
  if (/[\x00\r\n\x80-\xff]/.test(value) || value.length > 4096) return literal(value)
  return `"${value.replace(/["\\]/g, '\\$&')}"`
}

const literal = (value: OctetString): OctetString => `{${value.length}}\r\n${value}`

export const imapNstring = (value: OctetString | undefined): OctetString =>
  value === undefined ? 'NIL' : imapString(value)

/** The value of the ENVELOPE item. RFC 9051 section 7.5.2. */
export function envelopeForm(value: Envelope): OctetString {
  const { from, sender, replyTo, to, cc, bcc } = value
  const lists = [from, sender, replyTo, to, cc, bcc].map(addressList)
  return `(${[
    imapNstring(value.date),
    imapNstring(value.subject),
    ...lists,
    imapNstring(value.inReplyTo),
    imapNstring(value.messageId),
  ].join(' ')})`
}

const addressList = (list: readonly Address[]): OctetString =>
  list.length === 0 ? 'NIL' : `(${list.map(addressForm).join('')})`

const addressForm = ({ name, route, mailbox, host }: Address): OctetString =>
  `(${[name, route, mailbox, host].map(imapNstring).join(' ')})`

/** The value of BODYSTRUCTURE (`extended`), or of BODY. RFC 9051 section 7.5.2. */
export function bodyStructureForm(raw: Buffer, part: MessagePart, extended = true): OctetString {
  const items = part.kind === 'multipart' ? multipartItems(raw, part, extended) : leafItems(raw, part)
  if (extended) items.push(...extension(part))
  return `(${items.join(' ')})`
}

const EMPTY_PART = '("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0)'

function multipartItems(raw: Buffer, part: MessagePart, extended: boolean): OctetString[] {
  const children = part.children.map((child) => bodyStructureForm(raw, child, extended)).join('')
  return [children || EMPTY_PART, imapString(part.subtype), ...(extended ? [parameterList(part.params)] : [])]
}

function leafItems(raw: Buffer, part: MessagePart): OctetString[] {
  const { id, description, encoding } = part
  return [
    imapString(part.type),
    imapString(part.subtype),
    parameterList(part.params),
    imapNstring(id),
    imapNstring(description),
    imapString(encoding ?? '7bit'),
    String(part.bodyEnd - part.bodyStart),
    ...messageItems(raw, part),
    ...(part.kind === 'message' || part.type.toLowerCase() === 'text' ? [String(part.lines)] : []),
  ]
}

function messageItems(raw: Buffer, { message }: MessagePart): OctetString[] {
  if (!message) return []
  const fields = headerFields(raw, message.headerStart, message.bodyStart)
  return [envelopeForm(envelope(raw, fields)), bodyStructureForm(raw, message)]
}

function extension(part: MessagePart): OctetString[] {
  const md5 = part.kind === 'multipart' ? [] : [imapNstring(part.md5)]
  return [...md5, dispositionForm(part.disposition), languageForm(part.language), imapNstring(part.location)]
}

const parameterList = (params: readonly Parameter[]): OctetString =>
  params.length === 0
    ? 'NIL'
    : `(${params.map(({ name, value }) => `${imapString(name)} ${imapString(value)}`).join(' ')})`

const dispositionForm = (value: Disposition | undefined): OctetString =>
  value === undefined ? 'NIL' : `(${imapString(value.type)} ${parameterList(value.params)})`

const languageForm = (tags: readonly OctetString[] | undefined): OctetString =>
  tags === undefined ? 'NIL' : `(${tags.map(imapString).join(' ')})`
