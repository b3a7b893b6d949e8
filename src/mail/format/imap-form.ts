import type { Steps } from '../../core/time/time-slice.ts'
import { addressSteps, MAX_ADDRESSES, simpleAddress } from './addresses.ts'
import { headerFields, unfoldValue } from './headers.ts'
import type { Address, Disposition, Envelope, HeaderField, MessagePart, OctetString, Parameter } from './types.ts'

type Filled<T> = { -readonly [Key in keyof T]: T[Key] extends readonly Address[] ? Address[] : T[Key] }
type ListKey = { [Key in keyof Envelope]-?: Envelope[Key] extends readonly Address[] ? Key : never }[keyof Envelope]

/** The fields of an envelope by their names. */
const TEXTS: ReadonlyMap<string, Exclude<keyof Envelope, ListKey>> = new Map([
  ['date', 'date'],
  ['subject', 'subject'],
  ['in-reply-to', 'inReplyTo'],
  ['message-id', 'messageId'],
])
const LISTS: ReadonlyMap<string, ListKey> = new Map([
  ['from', 'from'],
  ['sender', 'sender'],
  ['reply-to', 'replyTo'],
  ['to', 'to'],
  ['cc', 'cc'],
  ['bcc', 'bcc'],
])

/**
 * Returns the ENVELOPE of a message from its header fields. If a field is repeated, which RFC 5322 section 3.6 forbids,
 * address lists are joined so that no address is hidden; for other fields the last one counts. RFC 9051 section 7.5.2.
 */
export function* envelope(raw: Buffer, fields: readonly HeaderField[]): Steps<Envelope> {
  const found: Filled<Envelope> = { from: [], sender: [], replyTo: [], to: [], cc: [], bcc: [] }
  let work = 0
  for (const field of fields) {
    const text = TEXTS.get(field.nameLower)
    const list = LISTS.get(field.nameLower)
    if (text) found[text] = unfoldValue(raw, field)
    else if (list && found[list].length < MAX_ADDRESSES) {
      const value = unfoldValue(raw, field)
      const simple = simpleAddress(value)
      for (const address of simple ? [simple] : yield* addressSteps(value)) found[list].push(address)
    }
    work += field.end - field.start
    if (work < STEP_OCTETS) continue
    work = 0
    yield
  }
  // RFC 9051 section 7.5.2
  if (found.sender.length === 0) found.sender = found.from
  if (found.replyTo.length === 0) found.replyTo = found.from
  return found
}

/** Octets of header fields, and addresses of a list, that are read or written between two pauses. */
const STEP_OCTETS = 4096
const STEP_ADDRESSES = 16

/** Formats an IMAP `string`: quoted if possible, otherwise a literal. NUL, which is not allowed, becomes U+FFFD. RFC 9051 section 4.3. */
export function imapString(text: OctetString): OctetString {
  if (/^[\t !#-[\]-~]{0,200}$/.test(text)) return `"${text}"` // the usual case
  if (/[\0\r\n\x80-\xff]/.test(text) || text.length > MAX_QUOTED_OCTETS) return imapLiteral(text)
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}

/** U+FFFD in UTF-8. */
const REPLACEMENT = '\xef\xbf\xbd'
const MAX_QUOTED_OCTETS = 4096

/** Formats a literal. NUL becomes U+FFFD. */
export function imapLiteral(text: OctetString): OctetString {
  const value = text.includes('\0') ? text.replaceAll('\0', REPLACEMENT) : text
  return `{${value.length}}\r\n${value}`
}

const imapNstring = (value: OctetString | undefined): OctetString => (value === undefined ? 'NIL' : imapString(value))

/** Formats text for people, with a single space for runs of white space. */
const imapPhrase = (value: OctetString | undefined): OctetString =>
  value === undefined || !/[\t\r\n]| {2}|^ | $/.test(value)
    ? imapNstring(value)
    : imapString(value.replace(/[ \t\r\n]+/g, ' ').replace(/^ | $/g, ''))

/** Formats the value of the ENVELOPE item. RFC 9051 section 7.5.2. */
export function* envelopeForm(value: Envelope): Steps<OctetString> {
  const { from, sender, replyTo, to, cc, bcc } = value
  const fromForm = addressList(from)
  const items = [`(${imapNstring(value.date)}`, imapPhrase(value.subject), fromForm]
  for (const list of [sender, replyTo, to, cc, bcc]) {
    items.push(list === from ? fromForm : addressList(list))
    if (list.length > STEP_ADDRESSES) yield
  }
  items.push(imapNstring(value.inReplyTo), `${imapNstring(value.messageId)})`)
  return items.join(' ')
}

const addressList = (list: readonly Address[]): OctetString =>
  list.length === 0 ? 'NIL' : `(${list.map(addressForm).join('')})`

const addressForm = ({ name, route, mailbox, host }: Address): OctetString =>
  `(${imapPhrase(name)} ${imapNstring(route)} ${imapNstring(mailbox)} ${imapNstring(host)})`

/** Formats the value of BODYSTRUCTURE (`extended`) or of BODY. RFC 9051 section 7.5.2. */
export function* bodyStructureForm(raw: Buffer, part: MessagePart, extended = true): Steps<OctetString> {
  const out: OctetString[] = []
  yield* addForm(out, raw, part, extended)
  return out.join('')
}

/** Adds the form to a list, because joining the forms of deeply nested parts level by level would copy them each time. */
function* addForm(out: OctetString[], raw: Buffer, part: MessagePart, extended: boolean): Steps<void> {
  out.push('(')
  if (part.kind === 'multipart') yield* addMultipart(out, raw, part, extended)
  else yield* addLeaf(out, raw, part, extended)
  out.push(`${extended ? ` ${extension(part).join(' ')}` : ''})`)
}

const isTextPart = (part: MessagePart): boolean => part.type.toLowerCase() === 'text'

/** Adds the default charset, US-ASCII, because some clients expect one. RFC 2045 section 5.2. */
const withCharset = (params: readonly Parameter[]): readonly Parameter[] =>
  params.some(({ name }) => /^charset\*?$/i.test(name)) ? params : [...params, { name: 'charset', value: 'us-ascii' }]

/** Stands for the parts of an empty multipart, because the grammar requires at least one. */
const EMPTY_PART = '"text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0'

function* addMultipart(out: OctetString[], raw: Buffer, part: MessagePart, extended: boolean): Steps<void> {
  for (const child of part.children) {
    yield* addForm(out, raw, child, extended)
    yield
  }
  if (part.children.length === 0) out.push(`(${EMPTY_PART}${extended ? ' NIL NIL NIL NIL' : ''})`)
  out.push(` ${imapString(part.subtype)}${extended ? ` ${parameterList(part.params)}` : ''}`)
}

function* addLeaf(out: OctetString[], raw: Buffer, part: MessagePart, extended: boolean): Steps<void> {
  const { id, description, encoding, message } = part
  const items = [
    imapString(part.type),
    imapString(part.subtype),
    parameterList(isTextPart(part) ? withCharset(part.params) : part.params),
    imapNstring(id),
    imapNstring(description),
    imapString(encoding ?? '7bit'),
    String(part.bodyEnd - part.bodyStart),
  ]
  out.push(items.join(' '))
  if (message) {
    yield
    const fields = headerFields(raw, message.headerStart, message.bodyStart)
    out.push(` ${yield* envelopeForm(yield* envelope(raw, fields))} `)
    yield* addForm(out, raw, message, extended)
  }
  if (part.kind === 'message' || isTextPart(part)) out.push(` ${part.lines}`)
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
