import { PieceCollector, type Pieces } from '../../core/octets/pieces.ts'
import { headerFieldAt, isEmptyLine } from '../../mail/format/headers.ts'

/**
 * Fields that stay in the lab: Return-Path belongs to the final delivery (RFC 5321 section 4.4), and Bcc to its own
 * recipients (RFC 5322 section 3.6.3).
 */
const KEPT_BACK = new Set(['return-path', 'bcc', 'resent-bcc'])

/** Returns a stored message as it is sent to other hosts. */
export function releasedForm(raw: Buffer): Pieces {
  const rest = new PieceCollector()
  let from = 0
  for (let at = 0; at < raw.length && !isEmptyLine(raw, at); ) {
    const field = headerFieldAt(raw, at, raw.length)
    at = field.end
    if (!KEPT_BACK.has(field.nameLower)) continue
    rest.add(raw.subarray(from, field.start))
    from = field.end
  }
  rest.add(raw.subarray(from))
  return rest.pieces
}

/** The envelope of a message, and the addresses of its header. */
interface Addressed {
  readonly rcptTo?: readonly string[] | undefined
  readonly to: readonly string[]
  readonly cc: readonly string[]
  readonly bcc: readonly string[]
}

/**
 * Returns who gets a message that is released without naming recipients: the recipients of its envelope, or else of its header.
 * Recipients of the lab have it already, so they are left out unless there are no others.
 */
export function releaseRecipients(
  { rcptTo = [], to, cc, bcc }: Addressed,
  isLocal: (address: string) => boolean,
): readonly string[] {
  const all = rcptTo.length > 0 ? rcptTo : [...new Set([...to, ...cc, ...bcc])]
  const others = all.filter((address) => !isLocal(address))
  return others.length > 0 ? others : all
}
