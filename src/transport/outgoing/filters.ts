import type { Captured } from '../../core/config/schema/directory.ts'
import type { ConnectorConfig } from '../../core/config/schema.ts'
import { joinPieces, type Pieces } from '../../core/octets/pieces.ts'
import { codePoints, globMatches, parseGlob } from '../../core/text/glob.ts'
import { headerFields, headerValues } from '../../mail/format/headers.ts'
import { decodeWords } from '../../mail/format/words.ts'
import type { DeliveryEnvelope } from '../../storage/store/delivery-envelope.ts'

/** The filters of a connector, of a forward rule, or of a mailbox of captured mail. */
type Filters = NonNullable<ConnectorConfig['filters']> &
  Partial<Pick<Captured['mailboxes'][number]['filters'], 'client'>>

/** The parts of a message that filters look at. */
export interface Filtered {
  readonly mailFrom: string
  /** The account that has logged on to send it. */
  readonly account?: string | undefined
  /** The SMTP client that sent it. */
  readonly client?: DeliveryEnvelope['client'] | undefined
  /** The message, or at least its header. */
  readonly header: Buffer
}

/** Number of octets that are searched for a header: more than any real header has. */
const HEADER_OCTETS = 256 * 1024

/** Returns the header of a message and perhaps more. */
export function headerOf(message: Pieces): Buffer {
  let octets = 0
  const end = message.findIndex(({ length }) => {
    octets += length
    return octets >= HEADER_OCTETS
  })
  return joinPieces(end === -1 ? message : message.slice(0, end + 1))
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
  const { from, account, client, header } = filters
  if (from && (message.mailFrom === '' || !anyMatches(from, message.mailFrom))) return false
  if (account && (message.account === undefined || !anyMatches(account, message.account))) return false
  const { helo, address } = message.client ?? {}
  if (client && ![helo, address].some((one) => one !== undefined && anyMatches(client, one))) return false
  return !header || headerMatches(header, message.header)
}

/** Returns whether a recipient matches the filter `to`. */
export const matchesRecipient = (filters: Filters | undefined, address: string): boolean =>
  filters?.to === undefined || anyMatches(filters.to, address)

function headerMatches(wanted: NonNullable<Filters['header']>, raw: Buffer): boolean {
  const fields = headerFields(raw)
  return Object.entries(wanted).every(([name, patterns]) =>
    headerValues(raw, fields, name).some((value) => anyMatches([patterns].flat(), decodeWords(value))),
  )
}
