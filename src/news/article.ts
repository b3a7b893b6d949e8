import { bodyStartBehind, findField, headerFields, headerValue, headerValues } from '../mail/headers.ts'
import type { HeaderField, OctetString } from '../mail/types.ts'
import { ArticleRefused } from './errors.ts'
import { isMessageId } from './message-id.ts'

/** No list in a field that is meant is longer; of one made to keep a server busy the rest is not read. */
export const MAX_LIST_CHARS = 1024 * 1024

/** An article's octets with its header fields found. Values are octet strings. */
export class Article {
  readonly raw: Buffer
  readonly fields: readonly HeaderField[]
  /** Where the body starts, behind the empty line. */
  readonly bodyStart: number
  /** What was asked for already: each step asks for the same few. */
  readonly #values = new Map<string, OctetString | undefined>()

  constructor(raw: Buffer) {
    this.raw = raw
    this.fields = headerFields(raw)
    this.bodyStart = bodyStartBehind(raw, this.fields)
  }

  has(name: string): boolean {
    return findField(this.fields, name) !== undefined
  }

  /** The unfolded value of the first field of that name. */
  value(name: string): OctetString | undefined {
    if (this.#values.has(name)) return this.#values.get(name)
    const value = headerValue(this.raw, this.fields, name)
    this.#values.set(name, value)
    return value
  }

  values(name: string): OctetString[] {
    return headerValues(this.raw, this.fields, name)
  }

  /** Names of the Newsgroups field, in order, each once. RFC 5536 section 3.1.4. */
  newsgroups(): string[] {
    const value = (this.value('newsgroups') ?? '').slice(0, MAX_LIST_CHARS)
    const text = NOT_ASCII.test(value) ? Buffer.from(value, 'latin1').toString('utf8') : value
    return [...new Set(text.split(',').map((name) => name.trim()))].filter((name) => name !== '')
  }

  /**
   * The octets with the fields of these names (lower case) left out and header lines put in front.
   * @param first header lines without their line ends, octet strings
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

/** Fields that an article has once at most. RFC 5536 sections 3.1 and 3.2. */
const SINGLE = new Set(
  `from newsgroups subject message-id date path approved control supersedes followup-to references injection-date
  injection-info distribution expires organization reply-to sender xref`.split(/\s+/),
)

/**
 * Checks what every article must be, posted or relayed: a header of proper fields with an empty line behind it, none
 * twice, none of the mandatory ones empty. RFC 5536 section 3.
 * @param mandatory the fields that must be there
 * @throws ArticleRefused `invalid`
 */
export function checkHeader(article: Article, mandatory: readonly string[]): void {
  if (article.raw.subarray(0, article.bodyStart).includes(0)) throw invalid('NUL in the header')
  if (article.fields.length === 0) throw invalid('no header')
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

const invalid = (why: string): ArticleRefused => new ArticleRefused('invalid', why)

const title = (name: string): string =>
  name === 'message-id' ? 'Message-ID' : name.replace(/(^|-)./g, (start) => start.toUpperCase())
