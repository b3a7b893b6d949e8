/** Octets in pieces, as they came: a large message is never copied into one buffer for the sake of it. */
export type Pieces = readonly Buffer[]

/** How many octets they are together. */
export function octetsOf(pieces: Pieces): number {
  let octets = 0
  for (const { length } of pieces) octets += length
  return octets
}

/** In one buffer: the piece itself where there is one only. */
export const joined = (pieces: Pieces): Buffer => (pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces))

/** So many small pieces are made one: each takes hundreds of octets of memory, however few it has itself. */
const MANY_PIECES = 1024
const SMALL_OCTETS = 1024

/** Pieces as they come, in memory that their octets bound: a client may send one octet at a time. */
export class GrowingPieces {
  #pieces: Buffer[] = []
  /** Of so many it has been decided whether they are made one. */
  #settled = 0

  get pieces(): Pieces {
    return this.#pieces
  }

  add(piece: Buffer): void {
    this.#pieces.push(piece)
    if (this.#pieces.length - this.#settled >= MANY_PIECES) this.#settle()
  }

  /** Takes octets off the end, once all have come. */
  trim(octets: number): void {
    for (let left = octets; left > 0; ) {
      const last = this.#pieces.pop()
      if (last === undefined) break
      if (last.length > left) this.#pieces.push(last.subarray(0, last.length - left))
      left -= Math.min(left, last.length)
    }
  }

  clear(): void {
    this.#pieces = []
    this.#settled = 0
  }

  #settle(): void {
    const latest = this.#pieces.slice(this.#settled)
    if (octetsOf(latest) <= latest.length * SMALL_OCTETS) {
      this.#pieces.length = this.#settled
      this.#pieces.push(Buffer.concat(latest))
    }
    this.#settled = this.#pieces.length
  }
}
