import { splitAddress } from '../../accounts/directory/names.ts'
import { PieceCollector, type Pieces } from '../../core/octets/pieces.ts'
import type { Steps } from '../../core/time/time-slice.ts'
import { parseAddresses } from '../../mail/format/addresses.ts'
import { headerFieldAt, isEmptyLine, unfoldValue } from '../../mail/format/headers.ts'

const NOTHING = Buffer.alloc(0)
const END_OF_HEADER = Buffer.from('\r\n\r\n', 'latin1')
const BCC = /^(?:resent-)?bcc[ \t]*:/im

/** Octets of a header that are searched in one step. Longer headers are read in steps, by `withoutBcc`. */
const MAX_SHORT_OCTETS = 64 * 1024

/** Returns whether the header may have a Bcc field, without parsing it. Called for every message. */
export function mayHaveBcc([first = NOTHING, ...others]: Pieces): boolean {
  const start = first.subarray(0, MAX_SHORT_OCTETS)
  const end = start.indexOf(END_OF_HEADER)
  // The whole header is nearly always in the first piece.
  if (end === -1 && (others.length > 0 || start.length < first.length)) return true
  return BCC.test(start.toString('latin1', 0, end === -1 ? start.length : end))
}

/** A message without its Bcc fields. */
export interface StrippedMessage {
  readonly message: Pieces
  /** Returns whether the Bcc fields name an address. */
  names(address: string): boolean
}

const FIELDS_PER_STEP = 64

/** Removes the Bcc fields of a message, in steps: they may be as many as fit into it. */
export function* withoutBcc(raw: Buffer): Steps<StrippedMessage> {
  const kept = new PieceCollector()
  const named = new Set<string>()
  let from = 0
  let fields = 0
  for (let at = 0; at < raw.length && !isEmptyLine(raw, at); ) {
    if (++fields % FIELDS_PER_STEP === 0) yield
    const field = headerFieldAt(raw, at, raw.length)
    at = field.end
    if (field.nameLower !== 'bcc' && field.nameLower !== 'resent-bcc') continue
    kept.add(raw.subarray(from, field.start))
    from = field.end
    for (const { mailbox, host } of parseAddresses(unfoldValue(raw, field))) {
      // The name and the end of a group have no host. Addresses may be UTF-8. RFC 6532 section 3.2
      if (host !== undefined) named.add(Buffer.from(`${mailbox}@${host}`, 'latin1').toString().toLowerCase())
    }
  }
  kept.add(raw.subarray(from))
  return { message: kept.pieces, names: (address) => named.has(withoutQuotes(address).toLowerCase()) }
}

/** Returns an address without the quotes of its local part, as `parseAddresses` does. */
function withoutQuotes(address: string): string {
  const { localPart, domain } = splitAddress(address)
  return `${localPart}@${domain}`
}
