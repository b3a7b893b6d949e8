import { joinPieces, PieceCollector, type Pieces } from '../common/pieces.ts'
import { parseAddresses } from '../mail/addresses.ts'
import { headerBlockEnd, headerFieldAt, isEmptyLine, unfolded } from '../mail/headers.ts'

const LINE_END = Buffer.from('\r\n', 'latin1')
const END_OF_HEADER = Buffer.from('\r\n\r\n', 'latin1')
const BCC = /^(?:resent-)?bcc[ \t]*:/im

/** Returns whether the header has a Bcc field, without parsing it. Called for every message. */
export const hasBcc = (message: Pieces): boolean => BCC.test(headerText(message))

function headerText(message: Pieces): string {
  const [first] = message
  const end = first ? endOfHeader(first) : 0
  // The whole header is nearly always in the first piece.
  if (first && end !== -1) return first.toString('latin1', 0, end)
  const all = joinPieces(message)
  const endOfAll = endOfHeader(all)
  return all.toString('latin1', 0, endOfAll === -1 ? all.length : endOfAll)
}

/** Returns the length of the header, which may be empty, or -1 if its end is not in this piece. */
const endOfHeader = (raw: Buffer): number => (raw.indexOf(LINE_END) === 0 ? 0 : raw.indexOf(END_OF_HEADER))

/** Returns a message without its Bcc fields, and the addresses that they named, in lower case. */
export function withoutBcc(raw: Buffer): { readonly rest: Pieces; readonly named: ReadonlySet<string> } {
  const rest = new PieceCollector()
  const named = new Set<string>()
  const end = headerBlockEnd(raw, 0)
  let from = 0
  for (let at = 0; at < end && !isEmptyLine(raw, at); ) {
    const field = headerFieldAt(raw, at, end)
    at = field.end
    if (field.nameLower !== 'bcc' && field.nameLower !== 'resent-bcc') continue
    if (field.start > from) rest.add(raw.subarray(from, field.start))
    from = field.end
    for (const { mailbox, host } of parseAddresses(unfolded(raw, field))) {
      if (mailbox !== undefined && host !== undefined) named.add(`${mailbox}@${host}`.toLowerCase())
    }
  }
  rest.add(raw.subarray(from))
  return { rest: rest.pieces, named }
}
