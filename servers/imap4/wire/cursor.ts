import type { ReceivedOctets } from '../../../src/core/octets/received-octets.ts'
import type { OctetString } from '../../../src/mail/format/types.ts'
import { bad, type ImapError } from '../reply.ts'

/** A literal that has been read. RFC 9051 section 4.3. */
export interface Literal {
  /** Large literals, which are messages, may be in a file. */
  readonly content: Buffer | ReceivedOctets
  readonly hasNul: boolean
  /** Sent as `~{…}`, so it may contain NULs. RFC 9051 section 4.3. */
  readonly binary: boolean
}

/** A complete command: `texts[i]` is followed by `literals[i]`. The `{…}` before a literal is removed. */
interface CommandText {
  readonly texts: readonly OctetString[]
  readonly literals: readonly Literal[]
}

const ATOM = /[^(){ \x00-\x1f\x7f-\xff%*"\\\]]+/y
const ASTRING = /[^(){ \x00-\x1f\x7f-\xff%*"\\]+/y
const LIST_MAILBOX = /[^(){ \x00-\x1f\x7f-\xff"\\]+/y
const QUOTED = /"((?:[^"\\\r\n\x00]|\\["\\])*)"/y
const DIGITS = /[0-9]+/y

/** Reads a command from left to right by the grammar of RFC 9051 section 9. Throws a BAD if it finds something else. */
export class Cursor {
  readonly #command: CommandText
  #text: OctetString
  #index = 0
  #at = 0

  constructor(command: CommandText) {
    this.#command = command
    this.#text = command.texts[0] ?? ''
  }

  /** Returns a cursor over a command without literals. */
  static of(text: OctetString): Cursor {
    return new Cursor({ texts: [text], literals: [] })
  }

  /** The next octet, '' at a literal and at the end. */
  get ahead(): string {
    return this.#text.charAt(this.#at)
  }

  get atLiteral(): boolean {
    return this.#at === this.#text.length && this.#index < this.#command.literals.length
  }

  get atEnd(): boolean {
    return this.#at === this.#text.length && !this.atLiteral
  }

  /** Takes what a sticky `pattern` matches here. Returns undefined, and takes nothing, if it does not match. */
  match(pattern: RegExp): OctetString | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)
    if (!found) return undefined
    this.#at = pattern.lastIndex
    return found[0]
  }

  /** Takes `text`, in any case, if it comes next. */
  take(text: string): boolean {
    const piece = this.#text.substr(this.#at, text.length)
    if (piece !== text && piece.toUpperCase() !== text.toUpperCase()) return false
    this.#at += text.length
    return true
  }

  expect(text: string): void {
    if (!this.take(text)) throw this.missing(text === ' ' ? 'a space' : text)
  }

  space(): void {
    this.expect(' ')
  }

  end(): void {
    if (!this.atEnd) throw bad(`Unexpected text after the command: ${this.#shown()}.`)
  }

  /** Returns the error for something that should come next. */
  missing(what: string): ImapError {
    return bad(this.atEnd ? `Missing ${what}.` : `Expected ${what} at ${this.#shown()}.`)
  }

  atom(): OctetString {
    return this.match(ATOM) ?? this.#fail('an atom')
  }

  /** Reads a keyword of the grammar. Returns it in capitals. */
  keyword(): string {
    return this.atom().toUpperCase()
  }

  /** Reads a `number`: at most 2^32-1. RFC 9051 section 9. */
  number(): number {
    const value = this.number64()
    if (value > 0xffffffff) throw bad('The number is too large.')
    return value
  }

  nzNumber(): number {
    const value = this.number()
    if (value === 0) throw bad('The number must not be 0.')
    return value
  }

  /** Reads a `number64` or `mod-sequence-value`: at most 2^63-1. Rounds values above 2^53, which no count here reaches. */
  number64(): number {
    const digits = this.match(DIGITS) ?? this.#fail('a number')
    const value = Number(digits)
    if (value >= 2 ** 63) throw bad('The number is too large.')
    return value
  }

  /** Reads a `string`: quoted or literal. */
  string(): OctetString {
    return this.#stringAhead() ?? this.#fail('a string')
  }

  astring(): OctetString {
    return this.#stringAhead() ?? this.match(ASTRING) ?? this.#fail('a string')
  }

  nstring(): OctetString | undefined {
    return this.take('NIL') ? undefined : this.string()
  }

  /** Reads a mailbox name with wildcards. RFC 9051 section 6.3.9. */
  listMailbox(): OctetString {
    return this.#stringAhead() ?? this.match(LIST_MAILBOX) ?? this.#fail('a mailbox pattern')
  }

  /** Takes the literal that comes next. */
  literal(): Literal {
    if (!this.atLiteral) throw this.missing('a literal')
    const literal = this.#command.literals[this.#index] as Literal
    this.#index++
    this.#text = this.#command.texts[this.#index] ?? ''
    this.#at = 0
    return literal
  }

  /** Reads `(item item …)`. */
  list<T>(item: (cursor: Cursor) => T, mayBeEmpty = false): T[] {
    this.expect('(')
    const items: T[] = []
    if (mayBeEmpty && this.take(')')) return items
    do items.push(item(this))
    while (this.take(' '))
    this.expect(')')
    return items
  }

  #stringAhead(): OctetString | undefined {
    if (this.ahead === '"') {
      const quoted = this.match(QUOTED) ?? this.#fail('the end of a quoted string')
      const inner = quoted.slice(1, -1)
      return inner.includes('\\') ? inner.replace(/\\(.)/g, '$1') : inner
    }
    if (!this.atLiteral) return undefined
    const { content, hasNul } = this.literal()
    if (hasNul) throw bad('A string may not contain NUL.') // RFC 9051 section 4.3
    if (!Buffer.isBuffer(content)) throw bad('Literal too long.', 'TOOBIG')
    return content.toString('latin1')
  }

  #fail(what: string): never {
    throw this.missing(what)
  }

  #shown(): string {
    const rest = this.#text.slice(this.#at, this.#at + 20).replace(/[^\x20-\x7e]/g, '?')
    return rest === '' ? 'the literal' : `"${rest}"`
  }
}
