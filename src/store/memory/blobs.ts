interface Blob {
  readonly octets: Buffer
  holders: number
}

/** Small messages are packed into pieces of this size; larger ones stand alone. */
const SLAB_OCTETS = 64 * 1024
const PACKED_OCTETS = 8 * 1024

/** The octets of messages, each kept once however many entries hold it, and gone with the last of them. */
export class Blobs {
  readonly #blobs = new Map<string, Blob>()
  readonly #tag: string
  #slab = Buffer.alloc(0)
  #filled = 0
  #made = 0

  /** `tag` makes the names unlike those of any other store. */
  constructor(tag: string) {
    this.#tag = tag
  }

  /** Keeps the octets for `holders` entries. Returns the blob's name. */
  add(octets: Buffer, holders: number): string {
    const id = `${this.#tag}${(this.#made++).toString(36)}`
    this.#blobs.set(id, { octets: this.#compact(octets), holders })
    return id
  }

  get(id: string): Buffer | undefined {
    return this.#blobs.get(id)?.octets
  }

  hold(id: string): void {
    const blob = this.#blobs.get(id)
    if (blob) blob.holders++
  }

  /** Returns the octets that were freed: 0 while others hold them. */
  release(id: string): number {
    const blob = this.#blobs.get(id)
    if (!blob || --blob.holders > 0) return 0
    this.#blobs.delete(id)
    return blob.octets.length
  }

  clear(): void {
    this.#blobs.clear()
    this.#slab = Buffer.alloc(0)
    this.#filled = 0
  }

  /** A view of a socket's buffer would keep the whole of that alive. */
  #compact(octets: Buffer): Buffer {
    if (octets.length > PACKED_OCTETS) {
      if (octets.length === octets.buffer.byteLength) return octets
      const own = Buffer.allocUnsafeSlow(octets.length)
      octets.copy(own)
      return own
    }
    if (this.#filled + octets.length > this.#slab.length) {
      this.#slab = Buffer.allocUnsafeSlow(SLAB_OCTETS)
      this.#filled = 0
    }
    const packed = this.#slab.subarray(this.#filled, this.#filled + octets.length)
    octets.copy(packed)
    this.#filled += octets.length
    return packed
  }
}
