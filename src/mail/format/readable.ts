import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import { SharedSteps } from '../../core/async/shared-steps.ts'
import { viewsOf } from '../../core/octets/pieces.ts'
import { runToEnd, type Steps } from '../../core/time/time-slice.ts'
import { parseAddresses } from './addresses.ts'
import { type CodeCandidate, codeCandidateSteps } from './codes.ts'
import { parseDate } from './dates.ts'
import { flowedLines } from './flowed.ts'
import { headerFields, headerValues, unfolded } from './headers.ts'
import { htmlLinkSteps, htmlTextSteps } from './html-text.ts'
import { isText, partOctetsOrRawInSteps, partStart, partText } from './parts.ts'
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
  /** Returns a hash of the content in hexadecimal. */
  digest(algorithm: Digest): string
}

export type Digest = 'md5' | 'sha1' | 'sha256'

/** Characters of plain text that codes, links and previews are taken from. */
export const VIEW_CHARS = 256 * 1024
/** Octets that are hashed between two pauses. */
const HASHED_OCTETS = 1024 * 1024

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
  readonly #limits: ReadLimits
  readonly #shared = new SharedSteps<'text' | 'links' | 'codes'>()
  #sorted: Sorted | undefined
  #isHtmlCut = false
  /** Hash of the octets in hexadecimal. */
  declare readonly sha256: string

  /** @param structure the message's structure, if the caller has parsed it */
  constructor(raw: Buffer, structure?: MessagePart, limits: ReadLimits = {}) {
    this.#raw = raw
    this.#limits = limits
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

  /** Targets of links, the HTML's first. Those of plain text are taken from its beginning. */
  get links(): string[] {
    return runToEnd(this.linksInSteps())
  }

  /** Returns `links`, in steps. */
  *linksInSteps(): Steps<string[]> {
    if (!Object.hasOwn(this, 'links')) yield* this.#shared.run('links', () => this.#readLinks())
    return this.links
  }

  *#readLinks(): Steps<void> {
    const found = new Set(yield* htmlLinkSteps(this.html ?? ''))
    const text = yield* this.textInSteps()
    for (const line of piecesOf(text.slice(0, VIEW_CHARS))) {
      for (const link of textLinks(line)) found.add(link)
      yield
    }
    this.#once('links', [...found])
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

/** Returns the text of a part with LF line ends, and the lines of format=flowed joined. */
function linesOf(part: MessagePart, text: string): string {
  const lines = text.replaceAll('\r\n', '\n')
  const flowed = flowedLines(part)
  return flowed ? flowed.add(lines) + flowed.end() : lines
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
  readonly #digests = new Map<Digest, string>()
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
    defineLazy(this, 'sha256', () => this.digest('sha256'))
  }

  /** No own property, so that failed comparisons do not print it; `sha256` is compared instead. */
  get content(): Buffer {
    return this.#content ?? runToEnd(this.#decode())
  }

  digest(algorithm: Digest): string {
    return this.#digests.get(algorithm) ?? runToEnd(this.#hash(algorithm))
  }

  /** Decodes and hashes the content in steps. */
  *prepare(digests: readonly Digest[]): Steps<void> {
    yield* this.#decode()
    for (const one of digests) yield* this.#hash(one)
  }

  *#decode(): Steps<Buffer> {
    this.#content ??= yield* partOctetsOrRawInSteps(this.#raw, this.#part)
    return this.#content
  }

  *#hash(algorithm: Digest): Steps<string> {
    const hash = createHash(algorithm)
    for (const piece of viewsOf(this.content, HASHED_OCTETS)) {
      hash.update(piece)
      yield
    }
    const digest = hash.digest('hex')
    this.#digests.set(algorithm, digest)
    return digest
  }

  [inspect.custom](): object {
    return { ...this }
  }
}

/** Characters of a text that are searched between two pauses. */
const PIECE_CHARS = 16 * 1024

/** Yields a text in pieces that end before white space. */
function* piecesOf(text: string): Generator<string, void, void> {
  const space = /\s/g
  for (let at = 0; at < text.length; at = space.lastIndex) {
    space.lastIndex = at + PIECE_CHARS
    if (!space.test(text)) space.lastIndex = text.length
    yield text.slice(at, space.lastIndex)
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
