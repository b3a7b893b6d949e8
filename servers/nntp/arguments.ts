import { SPACE, TAB } from '../../src/mail/format/octets.ts'
import { hasMessageIdForm } from '../../src/transport/news/article.ts'
import { parseWildmat, type Wildmat } from '../../src/transport/news/wildmat.ts'
import { NntpError, syntaxError } from './reply.ts'

/** The longest command line. RFC 3977 section 3.1. */
export const MAX_COMMAND_OCTETS = 512
/** The highest article number: 31 bits. Clients may ask for a higher one, which never exists. RFC 3977 section 6. */
export const MAX_ARTICLE_NUMBER = 2_147_483_647

/** Article numbers from `from` to `to`, both included. The range is empty if `from` is greater. */
export interface ArticleRange {
  readonly from: number
  readonly to: number
}

/** How a command names an article: by its number in the selected group, by its message-id, or as the current one. */
export type ArticleSpecifier =
  | { readonly by: 'number'; readonly number: number }
  | { readonly by: 'messageId'; readonly messageId: string }
  | { readonly by: 'current' }

export type RangeSpecifier =
  | { readonly by: 'range'; readonly range: ArticleRange }
  | Exclude<ArticleSpecifier, { by: 'number' }>

/** Splits a command line into words separated by spaces or tabs. RFC 3977 section 3.1. */
export function splitWords(line: string): string[] {
  const found: string[] = []
  let start = 0
  for (let at = 0; at <= line.length; at++) {
    if (at < line.length && !isBlank(line.charCodeAt(at))) continue
    if (at > start) found.push(line.slice(start, at))
    start = at + 1
  }
  return found
}

const isBlank = (code: number): boolean => code === SPACE || code === TAB

/** Checks the number of arguments. @throws NntpError 501 */
export function expectArguments(args: readonly string[], least: number, most = least): void {
  if (args.length < least) throw syntaxError('Too few arguments')
  if (args.length > most) throw syntaxError('Too many arguments')
}

function articleNumber(text: string): number {
  if (!/^\d{1,16}$/.test(text)) throw syntaxError(`Invalid article number: ${text}`)
  return Number(text)
}

/** Parses `n`, `n-` or `n-m`. RFC 3977 section 6.1.2. @throws NntpError 501 */
export function parseRange(text: string): ArticleRange {
  const [first = '', last, ...more] = text.split('-')
  if (more.length > 0) throw syntaxError(`Invalid range: ${text}`)
  const from = articleNumber(first)
  if (last === undefined) return { from, to: from }
  return { from, to: last === '' ? MAX_ARTICLE_NUMBER : articleNumber(last) }
}

/** Parses a message-id. @throws NntpError 501 */
export function parseMessageId(text: string): string {
  if (!hasMessageIdForm(text)) throw syntaxError(`Invalid message-id: ${text}`)
  return text
}

/** Parses `[message-id|number]` of ARTICLE, HEAD, BODY and STAT. RFC 3977 section 6.2. @throws NntpError 501 */
export function parseArticleSpecifier(text: string | undefined): ArticleSpecifier {
  if (text === undefined) return { by: 'current' }
  if (text.startsWith('<')) return { by: 'messageId', messageId: parseMessageId(text) }
  return { by: 'number', number: articleNumber(text) }
}

/** Parses `[message-id|range]` of OVER and HDR. RFC 3977 section 8.3. @throws NntpError 501 */
export function parseRangeSpecifier(text: string | undefined): RangeSpecifier {
  if (text === undefined) return { by: 'current' }
  if (text.startsWith('<')) return { by: 'messageId', messageId: parseMessageId(text) }
  return { by: 'range', range: parseRange(text) }
}

/** Parses a wildmat. RFC 3977 section 4. @throws NntpError 501 */
export function wildmat(text: string): Wildmat {
  const parsed = parseWildmat(text)
  if (!parsed) throw syntaxError(`Invalid wildmat: ${text}`)
  return parsed
}

/** The metadata items of an article. RFC 3977 section 8.1. */
const METADATA_ITEMS: ReadonlySet<string> = new Set([':bytes', ':lines'])

/** Parses the name of a header field or a metadata item, into lower case. RFC 3977 section 8.5. @throws NntpError 501, 503 */
export function fieldName(text: string): string {
  const name = text.toLowerCase()
  if (name.startsWith(':')) {
    if (!METADATA_ITEMS.has(name)) throw new NntpError(503, `Unknown metadata item: ${text}`)
    return name
  }
  if (!/^[!-9;-~]+$/.test(name)) throw syntaxError(`Invalid header field name: ${text}`)
  return name
}

const DATE = /^(\d{2}|\d{4})(\d{2})(\d{2})$/
const TIME = /^(\d{2})(\d{2})(\d{2})$/

/**
 * Parses `[yy]yymmdd hhmmss [GMT]` of NEWGROUPS and NEWNEWS into milliseconds since the epoch. Without GMT the time is in
 * the server's time zone. RFC 3977 section 7.3.2.
 * @throws NntpError 501
 */
export function parseSince(date: string, time: string, zone: string | undefined, nowMs: number): number {
  const day = DATE.exec(date)
  const clock = TIME.exec(time)
  if (!day || !clock) throw syntaxError('Invalid date or time: expected yyyymmdd hhmmss')
  if (zone !== undefined && zone.toUpperCase() !== 'GMT') throw syntaxError(`Invalid time zone: ${zone}`)
  const year = fullYear(day[1] as string, nowMs)
  const parts = [Number(day[2]) - 1, Number(day[3]), Number(clock[1]), Number(clock[2]), Number(clock[3])] as const
  const [month, dayOfMonth, hour, minute, second] = parts
  // RFC 3977 section 7.3.2: second 60 is a leap second.
  if (month > 11 || dayOfMonth < 1 || dayOfMonth > 31 || hour > 23 || minute > 59 || second > 60) {
    throw syntaxError('Date or time out of range')
  }
  return zone === undefined
    ? new Date(year, month, dayOfMonth, hour, minute, second).getTime()
    : Date.UTC(year, month, dayOfMonth, hour, minute, second)
}

/** Returns a full year. Two digits mean this century, or the last one if the year would be in the future. RFC 3977 section 7.3.2. */
function fullYear(digits: string, nowMs: number): number {
  if (digits.length === 4) return Number(digits)
  const thisYear = new Date(nowMs).getUTCFullYear()
  const century = thisYear - (thisYear % 100)
  const year = century + Number(digits)
  return year > thisYear ? year - 100 : year
}
