import { findField, headerBlockEnd, headerFields, headerValues, unfolded } from '../mail/headers.ts'
import type { HeaderField, OctetString } from '../mail/types.ts'
import { ArticleRefused } from './errors.ts'
import { isMessageId } from './message-id.ts'

/** An article's octets with its header fields found. Values are octet strings. */
export class Article {
  readonly raw: Buffer
  readonly fields: readonly HeaderField[]
  /** Where the body starts, behind the empty line. */
  readonly bodyStart: number

  constructor(raw: Buffer) {
    this.raw = raw
    this.bodyStart = headerBlockEnd(raw)
    this.fields = headerFields(raw, 0, this.bodyStart)
  }

  has(name: string): boolean {
    return findField(this.fields, name) !== undefined
  }

  /** The unfolded value of the first field of that name. */
  value(name: string): OctetString | undefined {
    const field = findField(this.fields, name)
    return field && unfolded(this.raw, field)
  }

  values(name: string): OctetString[] {
    return headerValues(this.raw, this.fields, name)
  }

  /** Names of the Newsgroups field, in order, each once. RFC 5536 section 3.1.4. */
  newsgroups(): string[] {
    const value = Buffer.from(this.value('newsgroups') ?? '', 'latin1').toString('utf8')
    return [...new Set(value.split(',').map((name) => name.trim()))].filter((name) => name !== '')
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

/** Fields that an article has once at most. RFC 5536 sections 3.1 and 3.2. */
const SINGLE = [
  'from', 'newsgroups', 'subject', 'message-id', 'date', 'path', 'approved', 'control', 'supersedes', 'followup-to',
  'references', 'injection-date', 'injection-info', 'distribution', 'expires', 'organization', 'reply-to', 'sender', 'xref',
] as const // biome-ignore format: a list of words

/**
 * Checks what every article must be, posted or relayed: a header of proper fields with an empty line behind it, none
 * twice, none of the mandatory ones empty. RFC 5536 section 3.
 * @param mandatory the fields that must be there
 * @throws ArticleRefused `invalid`
 */
export function checkHeader(article: Article, mandatory: readonly string[]): void {
  const invalid = (why: string): never => {
    throw new ArticleRefused('invalid', why)
  }
  if (article.raw.subarray(0, article.bodyStart).includes(0)) invalid('NUL in the header')
  if (article.fields.length === 0) invalid('no header')
  for (const field of article.fields) {
    const line = article.raw.toString('latin1', field.start, field.end).trimEnd()
    if (field.name === '' || !/^[!-9;-~]+$/.test(field.name)) invalid(`not a header field: ${line.slice(0, 60)}`)
  }
  for (const name of SINGLE) {
    if (article.values(name).length > 1) invalid(`more than one ${title(name)} header field`)
  }
  for (const name of mandatory) {
    const value = article.value(name)
    if (value === undefined) invalid(`missing ${title(name)} header field`)
    if (value === '') invalid(`empty ${title(name)} header field`)
  }
  const last = article.fields.at(-1)
  if (last && last.end === article.raw.length) invalid('no empty line between header and body')
  const messageId = article.value('message-id')
  if (messageId !== undefined && !isMessageId(messageId)) invalid(`not a Message-ID: ${messageId.slice(0, 60)}`)
}

const title = (name: string): string =>
  name === 'message-id' ? 'Message-ID' : name.replace(/(^|-)./g, (start) => start.toUpperCase())
