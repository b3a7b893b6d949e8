const LF = 0x0a
const CR = 0x0d
const DOT = 0x2e
const STUFFED_DOT = Buffer.from('.')
const END_OF_LINES = Buffer.from('.\r\n')
const END_OF_LINE_AND_LINES = Buffer.from('\r\n.\r\n')

/**
 * Makes a block of lines out of octets that come in pieces: a dot in front of each line beginning with one, the last line
 * ended, the ending dot. RFC 3977 section 3.1.1; RFC 1939 section 3.
 */
export class Stuffer {
  #atLineStart = true
  #afterCr = false

  /** The piece with the dots that it needs; views of it. */
  add(piece: Buffer): Buffer[] {
    const out: Buffer[] = []
    let from = 0
    const first = this.#afterCr && piece[0] === LF ? 1 : this.#atLineStart ? 0 : -1
    if (first !== -1 && piece[first] === DOT) {
      out.push(piece.subarray(0, first), STUFFED_DOT)
      from = first
    }
    for (let at = piece.indexOf('\r\n.', 0, 'latin1'); at !== -1; at = piece.indexOf('\r\n.', at + 2, 'latin1')) {
      out.push(piece.subarray(from, at + 2), STUFFED_DOT)
      from = at + 2
    }
    out.push(piece.subarray(from))
    this.#remember(piece)
    return out
  }

  /** What ends the block. */
  end(): Buffer {
    return this.#atLineStart ? END_OF_LINES : END_OF_LINE_AND_LINES
  }

  #remember(piece: Buffer): void {
    const last = piece[piece.length - 1]
    if (last === undefined) return
    this.#atLineStart = last === LF && (piece.length > 1 ? piece[piece.length - 2] === CR : this.#afterCr)
    this.#afterCr = last === CR
  }
}

/** The same for octets that are all there. */
export function stuff(block: Buffer): Buffer[] {
  const stuffer = new Stuffer()
  const out = stuffer.add(block)
  out.push(stuffer.end())
  return out
}
