import { hasMessageIdForm } from '../../src/news/article.ts'
import { parseWildmat, type Wildmat } from '../../src/news/wildmat.ts'
import { syntaxError } from './reply.ts'

/** RFC 3977 section 3.1. */
export const MAX_COMMAND_OCTETS = 512
/** RFC 4643 section 2.4: SASL messages are longer than that. */
export const MAX_SASL_OCTETS = 12_288
/** RFC 3977 section 6: article numbers have 31 bits; what is asked for may be greater. */
export const MAX_ARTICLE_NUMBER = 2_147_483_647

/** Article numbers, both ends included; from > to is an empty range. */
export interface NumberRange {
  readonly from: number
  readonly to: number
}

/** What an article is asked for by: its number in the selected group, its message-id, or being the current one. */
export type ArticleSpecifier =
  | { readonly by: 'number'; readonly number: number }
  | { readonly by: 'messageId'; readonly messageId: string }
  | { readonly by: 'current' }

export type RangeSpecifier =
  | { readonly by: 'range'; readonly range: NumberRange }
  | Exclude<ArticleSpecifier, { by: 'number' }>

/** The words of a command line: separated by spaces or tabs. RFC 3977 section 3.1. */
export function words(line: string): string[] {
  const found = line.split(' ')
  // As nearly every client sends it; the slower way takes what is separated by more.
  return found.includes('') || line.includes('\t') ? line.split(/[ \t]+/).filter((word) => word !== '') : found
}

/** @throws NntpError 501 unless there are so many */
export function expectArguments(args: readonly string[], least: number, most = least): void {
  if (args.length < least) throw syntaxError('too few arguments')
  if (args.length > most) throw syntaxError('too many arguments')
}

function articleNumber(text: string): number {
  if (!/^\d{1,16}$/.test(text)) throw syntaxError(`not an article number: ${text}`)
  return Number(text)
}

/** `n`, `n-` or `n-m`. RFC 3977 section 6.1.2. @throws NntpError 501 */
export function parseRange(text: string): NumberRange {
  const [first = '', last, ...more] = text.split('-')
  if (more.length > 0) throw syntaxError(`not a range: ${text}`)
  const from = articleNumber(first)
  if (last === undefined) return { from, to: from }
  return { from, to: last === '' ? MAX_ARTICLE_NUMBER : articleNumber(last) }
}

/** @throws NntpError 501 */
export function parseMessageId(text: string): string {
  if (!hasMessageIdForm(text)) throw syntaxError(`not a message-id: ${text}`)
  return text
}

/** `[message-id|number]` of ARTICLE and its kin. RFC 3977 section 6.2. @throws NntpError 501 */
export function parseArticleSpecifier(text: string | undefined): ArticleSpecifier {
  if (text === undefined) return { by: 'current' }
  if (text.startsWith('<')) return { by: 'messageId', messageId: parseMessageId(text) }
  return { by: 'number', number: articleNumber(text) }
}

/** `[message-id|range]` of OVER and HDR. RFC 3977 section 8.3. @throws NntpError 501 */
export function parseRangeSpecifier(text: string | undefined): RangeSpecifier {
  if (text === undefined) return { by: 'current' }
  if (text.startsWith('<')) return { by: 'messageId', messageId: parseMessageId(text) }
  return { by: 'range', range: parseRange(text) }
}

/** @throws NntpError 501 */
export function wildmat(text: string): Wildmat {
  const parsed = parseWildmat(text)
  if (!parsed) throw syntaxError(`not a wildmat: ${text}`)
  return parsed
}
