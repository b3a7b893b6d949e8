import { domainToUnicode } from 'node:url'
import { SharedSteps } from '../../core/async/shared-steps.ts'
import { GrowingBuffer } from '../../core/octets/growing-buffer.ts'
import { HEAP_SHARE } from '../../core/octets/heap-share.ts'
import type { Steps } from '../../core/time/time-slice.ts'
import { addressSteps } from './addresses.ts'
import { decodedPieces } from './charsets.ts'
import { findField, headerFields, unfoldValue } from './headers.ts'
import { everyPart, isText, partOctetsOrRawInSteps } from './parts.ts'
import type { HeaderField, MessagePart, OctetString } from './types.ts'
import { decodeWords, parameterText } from './words.ts'

/** Characters that are normalized at a time. Marks in a row take quadratic time. */
const NORMALIZED_CHARS = 512
/** Characters at the end of such a piece in which a space is looked for. */
const SPACE_CHARS = 128

/** Returns the form in which texts are compared: without differences of case and compatibility, much like i;unicode-casemap (RFC 5051). */
export const foldText = (text: string): string => mapPieces(text, (piece) => piece.normalize('NFKD').toLowerCase())

/** Composes a text, so that the same letters are the same characters. Differences of compatibility stay. */
const composeText = (text: string): string => mapPieces(text, (piece) => piece.normalize('NFC'))

function mapPieces(text: string, formOf: (piece: string) => string): string {
  if (Buffer.byteLength(text) === text.length || text.length <= NORMALIZED_CHARS) return formOf(text)
  const pieces: string[] = []
  for (let at = 0; at < text.length; ) {
    const end = pieceEnd(text, at)
    pieces.push(formOf(text.slice(at, end)))
    at = end
  }
  return pieces.join('')
}

/** Line ends, white space and punctuation between words. */
const BETWEEN_WORDS = /[\s\ufeff<>",;()]+/g

/**
 * Returns the form in which searches compare texts: in lower case, composed, with one space between words, as Mailpit compares
 * them, and as its UTF-8 octets with one character each. V8 keeps such a text in half the memory, and finds words in it in half the time, if
 * it has a letter beyond Latin-1.
 */
export function searchable(text: string): string {
  return utf8Form(comparable(text).replaceAll(BETWEEN_WORDS, ' ').trim())
}

/** Returns the UTF-8 octets of a text with one character each. */
const utf8Form = (text: string): string =>
  Buffer.byteLength(text) === text.length ? text : Buffer.from(text).toString('latin1')

/** A domain in ASCII. Only the first character of a word is tried, because each of a long word would take quadratic time. */
const ASCII_DOMAIN = /(?<![a-z0-9.-])[a-z0-9.-]*xn--[a-z0-9.-]+/gi

/** Writes domains in Unicode, so that both forms are the same. RFC 5890 section 2.3.2.1. */
const withUnicodeDomains = (text: string): string =>
  /xn--/i.test(text) ? text.replace(ASCII_DOMAIN, (name) => domainToUnicode(name) || name) : text

/** Returns a text for patterns: composed, and with domains in Unicode. */
export const unicodeForm = (text: string): string => withUnicodeDomains(composeText(text))

/** Returns the form in which texts are equal in any case and form of Unicode (NFC, NFD). */
export const comparable = (text: string): string => unicodeForm(text).toLowerCase()

/** Marks, and the vowels and finals of Hangul, which belong to the character before them. */
const JOINED = /[\p{M}\u1160-\u11ff]/u

/** Cuts after a space, because marks and the case of a letter belong to their word. */
function pieceEnd(text: string, from: number): number {
  const most = from + NORMALIZED_CHARS
  if (most >= text.length) return text.length
  for (let at = most; at > most - SPACE_CHARS; at--) if (text.charCodeAt(at - 1) <= 0x20) return at
  for (let at = most; at > most - SPACE_CHARS; at--) {
    const splitsPair = (text.charCodeAt(at) & 0xfc00) === 0xdc00
    if (!splitsPair && !JOINED.test(String.fromCodePoint(text.codePointAt(at) as number))) return at
  }
  return most
}

/** Characters searched or collected between two pauses. */
const STEP_CHARS = 64 * 1024
/** Octets of header fields decoded between two pauses. */
const STEP_OCTETS = 16 * 1024

function* contains(text: string, needle: string): Steps<boolean> {
  for (let at = 0; ; at += STEP_CHARS) {
    if (text.slice(at, at + STEP_CHARS + needle.length).includes(needle)) return true
    if (at + STEP_CHARS >= text.length) return false
    yield
  }
}

/** A message's octets and what was parsed of them. */
interface SearchSource {
  readonly raw: Buffer
  readonly structure: MessagePart
}

/**
 * The text of one message for SEARCH. Each part of it is decoded and folded at its first use and kept. Callers must fold
 * needles with `foldText`, once per search. RFC 9051 section 6.4.4.
 */
export class SearchText {
  readonly #headers = new Map<string, readonly string[]>()
  /** UTF-8 octets with one character each. V8 keeps such texts outside its heap if they are long. */
  #header: string | undefined
  /** In the same form. */
  #body: string | undefined
  /** Whether the body is too long to be kept, so that each search reads it again. */
  #isBodyLong = false
  readonly #shared = new SharedSteps<'header' | 'body'>()
  readonly #grown: (chars: number) => void
  /** @param grown receives the length of every text that is kept, in characters */
  constructor(grown: (chars: number) => void = () => {}) {
    this.#grown = grown
  }

  #keep(text: string): string {
    this.#grown(text.length)
    return text
  }

  /** Returns `headerContains` from the kept texts; undefined if the octets are needed. `nameLower` is in lower case. */
  headerHeld(fields: readonly HeaderField[] | undefined, nameLower: string, needle: string): boolean | undefined {
    const values = this.#headers.get(nameLower)
    if (!values) return fields && !findField(fields, nameLower) ? false : undefined
    for (const value of values) if (value.includes(needle)) return true
    return false
  }

  /** Returns `bodyContains` from the kept texts; undefined if the octets are needed. */
  bodyHeld(needle: string): boolean | undefined {
    return this.#body?.includes(utf8Form(needle))
  }

  /** Returns `textContains` from the kept texts; undefined if the octets are needed. */
  textHeld(needle: string): boolean | undefined {
    if (this.#header === undefined) return undefined
    return this.#header.includes(utf8Form(needle)) || this.bodyHeld(needle)
  }

  /** Returns whether `bodyContains` or `textContains` needs no octets. */
  holds(kind: 'body' | 'text'): boolean {
    return this.#body !== undefined && (kind === 'body' || this.#header !== undefined)
  }

  /** Returns whether a field of that name, in any case, contains the needle. With an empty needle: whether there is such a field. */
  *headerContains(raw: Buffer, fields: readonly HeaderField[], name: string, needle: string): Steps<boolean> {
    const nameLower = name.toLowerCase()
    let values = this.#headers.get(nameLower)
    if (!values) {
      if (!findField(fields, nameLower)) return false
      const found: string[] = []
      for (const field of fields) {
        if (field.nameLower !== nameLower) continue
        const value = unfoldValue(raw, field)
        found.push(foldText(decodeWords(value)))
        if (ADDRESS_FIELDS.has(nameLower) && value.includes('(')) found.push(foldText(yield* plainAddresses(value)))
        yield
      }
      values = found.map((value) => this.#keep(value))
      this.#headers.set(nameLower, values)
    }
    for (const value of values) if (yield* contains(value, needle)) return true
    return false
  }

  /** Returns whether a text part contains the needle. As in Dovecot, headers of parts do not count. */
  *bodyContains(source: SearchSource | undefined, needle: string): Steps<boolean> {
    if (source && this.#body === undefined && !this.#isBodyLong)
      yield* this.#shared.run('body', () => this.#readBody(source))
    if (source && this.#isBodyLong) return yield* bodyHas(source, needle)
    return yield* contains(this.#body ?? '', utf8Form(needle))
  }

  /** Returns whether any header or text part contains the needle. */
  *textContains(source: SearchSource | undefined, needle: string): Steps<boolean> {
    if (source && this.#header === undefined) yield* this.#shared.run('header', () => this.#readHeader(source))
    return (yield* contains(this.#header ?? '', utf8Form(needle))) || (yield* this.bodyContains(source, needle))
  }

  *#readBody(source: SearchSource): Steps<void> {
    const text = yield* bodyText(source)
    if (text === undefined) this.#isBodyLong = true
    else this.#body = this.#keep(text)
  }

  *#readHeader(source: SearchSource): Steps<void> {
    this.#header = this.#keep(yield* headerText(source))
  }
}

/** Fields of addresses that clients search as the envelope shows them. RFC 9051 section 6.4.4. */
const ADDRESS_FIELDS: ReadonlySet<string> = new Set(['from', 'to', 'cc', 'bcc', 'sender', 'reply-to'])

/** Returns the addresses of a field without the comments inside them. */
function* plainAddresses(value: OctetString): Steps<string> {
  const addresses = yield* addressSteps(value)
  return addresses.map(({ mailbox = '', host = '' }) => `${mailbox}@${host}`).join(', ')
}

/** Longer texts are not kept. Folding can make a text of three octets 18 characters long. */
const MAX_KEPT_OCTETS = 4 * HEAP_SHARE

/** Joins texts with line feeds and folds them, some at a time. */
class FoldedText {
  readonly #take: (folded: string) => void
  #pending = ''
  #isFirst = true

  /** @param take receives the folded text in pieces */
  constructor(take: (folded: string) => void) {
    this.#take = take
  }

  /** Begins a text, after a line feed if it is not the first one. */
  begin(): void {
    if (!this.#isFirst) this.#pending += '\n'
    this.#isFirst = false
  }

  /** Adds characters of the text. Returns true if it is time for a pause. */
  add(text: string): boolean {
    this.#pending += text
    if (this.#pending.length < STEP_CHARS) return false
    this.end()
    return true
  }

  end(): void {
    this.#take(foldText(this.#pending))
    this.#pending = ''
  }
}

/** Returns all headers of the message, of its parts and of messages inside, folded, in the form of `utf8Form`. */
function* headerText({ raw, structure }: SearchSource): Steps<string> {
  const folded = new GrowingBuffer()
  const text = new FoldedText((piece) => folded.append(Buffer.from(piece)))
  let octets = 0
  for (const part of everyPart(structure)) {
    for (const field of headerFields(raw, part.headerStart, part.bodyStart)) {
      text.begin()
      const isFull = text.add(`${field.name}: ${decodeWords(unfoldValue(raw, field))}`)
      octets += field.end - field.start
      if (!isFull && octets < STEP_OCTETS) continue
      octets = 0
      yield
    }
  }
  text.end()
  return folded.octets.toString('latin1')
}

/** Gives the content of all text parts, folded, to a function in pieces, until the function returns true. */
function* readBody({ raw, structure }: SearchSource, take: (folded: string) => boolean): Steps<void> {
  let isOver = false
  const text = new FoldedText((folded) => {
    isOver ||= take(folded)
  })
  for (const part of everyPart(structure)) {
    if (!isText(part)) continue
    text.begin()
    const octets = yield* partOctetsOrRawInSteps(raw, part)
    for (const piece of decodedPieces(octets, parameterText(part.params, 'charset'))) {
      if (!text.add(piece)) continue
      if (isOver) return
      yield
    }
  }
  text.end()
}

/** Returns the content of all text parts, folded, in the form of `utf8Form`; undefined if it is too long to be kept. */
function* bodyText(source: SearchSource): Steps<string | undefined> {
  const folded = new GrowingBuffer()
  yield* readBody(source, (piece) => {
    folded.append(Buffer.from(piece))
    return folded.length > MAX_KEPT_OCTETS
  })
  return folded.length > MAX_KEPT_OCTETS ? undefined : folded.octets.toString('latin1')
}

/** Returns whether the content of all text parts contains the needle, without keeping it. */
function* bodyHas(source: SearchSource, needle: string): Steps<boolean> {
  let isFound = false
  // The needle may begin in the piece before.
  let before = ''
  yield* readBody(source, (piece) => {
    const text = before + piece
    isFound = text.includes(needle)
    before = needle.length > 1 ? text.slice(1 - needle.length) : ''
    return isFound
  })
  return isFound
}
