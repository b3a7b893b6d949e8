import { randomBytes } from 'node:crypto'
import type { Clock } from '../common/clock.ts'
import { parseDate } from '../mail/dates.ts'
import { bodyStartAfter, findField, headerFields, headerValue, headerValues, MAX_FIELDS } from '../mail/headers.ts'
import { CR, LF } from '../mail/octets.ts'
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
  newsgroups(): string[] {
    const value = this.value('newsgroups') ?? ''
    const text = NOT_ASCII.test(value) ? Buffer.from(value, 'latin1').toString('utf8') : value
    return [...new Set(text.split(',').map((name) => name.trim()))].filter((name) => name !== '')
  }

  /**
   * Returns the octets without the named fields (lower case), with new header lines in front.
   * @param first header lines without line ends, as octet strings
   */
  rebuilt(dropped: ReadonlySet<string>, first: readonly OctetString[]): Buffer {
    const pieces: Buffer[] = [Buffer.from(first.map((line) => `${line}\r\n`).join(''), 'latin1')]
    let from = 0
    for (const field of this.fields) {
      if (!dropped.has(field.nameLower)) continue
      if (field.start > from) pieces.push(this.raw.subarray(from, field.start))
      from = field.end
    }
    pieces.push(this.raw.subarray(from))
    return Buffer.concat(pieces)
  }
}

const NOT_ASCII = /[^\x00-\x7f]/
const FIELD_NAME = /^[!-9;-~]+$/

/** Fields that may occur only once. RFC 5536 sections 3.1 and 3.2. */
const SINGLE = new Set(
  `from newsgroups subject message-id date path approved control supersedes followup-to references injection-date
  injection-info distribution expires organization reply-to sender xref`.split(/\s+/),
)

/**
 * Checks the format of a posted or relayed article: valid header fields, none repeated, mandatory ones present and not
 * empty, an empty line before the body. RFC 5536 section 3.
 * @throws ArticleRefused `invalid`
 */
export function checkHeader(article: Article, mandatory: readonly string[]): void {
  if (article.fields.length === 0) throw invalid('no header')
  if (article.fields.length > MAX_FIELDS) throw invalid('too many header fields')
  if (article.raw.subarray(0, article.bodyStart).includes(0)) throw invalid('NUL in the header')
  checkLineEnds(article)
  checkFields(article)
  for (const name of mandatory) {
    const value = article.value(name)
    if (value === undefined) throw invalid(`missing ${title(name)} header field`)
    if (value === '') throw invalid(`empty ${title(name)} header field`)
  }
  const last = article.fields.at(-1)
  if (last && last.end === article.raw.length) throw invalid('no empty line between header and body')
  const messageId = article.value('message-id')
  if (messageId !== undefined && !isMessageId(messageId)) throw invalid(`not a Message-ID: ${messageId.slice(0, 60)}`)
}

/** Rejects a CR without LF, which some readers take for a line end: it would forge a field. RFC 5536 section 2, RFC 5322 section 2.2. */
function checkLineEnds({ raw, bodyStart }: Article): void {
  for (let at = 0; at < bodyStart; at++) {
    if (raw[at] === CR && raw[at + 1] !== LF) throw invalid('bare CR in the header')
  }
}

function checkFields({ raw, fields }: Article): void {
  const seen = new Set<string>()
  for (const { name, nameLower, start, end } of fields) {
    if (!FIELD_NAME.test(name)) {
      throw invalid(`not a header field: ${raw.toString('latin1', start, Math.min(end, start + 60)).trimEnd()}`)
    }
    if (SINGLE.has(nameLower) && seen.has(nameLower)) throw invalid(`more than one ${title(nameLower)} header field`)
    seen.add(nameLower)
  }
}

const title = (name: string): string =>
  name === 'message-id' ? 'Message-ID' : name.replace(/(^|-)./g, (start) => start.toUpperCase())

const DAY_MS = 86_400_000

/**
 * Rejects malformed dates and dates more than a day ahead. RFC 5537 sections 3.5 and 3.6. Accepts old articles, because a
 * lab's archives are older than any cut-off and the history detects duplicates.
 * @throws ArticleRefused `invalid`
 */
export function checkDate(article: Article, clock: Clock): void {
  for (const name of ['Date', 'Injection-Date']) {
    const value = article.value(name)
    if (value === undefined) continue
    const at = parseDate(value)?.getTime()
    if (at === undefined) throw invalid(`not a date: ${name}: ${value.slice(0, 60)}`)
    if (at > clock.now() + DAY_MS) throw invalid(`${name} lies in the future: ${value.slice(0, 60)}`)
  }
}

const invalid = (reason: string): ArticleRefused => new ArticleRefused('invalid', reason)

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
