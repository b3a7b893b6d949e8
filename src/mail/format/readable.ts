import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import { parseAddresses } from './addresses.ts'
import { type CodeCandidate, codeCandidates } from './codes.ts'
import { parseDate } from './dates.ts'
import { headerFields, headerValues, unfolded } from './headers.ts'
import { htmlLinks, htmlText } from './html-text.ts'
import { isText, partOctetsOrRaw, partText } from './parts.ts'
import { parseMessage } from './structure.ts'
import type { Address, HeaderField, MessagePart } from './types.ts'
import { decodeWords, parameterText } from './words.ts'

export interface ReadableAddress {
  /** Decoded display name, or empty. */
  readonly name: string
  /** `local@domain`. */
  readonly address: string
}

/** A part that is not the message's own text. Sizes and hashes are of the decoded content. */
export interface Attachment {
  readonly filename: string | undefined
  /** In lower case. */
  readonly contentType: string
  readonly disposition: 'attachment' | 'inline'
  /** Content-ID without its angle brackets. */
  readonly cid: string | undefined
  readonly sizeOctets: number
  /** In hexadecimal. Comparisons and JSON use it in place of the octets. */
  readonly sha256: string
  /** The decoded octets. */
  readonly content: Buffer
}

/** A message as JSON shows it: what tests look at, without octets and HTML. */
export interface MessageJson {
  readonly subject: string
  readonly from: ReadableAddress | undefined
  readonly to: readonly ReadableAddress[]
  readonly cc: readonly ReadableAddress[]
  readonly date: Date | undefined
  readonly messageId: string
  readonly text: string
  readonly links: readonly string[]
  readonly codes: readonly string[]
  readonly attachments: readonly Attachment[]
}

/**
 * A message as a person sees it. Every property is decoded at its first use. The octets are no own property, so that
 * failed comparisons of test runners do not print them; `sha256` is compared instead.
 */
export class ReadableMessage {
  readonly #raw: Buffer
  readonly #fields: readonly HeaderField[]
  readonly #structure: MessagePart | undefined
  #sorted: Sorted | undefined
  /** Hash of the octets in hexadecimal. */
  declare readonly sha256: string

  /** @param structure the message's structure, if the caller has parsed it */
  constructor(raw: Buffer, structure?: MessagePart) {
    this.#raw = raw
    this.#structure = structure
    this.#fields = headerFields(raw)
    defineLazy(this, 'sha256', () => hashOf(raw))
  }

  /** The octets as they were received. */
  get raw(): Buffer {
    return this.#raw
  }

  /** The MIME structure. */
  get structure(): MessagePart {
    return this.#once('structure', this.#structure ?? parseMessage(this.#raw))
  }

  get subject(): string {
    return this.headers.get('subject') ?? ''
  }

  get from(): ReadableAddress | undefined {
    return this.#addresses('from')[0]
  }

  get to(): ReadableAddress[] {
    return this.#addresses('to')
  }

  get cc(): ReadableAddress[] {
    return this.#addresses('cc')
  }

  get bcc(): ReadableAddress[] {
    return this.#addresses('bcc')
  }

  get replyTo(): ReadableAddress[] {
    return this.#addresses('reply-to')
  }

  get date(): Date | undefined {
    return parseDate(this.headers.get('date') ?? '')
  }

  /** With its angle brackets, or empty. */
  get messageId(): string {
    return this.headers.get('message-id') ?? ''
  }

  /** Decoded values by name in lower case. Values of a repeated field are joined with line feeds. */
  get headers(): ReadonlyMap<string, string> {
    const found = new Map<string, string>()
    for (const field of this.#fields) {
      if (field.name === '') continue
      const value = decodeWords(unfolded(this.#raw, field))
      const before = found.get(field.nameLower)
      found.set(field.nameLower, before === undefined ? value : `${before}\n${value}`)
    }
    return this.#once('headers', found)
  }

  /** The plain text with LF line ends. For a message that is only HTML, the text of the HTML. */
  get text(): string {
    const plain = this.#parts.texts.filter((part) => !isHtml(part)).map((part) => this.#lines(part))
    return this.#once('text', plain.length > 0 ? plain.join('\n') : htmlText(this.html ?? ''))
  }

  get html(): string | undefined {
    const found = this.#parts.texts.filter(isHtml).map((part) => this.#lines(part))
    return this.#once('html', found.length > 0 ? found.join('\n') : undefined)
  }

  /** Files of the message, and other parts that are not its text. Alternative texts, such as an invitation, are not included. */
  get attachments(): readonly Attachment[] {
    const found = this.#parts.others.map((part) => new AttachedPart(this.#raw, part))
    return this.#once('attachments', found)
  }

  /** The invitation or other calendar object of the message, as iCalendar text (RFC 5545). */
  get calendar(): string | undefined {
    const [part] = this.#parts.calendars
    return this.#once('calendar', part && this.#lines(part))
  }

  /** Targets of links, the HTML's first. */
  get links(): string[] {
    return [...new Set([...htmlLinks(this.html ?? ''), ...textLinks(this.text)])]
  }

  /** Likely one-time codes, the most likely first, as a person types them: `123456` for `123 456`. */
  get codes(): string[] {
    return this.codeCandidates.map(({ code }) => code)
  }

  /** The same with the text around each, and how likely it is a code. */
  get codeCandidates(): readonly CodeCandidate[] {
    return this.#once('codeCandidates', codeCandidates(`${this.subject}\n${this.text}`))
  }

  /** The header fields in order, decoded. */
  get fieldList(): { name: string; value: string }[] {
    return this.#fields.flatMap((field) =>
      field.name === '' ? [] : [{ name: field.name, value: decodeWords(unfolded(this.#raw, field)) }],
    )
  }

  /** The parts of `attachments`, in the same order. */
  get attachedParts(): readonly MessagePart[] {
    return this.#parts.others
  }

  get #parts(): Sorted {
    if (!this.#sorted) {
      this.#sorted = { texts: [], calendars: [], others: [] }
      sortParts(this.structure, this.#sorted)
    }
    return this.#sorted
  }

  #lines(part: MessagePart): string {
    return partText(this.#raw, part).replaceAll('\r\n', '\n')
  }

  #addresses(name: string): ReadableAddress[] {
    return headerValues(this.#raw, this.#fields, name).flatMap(parseAddresses).flatMap(readableAddress)
  }

  /** Returns what JSON shows of the message. */
  toJSON(): MessageJson {
    const { subject, from, to, cc, date, messageId, text, links, codes, attachments } = this
    return { subject, from, to, cc, date, messageId, text, links, codes, attachments }
  }

  [inspect.custom](): object {
    return this.toJSON()
  }

  /** Replaces the getter `key` by its value. It is not enumerable, so that reading a property changes no comparison. */
  #once<T>(key: string, value: T): T {
    Object.defineProperty(this, key, { value })
    return value
  }
}

const hashOf = (octets: Buffer): string => createHash('sha256').update(octets).digest('hex')

/** Defines an own property that is computed at its first use. */
function defineLazy(target: object, key: string, compute: () => unknown): void {
  Object.defineProperty(target, key, {
    enumerable: true,
    configurable: true,
    get() {
      const value = compute()
      Object.defineProperty(target, key, { value, enumerable: true })
      return value
    },
  })
}

/** Returns a message for people to read. */
export const readable = (raw: Buffer): ReadableMessage => new ReadableMessage(raw)

/** Leaves out the entries that start and end a group. */
function readableAddress({ name, mailbox, host }: Address): ReadableAddress[] {
  if (host === undefined || mailbox === undefined) return []
  return [{ name: decodeWords(name ?? ''), address: decodeWords(`${mailbox}@${host}`) }]
}

interface Sorted {
  readonly texts: MessagePart[]
  readonly calendars: MessagePart[]
  readonly others: MessagePart[]
}

const isHtml = (part: MessagePart): boolean => part.subtype.toLowerCase() === 'html'
const isCalendar = (part: MessagePart): boolean => isText(part) && /^calendar$/i.test(part.subtype)
const isMultipart = (part: MessagePart | undefined, subtype: string): boolean =>
  part?.kind === 'multipart' && part.subtype.toLowerCase() === subtype

const isAttached = (part: MessagePart): boolean =>
  part.disposition?.type.toLowerCase() === 'attachment' || filenameOf(part) !== undefined

/** Sorts parts into texts, calendars and attachments. A message inside the message is one attachment. */
function sortParts(part: MessagePart, sorted: Sorted, parent?: MessagePart): void {
  if (part.kind === 'multipart') for (const child of part.children) sortParts(child, sorted, part)
  // Outlook names the calendar object of an invitation, but gives it no disposition.
  else if (isCalendar(part) && part.disposition === undefined) sorted.calendars.push(part)
  else if (!isText(part) || isAttached(part)) sorted.others.push(part)
  else if (/^(|plain|html|enriched)$/i.test(part.subtype)) sorted.texts.push(part)
  // Another form of the same text, such as text/x-amp-html. RFC 2046 section 5.1.4
  else if (!isMultipart(parent, 'alternative')) sorted.others.push(part)
}

/** Returns the decoded file name of a part. RFC 2183 section 2.3, RFC 2231. */
export const filenameOf = (part: MessagePart): string | undefined =>
  parameterText(part.disposition?.params ?? [], 'filename') ?? parameterText(part.params, 'name')

class AttachedPart implements Attachment {
  readonly #raw: Buffer
  readonly #part: MessagePart
  #content: Buffer | undefined
  readonly filename: string | undefined
  readonly contentType: string
  readonly disposition: 'attachment' | 'inline'
  readonly cid: string | undefined
  declare readonly sizeOctets: number
  declare readonly sha256: string

  constructor(raw: Buffer, part: MessagePart) {
    this.#raw = raw
    this.#part = part
    this.filename = filenameOf(part)
    this.contentType = `${part.type}/${part.subtype}`.toLowerCase()
    this.disposition = part.disposition?.type.toLowerCase() === 'inline' ? 'inline' : 'attachment'
    this.cid = part.id?.replace(/^<|>$/g, '')
    defineLazy(this, 'sizeOctets', () => this.content.length)
    defineLazy(this, 'sha256', () => hashOf(this.content))
  }

  /** No own property, so that failed comparisons do not print it; `sha256` is compared instead. */
  get content(): Buffer {
    this.#content ??= partOctetsOrRaw(this.#raw, this.#part)
    return this.#content
  }

  [inspect.custom](): object {
    return { ...this }
  }
}

/** Returns the URLs in plain text, in order and without duplicates or the punctuation around them. RFC 3986 appendix C. */
export function textLinks(text: string): string[] {
  const found = text.match(/\b(?:https?|ftp):\/\/[^\s<>"]+|\bmailto:[^\s<>"]+/gi) ?? []
  return [...new Set(found.map(withoutPunctuation))]
}

function withoutPunctuation(link: string): string {
  const opened = link.split('(').length
  let closed = link.split(')').length
  let end = link.length
  for (;;) {
    const unopened = link[end - 1] === ')' && closed > opened
    if (unopened) closed--
    else if (!/[.,;:!?'\]}*]/.test(link[end - 1] ?? '')) return link.slice(0, end)
    end--
  }
}
