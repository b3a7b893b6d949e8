const LF = 0x0a
const CR = 0x0d

/**
 * Replaces every bare LF of a message by CRLF. A bare LF ends neither a line nor the message (RFC 5321 section 2.3.8), so
 * it is content. A later reader that ends lines at LF could however find the end of the message, or another message,
 * inside it (SMTP smuggling, CVE-2023-51764).
 */
export class LineEnds {
  /** Whether a bare LF was replaced. */
  changed = false
  #before = 0

  /** Returns the next piece with CRLF line ends: the same if it has no bare LF. */
  readonly normalize = (piece: Buffer): Buffer => {
    const before = this.#before
    if (piece.length > 0) this.#before = piece[piece.length - 1] as number
    const bare = countBareLineFeeds(piece, before)
    if (bare === 0) return piece
    this.changed = true
    return withCarriageReturns(piece, before, bare)
  }
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
  // Runs of LFs without a native call for each.
  for (let at = piece.indexOf(LF); at !== -1; at = piece[at + 1] === LF ? at + 1 : piece.indexOf(LF, at + 1)) {
    if ((at === 0 ? octetBefore : piece[at - 1]) !== CR) count++
  }
  return count
}
