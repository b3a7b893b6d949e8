import { joinPieces, PieceCollector, type Pieces } from '../common/pieces.ts'
import { splitAddress } from '../directory/names.ts'
import { parseAddresses } from '../mail/addresses.ts'
import { headerBlockEnd, headerFieldAt, isEmptyLine, unfolded } from '../mail/headers.ts'

const NOTHING = Buffer.alloc(0)
const END_OF_HEADER = Buffer.from('\r\n\r\n', 'latin1')
const BCC = /^(?:resent-)?bcc[ \t]*:/im

/**
 * Returns whether the header may have a Bcc field, without parsing it. Called for every message. If CRLF CRLF does not
 * end the header, the search continues in the body, and `withoutBcc` may then find no field.
 */
export function mayHaveBcc(message: Pieces): boolean {
  const [first = NOTHING] = message
  const end = first.indexOf(END_OF_HEADER)
  // The whole header is nearly always in the first piece.
  if (end === -1 && message.length > 1) return mayHaveBcc([joinPieces(message)])
  return BCC.test(first.toString('latin1', 0, end === -1 ? first.length : end))
}

/** Returns a message without its Bcc fields, and a function that tells whether they name an address. */
export function withoutBcc(raw: Buffer): { readonly rest: Pieces; names(address: string): boolean } {
  const rest = new PieceCollector()
  const named = new Set<string>()
  const end = headerBlockEnd(raw, 0)
  let from = 0
  for (let at = 0; at < end && !isEmptyLine(raw, at); ) {
    const field = headerFieldAt(raw, at, end)
    at = field.end
    if (field.nameLower !== 'bcc' && field.nameLower !== 'resent-bcc') continue
    rest.add(raw.subarray(from, field.start))
    from = field.end
    for (const { mailbox, host } of parseAddresses(unfolded(raw, field))) {
      // The name and the end of a group have no host. Addresses may be UTF-8. RFC 6532 section 3.2
      if (host !== undefined) named.add(Buffer.from(`${mailbox}@${host}`, 'latin1').toString().toLowerCase())
    }
  }
  rest.add(raw.subarray(from))
  return { rest: rest.pieces, names: (address) => named.has(withoutQuotes(address).toLowerCase()) }
}

/** Returns an address without the quotes of its local part, as `parseAddresses` does. */
function withoutQuotes(address: string): string {
  const { localPart, domain } = splitAddress(address)
  return `${localPart}@${domain}`
}
