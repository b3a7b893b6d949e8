import { joinPieces, PieceCollector, type Pieces } from '../../src/common/pieces.ts'
import { parseAddresses } from '../../src/mail/addresses.ts'
import { headerBlockEnd, headerFieldAt, isEmptyLine, unfolded } from '../../src/mail/headers.ts'

const LINE_END = Buffer.from('\r\n', 'latin1')
const END_OF_HEADER = Buffer.from('\r\n\r\n', 'latin1')
const MESSAGE_ID = /^message-id[ \t]*:[ \t]*(?:\r\n[ \t]+)?(<[^<>\s]+>)/im
const BLIND = /^(?:resent-)?bcc[ \t]*:/im

/** What delivery wants to know of a header, found without parsing all of it. */
export interface HeaderScan {
  readonly messageId: string | undefined
  readonly hasBcc: boolean
}

/** Looks at the header of a message. */
export function scanHeader(message: Pieces): HeaderScan {
  const header = headerText(message)
  return { messageId: MESSAGE_ID.exec(header)?.[1], hasBcc: BLIND.test(header) }
}

/** It is in the first piece nearly always. */
function headerText(message: Pieces): string {
  const [first] = message
  const end = first ? endOfHeader(first) : 0
  if (first && end !== -1) return first.toString('latin1', 0, end)
  const all = joinPieces(message)
  const endOfAll = endOfHeader(all)
  return all.toString('latin1', 0, endOfAll === -1 ? all.length : endOfAll)
}

/** A message may have no header at all. */
const endOfHeader = (raw: Buffer): number => (raw.indexOf(LINE_END) === 0 ? 0 : raw.indexOf(END_OF_HEADER))

/** A message without its Bcc fields, and the addresses they named, in lower case. */
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
