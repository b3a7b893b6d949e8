import { randomBytes } from 'node:crypto'
import { joinPieces, type Pieces } from '../../core/octets/pieces.ts'
import { bodyStartAfter, headerFields, headerValues, isBlankValue, unfoldValue } from '../../mail/format/headers.ts'
import type { HeaderField, OctetString } from '../../mail/format/types.ts'
import { StoreError } from '../../storage/store/errors.ts'

/**
 * The reason why an article is refused.
 * - `invalid`: it breaks the article format.
 * - `duplicate`: its Message-ID is known.
 * - `unwanted`: this site does not carry its groups, or its Path shows that it has passed this site.
 * - `forbidden`: the poster may not post it.
 * - `later`: the store or the moderator cannot accept it now.
 */
export type RefusalCode = 'invalid' | 'duplicate' | 'unwanted' | 'forbidden' | 'later'

/** A refused article. The message gives the reason and fits on a 441, 437 or 439 line. */
export class ArticleRefused extends Error {
  override readonly name = 'ArticleRefused'
  readonly code: RefusalCode
  constructor(code: RefusalCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** @throws ArticleRefused `later` for a failure of the store, else the error itself */
export function refuseLater(cause: unknown): never {
  throw cause instanceof StoreError ? new ArticleRefused('later', cause.message, { cause }) : cause
}

/** The name of a header field in lower case. */
export type LowerCase = Lowercase<string>

/** An article's octets with its parsed header fields. Values are octet strings. */
export class Article {
  readonly raw: Buffer
  readonly fields: readonly HeaderField[]
  /** Offset of the body, after the empty line. */
  readonly bodyStart: number
  /** Values read so far, by the position of their field. Each step of injection and relaying reads the same few fields. */
  readonly #values: (OctetString | undefined)[] = []
  #newsgroups: readonly string[] | undefined

  constructor(raw: Buffer) {
    this.raw = raw
    this.fields = headerFields(raw)
    this.bodyStart = bodyStartAfter(raw, this.fields)
  }

  has(name: LowerCase): boolean {
    return this.#indexOf(name) !== -1
  }

  /** Returns the unfolded value of the first field with this name. */
  value(name: LowerCase): OctetString | undefined {
    const at = this.#indexOf(name)
    return at === -1 ? undefined : (this.#values[at] ??= unfoldValue(this.raw, this.fields[at] as HeaderField))
  }

  /** Returns whether the first field with this name has a value that is not empty; undefined if there is no such field. */
  hasContent(name: LowerCase): boolean | undefined {
    const at = this.#indexOf(name)
    return at === -1 ? undefined : !isBlankValue(this.raw, this.fields[at] as HeaderField)
  }

  values(name: string): OctetString[] {
    return headerValues(this.raw, this.fields, name)
  }

  /** Returns the names in the Newsgroups field, in order, without duplicates. RFC 5536 section 3.1.4. */
  newsgroups(): readonly string[] {
    return (this.#newsgroups ??= this.#readNewsgroups())
  }

  /** Returns the position of the first field with this name in `fields`, or -1. */
  #indexOf(name: LowerCase): number {
    const { fields } = this
    for (let at = 0; at < fields.length; at++) if ((fields[at] as HeaderField).nameLower === name) return at
    return -1
  }

  #readNewsgroups(): readonly string[] {
    const value = this.value('newsgroups') ?? ''
    if (ONE_NAME.test(value)) return [value]
    const text = NOT_ASCII.test(value) ? Buffer.from(value, 'latin1').toString('utf8') : value
    return [...new Set(text.split(',').map((name) => name.trim()))].filter((name) => name !== '')
  }

  /**
   * Returns the octets without the named fields (lower case), with new header lines in front.
   * @param first header lines without line ends, as octet strings
   */
  rebuilt(dropped: ReadonlySet<string>, first: readonly OctetString[]): Buffer {
    return joinPieces(this.rebuiltPieces(dropped, first))
  }

  /** Returns the same as `rebuilt` in pieces, without a copy of the body. */
  rebuiltPieces(dropped: ReadonlySet<string>, first: readonly OctetString[]): Pieces {
    const pieces: Buffer[] = [Buffer.from(first.map((line) => `${line}\r\n`).join(''), 'latin1')]
    let from = 0
    for (const field of this.fields) {
      if (!dropped.has(field.nameLower)) continue
      if (field.start > from) pieces.push(this.raw.subarray(from, field.start))
      from = field.end
    }
    pieces.push(this.raw.subarray(from))
    return pieces
  }
}

/** Most articles name a single group. */
const ONE_NAME = /^[!-+\--~]+$/
const NOT_ASCII = /[^\x00-\x7f]/
/** RFC 3977 section 3.6: 3 to 250 octets, printable ASCII between `<` and `>` */
const FORM = /^<[!-=?-~]{1,248}>$/
const MAX_MESSAGE_ID_OCTETS = 250
/** RFC 5536 section 3.1.3: a left and a right side, without `<` and `>`. Except for its length, such an identifier has `FORM`. */
const STRICT = /^<[!-;=?-~][!-;=?A-~]*@[!-;=?-~]+>$/

/** Returns whether a command's argument has the form of a message-id. */
export const hasMessageIdForm = (text: string): boolean => FORM.test(text)

/** Returns whether an article may have this Message-ID. */
export const isMessageId = (text: string): boolean => text.length <= MAX_MESSAGE_ID_OCTETS && STRICT.test(text)

/** Creates a unique Message-ID. RFC 5536 section 3.1.3. */
export const newMessageId = (host: string): string => `<${randomBytes(12).toString('hex')}@${host}>`
