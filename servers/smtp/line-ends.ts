import type { Pieces } from '../../src/common/pieces.ts'

const LF = 0x0a
const CR = 0x0d
const NEAR_OCTETS = 4

/**
 * A message with every bare LF made a CRLF; the same pieces where there is none. A bare LF ends neither a command's data
 * nor a line of it (RFC 5321 section 2.3.8), so it is content; but handed on as it came, readers that do end lines at it
 * could be made to see a message's end, or another message, inside (SMTP smuggling, CVE-2023-51764 and its siblings).
 */
export function normalizeLineEnds(message: Pieces): Pieces {
  let before = 0
  let isAsItCame = true
  const normalized = message.map((piece) => {
    const bare = countBareLineFeeds(piece, before)
    const made = bare === 0 ? piece : withCarriageReturns(piece, before, bare)
    if (bare > 0) isAsItCame = false
    before = piece.at(-1) ?? before
    return made
  })
  return isAsItCame ? message : normalized
}

function withCarriageReturns(piece: Buffer, octetBefore: number, bare: number): Buffer {
  const out = Buffer.allocUnsafe(piece.length + bare)
  let written = 0
  let before = octetBefore
  for (let at = 0; at < piece.length; at++) {
    const octet = piece[at] as number
    if (octet === LF && before !== CR) out[written++] = CR
    out[written++] = octet
    before = octet
  }
  return out
}

function countBareLineFeeds(piece: Buffer, octetBefore: number): number {
  let count = 0
  for (let at = nextLineFeed(piece, 0); at !== -1; at = nextLineFeed(piece, at + 1)) {
    if ((at === 0 ? octetBefore : piece[at - 1]) !== CR) count++
  }
  return count
}

/** Lines may be so short that a call for each would cost more than a look at their octets. */
function nextLineFeed(piece: Buffer, from: number): number {
  const near = Math.min(from + NEAR_OCTETS, piece.length)
  for (let at = from; at < near; at++) if (piece[at] === LF) return at
  return piece.indexOf(LF, near)
}
