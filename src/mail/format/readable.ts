import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import { SharedSteps } from '../../core/async/shared-steps.ts'
import { runToEnd, type Steps } from '../../core/time/time-slice.ts'
import { parseAddresses } from './addresses.ts'
import { AttachedPart, type Attachment, type Digest, defineLazy } from './attachments.ts'
import { type CalendarEvent, eventOf } from './calendar.ts'
import { type CodeCandidate, codeCandidateSteps } from './codes.ts'
import { parseDate } from './dates.ts'
import { flowedLines } from './flowed.ts'
import { headerFields, headerValues, unfoldValue } from './headers.ts'
import { htmlTextSteps } from './html-text.ts'
import {
  htmlImageSteps,
  htmlLinkSteps,
  type MessageImage,
  type MessageLink,
  placedImage,
  textLinkSteps,
} from './links.ts'
import { partStart, partText } from './parts.ts'
import { type SentBy, sentByOf } from './sent-by.ts'
import { snapshotOf } from './snapshot.ts'
import { isHtml, type SortedParts, sortParts } from './sorted-parts.ts'
import { parseMessage } from './structure.ts'
import type { Address, HeaderField, MessagePart } from './types.ts'
import { decodeWords } from './words.ts'

export interface ReadableAddress {
  /** Decoded display name, or empty. */
  readonly name: string
  /** `local@domain`. */
  readonly address: string
}

/** Characters of plain text that codes, links and previews are taken from. */
export const VIEW_CHARS = 256 * 1024

/** The most characters of the texts that are decoded. Default: all. */
export interface ReadLimits {
  readonly textChars?: number
  readonly htmlChars?: number
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
  readonly links: readonly MessageLink[]
  readonly codes: readonly string[]
  readonly attachments: readonly Attachment[]
  /** Absent: it was not sent by the API of a provider. */
  readonly sentBy?: SentBy
}

/**
 * A message as a person sees it. Every property is decoded at its first use. The octets are no own property, so that
 * failed comparisons of test runners do not print them; `sha256` is compared instead.
 */
export class ReadableMessage {
  readonly #raw: Buffer
  readonly #fields: readonly HeaderField[]
  readonly #structure: MessagePart | undefined
  readonly #limits: ReadLimits
  readonly #shared = new SharedSteps<'text' | 'links' | 'images' | 'codes'>()
  #sorted: SortedParts | undefined
  #isHtmlCut = false
  /** Hash of the octets in hexadecimal. */
  declare readonly sha256: string

  /** @param structure the message's structure, if the caller has parsed it */
  constructor(raw: Buffer, structure?: MessagePart, limits: ReadLimits = {}) {
    this.#raw = raw
    this.#limits = limits
    this.#structure = structure
    this.#fields = headerFields(raw)
    defineLazy(this, 'sha256', () => createHash('sha256').update(raw).digest('hex'))
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

  /** The provider by whose API it was sent. */
  get sentBy(): SentBy | undefined {
    return this.#once('sentBy', sentByOf(this.#raw, this.#fields)?.by)
  }

  /** Decoded values by name in lower case. Values of a repeated field are joined with line feeds. */
  get headers(): ReadonlyMap<string, string> {
    const found = new Map<string, string>()
    for (const field of this.#fields) {
      if (field.name === '') continue
      const value = decodeWords(unfoldValue(this.#raw, field))
      const before = found.get(field.nameLower)
      found.set(field.nameLower, before === undefined ? value : `${before}\n${value}`)
    }
    return this.#once('headers', found)
  }

  /**
   * The plain text with LF line ends, and the lines of format=flowed joined (RFC 3676). For a message that is only HTML, the
   * text of the HTML.
   */
  get text(): string {
    return runToEnd(this.textInSteps())
  }

  /** Returns `text`, in steps. Whoever asks for it at the same time shares them. */
  *textInSteps(): Steps<string> {
    if (!Object.hasOwn(this, 'text')) yield* this.#shared.run('text', () => this.#readText())
    return this.text
  }

  *#readText(): Steps<void> {
    const { textChars = Number.POSITIVE_INFINITY } = this.#limits
    const plain = this.textParts
    if (plain.length > 0) {
      const { text, isCut } = this.#joined(plain, textChars)
      this.#once('isTextCut', isCut)
      this.#once('text', text)
    } else {
      const { html = '' } = this
      this.#once('isTextCut', this.#isHtmlCut || html.length > textChars)
      this.#once('text', yield* htmlTextSteps(html.slice(0, textChars)))
    }
  }

  get html(): string | undefined {
    const found = this.#parts.texts.filter(isHtml)
    const { text, isCut } = this.#joined(found, this.#limits.htmlChars)
    this.#isHtmlCut = isCut
    return this.#once('html', found.length > 0 ? text : undefined)
  }

  /** Whether `text` is only the beginning. */
  get isTextCut(): boolean {
    runToEnd(this.textInSteps())
    return this.isTextCut
  }

  /** The parts that `text` consists of; none for a message that is only HTML. */
  get textParts(): readonly MessagePart[] {
    return this.#parts.texts.filter((part) => !isHtml(part))
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

  /** The event of an invitation: of `calendar`, or of the first attached calendar object. */
  get event(): CalendarEvent | undefined {
    const part = this.#parts.calendars[0] ?? this.#attachedCalendar
    return this.#once('event', part && eventOf(partStart(this.#raw, part, VIEW_CHARS).text))
  }

  get #attachedCalendar(): MessagePart | undefined {
    const at = this.attachments.findIndex(
      ({ contentType, filename = '' }) => CALENDAR_TYPE.test(contentType) || /\.ics$/i.test(filename),
    )
    return this.attachedParts[at]
  }

  /** The links, the HTML's first. Those of plain text are taken from its beginning, without the HTML's. */
  get links(): MessageLink[] {
    return runToEnd(this.linksInSteps())
  }

  /** Returns `links`, in steps. */
  *linksInSteps(): Steps<MessageLink[]> {
    if (!Object.hasOwn(this, 'links')) yield* this.#shared.run('links', () => this.#readLinks())
    return this.links
  }

  *#readLinks(): Steps<void> {
    const found = yield* htmlLinkSteps(this.html ?? '')
    const known = new Set(found.map(({ href }) => href))
    const text = yield* this.textInSteps()
    for (const link of yield* textLinkSteps(text.slice(0, VIEW_CHARS))) if (!known.has(link.href)) found.push(link)
    this.#once('links', found)
  }

  /** The images that the HTML shows. */
  get images(): MessageImage[] {
    return runToEnd(this.imagesInSteps())
  }

  /** Returns `images`, in steps. */
  *imagesInSteps(): Steps<MessageImage[]> {
    if (!Object.hasOwn(this, 'images')) yield* this.#shared.run('images', () => this.#readImages())
    return this.images
  }

  *#readImages(): Steps<void> {
    const images = yield* htmlImageSteps(this.html ?? '')
    const isAttached = images.some(({ src }) => CID.test(src))
    const attachments = isAttached ? yield* this.attachmentsInSteps() : []
    this.#once(
      'images',
      images.map((image) => placedImage(image, attachments)),
    )
  }

  /** Likely one-time codes, the most likely first, as a person types them: `123456` for `123 456`. */
  get codes(): string[] {
    return this.codeCandidates.map(({ code }) => code)
  }

  /** The same with the text around each, and how likely it is a code. */
  get codeCandidates(): readonly CodeCandidate[] {
    return runToEnd(this.codesInSteps())
  }

  /** Returns `codeCandidates`, in steps. */
  *codesInSteps(): Steps<readonly CodeCandidate[]> {
    if (!Object.hasOwn(this, 'codeCandidates')) yield* this.#shared.run('codes', () => this.#readCodes())
    return this.codeCandidates
  }

  *#readCodes(): Steps<void> {
    const text = yield* this.textInSteps()
    this.#once('codeCandidates', yield* codeCandidateSteps(`${this.subject}\n${text}`.slice(0, VIEW_CHARS)))
  }

  /** Decodes and hashes the attachments, in steps, so that their properties take no time afterwards. */
  *attachmentsInSteps(...digests: readonly Digest[]): Steps<readonly Attachment[]> {
    const { attachments } = this
    for (const one of attachments) if (one instanceof AttachedPart) yield* one.prepare(digests)
    return attachments
  }

  /** The header fields in order, decoded. */
  get fieldList(): { name: string; value: string }[] {
    return this.#fields.flatMap((field) =>
      field.name === '' ? [] : [{ name: field.name, value: decodeWords(unfoldValue(this.#raw, field)) }],
    )
  }

  /** The parts of `attachments`, in the same order. */
  get attachedParts(): readonly MessagePart[] {
    return this.#parts.others
  }

  /** The calendar objects that are forms of the text rather than attachments, as parts. */
  get calendarParts(): readonly MessagePart[] {
    return this.#parts.calendars
  }

  get #parts(): SortedParts {
    if (!this.#sorted) {
      this.#sorted = { texts: [], calendars: [], others: [] }
      sortParts(this.structure, this.#sorted)
    }
    return this.#sorted
  }

  #lines(part: MessagePart): string {
    return linesOf(part, partText(this.#raw, part))
  }

  /** Returns the lines of parts together, of which at most `chars` characters are read. */
  #joined(parts: readonly MessagePart[], chars = Number.POSITIVE_INFINITY): { text: string; isCut: boolean } {
    const texts: string[] = []
    let left = chars
    let isCut = false
    for (const part of parts) {
      isCut ||= left <= 0
      if (isCut) break
      const start = partStart(this.#raw, part, left)
      left -= start.text.length
      isCut = start.isCut
      // The LF of the last CR may not be there.
      texts.push(linesOf(part, isCut && start.text.endsWith('\r') ? start.text.slice(0, -1) : start.text))
    }
    return { text: texts.join('\n'), isCut }
  }

  #addresses(name: string): ReadableAddress[] {
    return headerValues(this.#raw, this.#fields, name).flatMap(parseAddresses).flatMap(readableAddress)
  }

  /** Returns what JSON shows of the message. */
  toJSON(): MessageJson {
    const { subject, from, to, cc, date, messageId, text, links, codes, attachments, sentBy } = this
    const shown = { subject, from, to, cc, date, messageId, text, links, codes, attachments }
    return sentBy ? { ...shown, sentBy } : shown
  }

  /**
   * Returns the message as a text for snapshots: the header and the decoded parts. Dates, ids, boundaries, trace fields and
   * signatures are replaced, so that the same message is the same text in each run.
   */
  toSnapshot(): string {
    return snapshotOf(this)
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

/** Returns a message for people to read. */
export const readable = (raw: Buffer): ReadableMessage => new ReadableMessage(raw)

/** Leaves out the entries that start and end a group. */
function readableAddress({ name, mailbox, host }: Address): ReadableAddress[] {
  if (host === undefined || mailbox === undefined) return []
  return [{ name: decodeWords(name ?? ''), address: decodeWords(`${mailbox}@${host}`) }]
}

/** Returns the text of a part with LF line ends, and the lines of format=flowed joined. */
function linesOf(part: MessagePart, text: string): string {
  const lines = text.replaceAll('\r\n', '\n')
  const flowed = flowedLines(part)
  return flowed ? flowed.add(lines) + flowed.end() : lines
}

const CALENDAR_TYPE = /^(?:text\/calendar|application\/ics)$/
const CID = /^cid:/i
