import type { Clock } from '../common/clock.ts'
import { parseDate } from '../mail/dates.ts'
import { isEmptyLine, MAX_FIELDS, unfolded } from '../mail/headers.ts'
import { CR, LF, lineEnd, SPACE, TAB } from '../mail/octets.ts'
import type { HeaderField } from '../mail/types.ts'
import { type Article, ArticleRefused, isMessageId } from './article.ts'

/** How an article arrives: from its poster, or from a peer. */
export type Arrival = 'posted' | 'relayed'

/**
 * Checks the format of an article: valid header fields, none repeated, mandatory ones present and not empty, an empty line
 * before the body. RFC 5536 section 3.
 * @throws ArticleRefused `invalid`
 */
export function checkHeader(article: Article, arrival: Arrival, mandatory: readonly string[]): void {
  const { raw, fields, bodyStart } = article
  if (fields.length === 0) throw invalid('no header')
  if (fields.length > MAX_FIELDS) throw invalid('too many header fields')
  if (raw.subarray(0, bodyStart).includes(0)) throw invalid('NUL in the header')
  checkLineEnds(article)
  checkFields(article, arrival)
  for (const name of mandatory) {
    const value = article.value(name)
    if (value === undefined) throw invalid(`missing ${title(name)} header field`)
    if (value === '') throw invalid(`empty ${title(name)} header field`)
  }
  const last = fields.at(-1)
  if (last && last.end === raw.length) throw invalid('no empty line between header and body')
  const messageId = article.value('message-id')
  if (messageId !== undefined && !isMessageId(messageId)) throw invalid(`not a Message-ID: ${messageId.slice(0, 60)}`)
}

/** Rejects a CR without LF, which some readers take for a line end: it would forge a field. RFC 5536 section 2, RFC 5322 section 2.2. */
function checkLineEnds({ raw, bodyStart }: Article): void {
  for (let at = 0; at < bodyStart; at++) {
    if (raw[at] === CR && raw[at + 1] !== LF) throw invalid('bare CR in the header')
  }
}

const FIELD_NAME = /^[!-9;-~]+$/

/** Fields that may occur only once. RFC 5536 sections 3.1 and 3.2. */
const SINGLE = new Set(
  `from newsgroups subject message-id date path approved control supersedes followup-to references injection-date
  injection-info distribution expires organization reply-to sender xref summary keywords lines archive user-agent
  cancel-lock cancel-key`.split(/\s+/),
)

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
    if (raw.toString('latin1', at, next).trim() === '') return true
    at = next
  }
  return valueStart >= end
}

/** Checks the form of every line, and that no field occurs twice that may occur once. The error names the line. */
function checkFields({ raw, fields }: Article, arrival: Arrival): void {
  const rules = rulesFor[arrival]
  const seen = new Set<string>()
  for (const field of fields) {
    const broken = rules.find(({ breaks }) => breaks(raw, field))
    if (broken) throw refusal(raw, field, broken.why)
    const { nameLower } = field
    if (!SINGLE.has(nameLower)) continue
    if (seen.has(nameLower)) throw refusal(raw, field, `more than one ${title(nameLower)} header field`)
    seen.add(nameLower)
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
    const value = unfolded(raw, field)
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
  return invalid(`${why}: line ${line}: ${text.trimEnd()}`)
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
