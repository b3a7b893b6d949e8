import { randomBytes } from 'node:crypto'
import { joinPieces, type Pieces } from '../common/pieces.ts'
import { bodyStartAfter, findField, headerFields, headerValue, headerValues } from '../mail/headers.ts'
import type { HeaderField, OctetString } from '../mail/types.ts'

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

/** An article's octets with its parsed header fields. Values are octet strings. */
export class Article {
  readonly raw: Buffer
  readonly fields: readonly HeaderField[]
  /** Offset of the body, after the empty line. */
  readonly bodyStart: number
  /** Values read so far. Each step of injection and relaying reads the same few fields. */
  readonly #values = new Map<string, OctetString | undefined>()
  #newsgroups: readonly string[] | undefined

  constructor(raw: Buffer) {
    this.raw = raw
    this.fields = headerFields(raw)
    this.bodyStart = bodyStartAfter(raw, this.fields)
  }

  has(name: string): boolean {
    return findField(this.fields, name) !== undefined
  }

  /** Returns the unfolded value of the first field with this name. */
  value(name: string): OctetString | undefined {
    if (this.#values.has(name)) return this.#values.get(name)
    const value = headerValue(this.raw, this.fields, name)
    this.#values.set(name, value)
    return value
  }

  values(name: string): OctetString[] {
    return headerValues(this.raw, this.fields, name)
  }

  /** Returns the names in the Newsgroups field, in order, without duplicates. RFC 5536 section 3.1.4. */
  newsgroups(): readonly string[] {
    return (this.#newsgroups ??= this.#readNewsgroups())
  }

  #readNewsgroups(): readonly string[] {
    const value = this.value('newsgroups') ?? ''
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

const NOT_ASCII = /[^\x00-\x7f]/
/** RFC 3977 section 3.6: 3 to 250 octets, printable ASCII between `<` and `>` */
const FORM = /^<[!-=?-~]{1,248}>$/
/** RFC 5536 section 3.1.3: a left and a right side, without `<` and `>` */
const STRICT = /^<[!-;=?-~][!-;=?A-~]*@[!-;=?-~]+>$/

/** Returns whether a command's argument has the form of a message-id. */
export const hasMessageIdForm = (text: string): boolean => FORM.test(text)

/** Returns whether an article may have this Message-ID. */
export const isMessageId = (text: string): boolean => FORM.test(text) && STRICT.test(text)

/** Creates a unique Message-ID. RFC 5536 section 3.1.3. */
export const newMessageId = (host: string): string => `<${randomBytes(12).toString('hex')}@${host}>`
