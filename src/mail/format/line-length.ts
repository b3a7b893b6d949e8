import { LF } from './octets.ts'

/** Octets of a line without its end. RFC 5322 section 2.1.1. */
export const MAX_LINE_OCTETS = 998

/** Finds a line of a message that is too long, in the pieces as they come. */
export class LineLength {
  /** Octets of the line that has not ended. */
  #open = 0

  /** Returns whether a line is too long, up to the end of this piece. */
  isTooLong(piece: Buffer): boolean {
    let at = 0
    for (;;) {
      // Of all lines that end within the length of one, only the last end counts. The CR is one more octet.
      const last = at + MAX_LINE_OCTETS + 1 - this.#open
      const end = piece.lastIndexOf(LF, last)
      if (end < at) {
        this.#open += piece.length - at
        return last < piece.length
      }
      at = end + 1
      this.#open = 0
    }
  }
}
