import type { Clock } from '../../core/time/clock.ts'
import { parseZonedDate } from '../../mail/format/dates.ts'
import { isEmptyLine, MAX_FIELDS, unfoldValue } from '../../mail/format/headers.ts'
import { CR, LF, lineEnd, SPACE, TAB } from '../../mail/format/octets.ts'
import type { HeaderField } from '../../mail/format/types.ts'
import { type Article, ArticleRefused, isMessageId, type LowerCase } from './article.ts'

/** How an article arrives: from its poster, or from a peer. */
type Arrival = 'posted' | 'relayed'

/**
 * Checks the format of an article: valid header fields, none repeated, mandatory ones present and not empty, an empty line
 * before the body. RFC 5536 section 3.
 * @throws ArticleRefused `invalid`
 */
export function checkHeader(article: Article, arrival: Arrival, mandatory: readonly LowerCase[]): void {
  const { raw, fields } = article
  if (fields.length === 0) throw invalidArticle('no header')
  if (fields.length > MAX_FIELDS) throw invalidArticle('too many header fields')
  checkOctets(article)
  checkFields(article, arrival)
  for (const name of mandatory) {
    const hasContent = article.hasContent(name)
    if (hasContent === undefined) throw invalidArticle(`missing ${title(name)} header field`)
    if (!hasContent) throw invalidArticle(`empty ${title(name)} header field`)
  }
  const last = fields.at(-1)
  if (last && last.end === raw.length) throw invalidArticle('no empty line between header and body')
  const messageId = article.value('message-id')
  if (messageId !== undefined && !isMessageId(messageId))
    throw invalidArticle(`not a Message-ID: ${messageId.slice(0, 60)}`)
}

/**
 * Rejects NUL, and a CR without LF, which some readers take for a line end: it would forge a field. RFC 5536 section 2,
 * RFC 5322 section 2.2.
 */
function checkOctets({ raw, bodyStart }: Article): void {
  let hasBareCr = false
  for (let at = 0; at < bodyStart; at++) {
    const octet = raw[at] as number
    if (octet > CR) continue
    if (octet === 0) throw invalidArticle('NUL in the header')
    if (octet === CR && raw[at + 1] !== LF) hasBareCr = true
  }
  if (hasBareCr) throw invalidArticle('bare CR in the header')
}

const FIELD_NAME = /^[!-9;-~]+$/

/** Fields that may occur only once. RFC 5536 sections 3.1 and 3.2. */
const single =
  `from newsgroups subject message-id date path approved control supersedes followup-to references injection-date
  injection-info distribution expires organization reply-to sender xref summary keywords lines archive user-agent
  cancel-lock cancel-key`.split(/\s+/)

/** Each of them has a bit. */
const SINGLE: ReadonlyMap<string, number> = new Map(single.map((name, i) => [name, 1 << i]))

/** The form of one field, and what is wrong if it has another one. */
interface Rule {
  readonly breaks: (raw: Buffer, field: HeaderField) => boolean
  readonly why: string
}

/** RFC 3977 section 3.6: a name, a colon, a space, and the content. A posted or relayed article must have this form. */
const forms: readonly Rule[] = [
  { breaks: (_, { name }) => name === '', why: 'not a header field (no colon)' },
  { breaks: (_, { name }) => !FIELD_NAME.test(name), why: 'not a header field (invalid name)' },
  { breaks: (raw, { valueStart }) => isBlank(raw[valueStart - 2]), why: 'white space before the colon' },
  { breaks: (raw, field) => !isSpaceAfterColon(raw, field), why: 'no space after the colon' },
]

/** RFC 5536 section 2.2: each line has something else than white space. Relayed articles need not: RFC 3977 allows it. */
const contents: Rule = { breaks: hasBlankLine, why: 'a header field or a folded line without content' }

const rulesFor: Readonly<Record<Arrival, readonly Rule[]>> = { posted: [...forms, contents], relayed: forms }

const isBlank = (octet: number | undefined): boolean => octet === SPACE || octet === TAB

/** Returns whether a space follows the colon. The field may be folded before it. RFC 3977 section 3.6. */
function isSpaceAfterColon(raw: Buffer, { valueStart, end }: HeaderField): boolean {
  return raw[valueStart] === SPACE || (isEmptyLine(raw, valueStart) && lineEnd(raw, valueStart, end) < end)
}

function hasBlankLine(raw: Buffer, { valueStart, end }: HeaderField): boolean {
  for (let at = valueStart; at < end; ) {
    const next = lineEnd(raw, at, end)
    if (isWhite(raw, at, next)) return true
    at = next
  }
  return valueStart >= end
}

/** Returns whether these octets are all controls from TAB to CR, spaces or no-break spaces. */
function isWhite(raw: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const octet = raw[at] as number
    if (octet !== SPACE && octet !== NO_BREAK_SPACE && (octet < TAB || octet > CR)) return false
  }
  return true
}

const NO_BREAK_SPACE = 0xa0

/** Checks the form of every line, and that no field occurs twice that may occur once. The error names the line. */
function checkFields({ raw, fields }: Article, arrival: Arrival): void {
  const rules = rulesFor[arrival]
  let seen = 0
  for (const field of fields) {
    for (const { breaks, why } of rules) if (breaks(raw, field)) throw refusal(raw, field, why)
    const { nameLower } = field
    const bit = SINGLE.get(nameLower) ?? 0
    if ((seen & bit) !== 0) throw refusal(raw, field, `more than one ${title(nameLower)} header field`)
    seen |= bit
  }
}

/**
 * Returns an article with only the header fields that a posted one may have. Rewrites malformed fields, and removes lines that
 * are not fields, fields without content, and repeated fields. For mail, where these are allowed. RFC 5537 section 3.9.2.
 */
export function withValidFields({ raw, fields, bodyStart }: Article): Buffer {
  const pieces: Buffer[] = []
  const seen = new Set<string>()
  for (const field of fields) {
    const { name, nameLower, start, end } = field
    if (!FIELD_NAME.test(name) || (SINGLE.has(nameLower) && seen.has(nameLower))) continue
    const isValid = !rulesFor.posted.some(({ breaks }) => breaks(raw, field))
    const value = unfoldValue(raw, field)
    if (value === '') continue
    seen.add(nameLower)
    pieces.push(isValid ? raw.subarray(start, end) : Buffer.from(`${name}: ${value}\r\n`, 'latin1'))
  }
  return Buffer.concat([...pieces, CRLF, raw.subarray(bodyStart)])
}

const CRLF = Buffer.from('\r\n')

/** Most characters of a line that an error shows. */
const SHOWN_CHARS = 60

/** Creates an error that names the line by its number and its text. */
function refusal(raw: Buffer, { start, end }: HeaderField, why: string): ArticleRefused {
  let line = 1
  for (let at = raw.indexOf(LF); at !== -1 && at < start; at = raw.indexOf(LF, at + 1)) line++
  const text = raw.toString('latin1', start, Math.min(end, start + SHOWN_CHARS)).split(/\r?\n/, 1)[0] ?? ''
  return invalidArticle(`${why}: line ${line}: ${text.trimEnd()}`)
}

const title = (name: string): string =>
  name === 'message-id' ? 'Message-ID' : name.replace(/(^|-)./g, (start) => start.toUpperCase())

const DAY_MS = 86_400_000
const DATES = ['date', 'injection-date'] as const

/**
 * Rejects malformed dates and dates more than a day ahead. RFC 5537 sections 3.5 and 3.6. Accepts old articles, because a
 * lab's archives are older than any cut-off and the history detects duplicates.
 * @throws ArticleRefused `invalid`
 */
export function checkDate(article: Article, clock: Clock): void {
  for (const name of DATES) {
    const value = article.value(name)
    if (value === undefined) continue
    const at = parseZonedDate(value)?.ms
    if (at === undefined) throw invalidArticle(`not a date: ${title(name)}: ${value.slice(0, 60)}`)
    if (at > clock.now() + DAY_MS) throw invalidArticle(`${title(name)} lies in the future: ${value.slice(0, 60)}`)
  }
}

const invalidArticle = (reason: string): ArticleRefused => new ArticleRefused('invalid', reason)
