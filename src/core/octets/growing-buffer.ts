import { largeBuffer } from './large-buffer.ts'

const EMPTY = Buffer.alloc(0)
/** Smallest buffer allocated when a second piece arrives. */
const MIN_CAPACITY_OCTETS = 1024

/**
 * Joins octets that arrive in pieces. The capacity doubles when it is exceeded, so that many small pieces cost linear time.
 * A single piece is not copied.
 */
export class GrowingBuffer {
  #buffer: Buffer
  #length: number
  /** Whether `#buffer` was allocated here, so that its free end can be written to. */
  #isOwn = false

  constructor(octets: Buffer = EMPTY) {
    this.#buffer = octets
    this.#length = octets.length
  }

  /** Returns an empty one with room for octets. */
  static withRoom(octets: number): GrowingBuffer {
    const empty = new GrowingBuffer()
    empty.#buffer = largeBuffer(octets)
    empty.#isOwn = true
    return empty
  }

  get length(): number {
    return this.#length
  }

  /** All octets so far, as a view. Later appends do not change it. */
  get octets(): Buffer {
    return this.#length === this.#buffer.length ? this.#buffer : this.#buffer.subarray(0, this.#length)
  }

  /** Adds a piece at the end. */
  append(piece: Buffer): void {
    const length = this.#length + piece.length
    if (this.#length === 0 && !this.#isOwn) {
      this.#buffer = piece
      this.#isOwn = false
    } else {
      if (!this.#isOwn || length > this.#buffer.length) this.#grow(length)
      piece.copy(this.#buffer, this.#length)
    }
    this.#length = length
  }

  #grow(length: number): void {
    const larger = largeBuffer(Math.max(MIN_CAPACITY_OCTETS, length * 2))
    this.#buffer.copy(larger, 0, 0, this.#length)
    this.#buffer = larger
    this.#isOwn = true
  }
}
