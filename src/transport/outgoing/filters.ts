import type { ConnectorConfig } from '../../core/config/schema.ts'
import { codePoints, globMatches, parseGlob } from '../../core/text/glob.ts'
import { headerFields, headerValues } from '../../mail/format/headers.ts'
import { decodeWords } from '../../mail/format/words.ts'

/** The filters of a connector or of a forward rule. */
type Filters = NonNullable<ConnectorConfig['filters']>

/** The parts of a message that filters look at. */
export interface Filtered {
  readonly mailFrom: string
  /** The account that has logged on to send it. */
  readonly account?: string | undefined
  /** The message, or at least its header. */
  readonly header: Buffer
}

/** Returns whether a text matches a pattern, in any case. `*` stands for any text. */
const textMatches = (pattern: string, text: string): boolean =>
  globMatches(parseGlob(pattern.toLowerCase(), 'stars') ?? [], codePoints(text.toLowerCase()))

/** Returns whether a text matches one of several patterns. */
export const anyMatches = (patterns: readonly string[], text: string): boolean =>
  patterns.some((pattern) => textMatches(pattern, text))

/** Returns whether a message matches all filters but `to`, which is about each recipient. */
export function matchesFilters(filters: Filters | undefined, message: Filtered): boolean {
  if (!filters) return true
  const { from, account, header } = filters
  if (from && (message.mailFrom === '' || !anyMatches(from, message.mailFrom))) return false
  const user = message.account?.toLowerCase()
  if (account && !account.some((name) => name.toLowerCase() === user)) return false
  return !header || headerMatches(header, message.header)
}

/** Returns whether a recipient matches the filter `to`. */
export const matchesRecipient = (filters: Filters | undefined, address: string): boolean =>
  filters?.to === undefined || anyMatches(filters.to, address)

function headerMatches(wanted: Readonly<Record<string, string>>, raw: Buffer): boolean {
  const fields = headerFields(raw)
  return Object.entries(wanted).every(([name, pattern]) =>
    headerValues(raw, fields, name).some((value) => textMatches(pattern, decodeWords(value))),
  )
}
