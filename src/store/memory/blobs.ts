import { totalmem } from 'node:os'
import { countOctets, joinPieces, type Pieces } from '../../common/pieces.ts'
import { type NewMessage, StoreError } from '../types.ts'

interface Blob {
  /** As the message came, until it is first read. */
  pieces: Pieces
  holders: number
}

/** Small pieces are packed into slabs of this size; larger ones stand alone. */
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
  add(pieces: Pieces, holders: number): string {
    const id = `${this.#tag}${(this.#made++).toString(36)}`
    this.#blobs.set(id, { pieces: this.#compact(pieces), holders })
    return id
  }

  get(id: string): Buffer | undefined {
    const blob = this.#blobs.get(id)
    if (blob && blob.pieces.length > 1) blob.pieces = [joinPieces(blob.pieces)]
    return blob?.pieces[0]
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
    return countOctets(blob.pieces)
  }

  clear(): void {
    this.#blobs.clear()
    this.#slab = Buffer.alloc(0)
    this.#filled = 0
  }

  /** Large pieces stay what they are; of a small message, or many small pieces, one is made. */
  #compact(pieces: Pieces): Pieces {
    const octets = countOctets(pieces)
    if (octets <= PACKED_OCTETS) return [copied(pieces, this.#room(octets))]
    if (pieces.length > 2 + octets / PACKED_OCTETS) return [copied(pieces, Buffer.allocUnsafeSlow(octets))]
    return pieces.map((piece) => this.#own(piece))
  }

  /** A view of a buffer that holds other things too would keep the whole of that alive. */
  #own(piece: Buffer): Buffer {
    if (piece.length <= PACKED_OCTETS) return copied([piece], this.#room(piece.length))
    return piece.length > piece.buffer.byteLength / 2 ? piece : copied([piece], Buffer.allocUnsafeSlow(piece.length))
  }

  /** At most `PACKED_OCTETS`. */
  #room(octets: number): Buffer {
    if (this.#filled + octets > this.#slab.length) {
      this.#slab = Buffer.allocUnsafeSlow(SLAB_OCTETS)
      this.#filled = 0
    }
    this.#filled += octets
    return this.#slab.subarray(this.#filled - octets, this.#filled)
  }
}

function copied(pieces: Pieces, room: Buffer): Buffer {
  let filled = 0
  for (const piece of pieces) filled += piece.copy(room, filled)
  return room
}

const GIBIBYTE = 1024 ** 3

/** A share of the memory that this process may use (a container's limit, where there is one), at most 1 GiB. */
export function defaultMaxOctets(): number {
  const limit = process.constrainedMemory()
  const usable = limit > 0 && limit < totalmem() ? limit : totalmem()
  return Math.min(GIBIBYTE, Math.floor(usable / 2))
}

/**
 * A message in pieces: at once where it is there already, read to its end where it is not.
 * @throws StoreError `no-space` as soon as it is larger than `maxOctets`
 */
export function inPieces(raw: NewMessage['raw'], maxOctets: number): Pieces | Promise<Pieces> {
  if (Buffer.isBuffer(raw)) return [raw]
  return Symbol.asyncIterator in raw ? gather(raw, maxOctets) : raw
}

async function gather(coming: AsyncIterable<Buffer>, maxOctets: number): Promise<Pieces> {
  const gathered: Buffer[] = []
  let octets = 0
  for await (const piece of coming) {
    octets += piece.length
    if (octets > maxOctets) throw noSpace(maxOctets)
    gathered.push(piece)
  }
  return gathered
}

export const noSpace = (maxOctets: number): StoreError =>
  new StoreError('no-space', `the store is full: ${maxOctets} octets are free`)
