/** Octets in pieces, as received, so that a large message need not be copied into one buffer. */
export type Pieces = readonly Buffer[]

/** Returns the number of octets in all pieces together. */
export function countOctets(pieces: Pieces): number {
  let octets = 0
  for (const { length } of pieces) octets += length
  return octets
}

/** Returns all pieces in one buffer: a single piece as it is, several as a copy. */
export const joinPieces = (pieces: Pieces): Buffer =>
  pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces)

/** Yields the octets from a position on. */
export function* piecesFrom(pieces: Pieces, position: number): Generator<Buffer, void, void> {
  let skip = position
  for (const piece of pieces) {
    if (piece.length > skip) yield piece.subarray(skip)
    skip -= Math.min(skip, piece.length)
  }
}

/** Yields octets as views of at most `size` octets. */
export function* viewsOf(octets: Buffer, size: number): Generator<Buffer, void, void> {
  for (let at = 0; at < octets.length; at += size) yield octets.subarray(at, at + size)
}

/** Pieces that are examined together. Every Buffer takes hundreds of octets of memory, even if it holds only one. */
const BATCH_PIECES = 128
/** A batch whose pieces are smaller than this on average is merged into one piece. */
const SMALL_OCTETS = 1024

/** Collects pieces as they arrive, and merges small ones: a client that sends one octet at a time cannot fill the memory. */
export class PieceCollector {
  #pieces: Buffer[] = []
  /** Pieces at the beginning of the list that have been examined. */
  #examined = 0

  get pieces(): Pieces {
    return this.#pieces
  }

  add(piece: Buffer): void {
    this.#pieces.push(piece)
    if (this.#pieces.length - this.#examined >= BATCH_PIECES) this.#mergeSmall()
  }

  clear(): void {
    this.#pieces = []
    this.#examined = 0
  }

  #mergeSmall(): void {
    const latest = this.#pieces.slice(this.#examined)
    if (countOctets(latest) <= latest.length * SMALL_OCTETS) {
      this.#pieces.length = this.#examined
      this.#pieces.push(Buffer.concat(latest))
    }
    this.#examined = this.#pieces.length
  }
}
