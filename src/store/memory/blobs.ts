import { countOctets, joinPieces, type Pieces } from '../../common/pieces.ts'
import { usableMemory } from '../../common/usable-memory.ts'
import { checkFits } from '../full/limits.ts'
import { type NewMessage, StoreError } from '../types.ts'

interface Blob {
  /** The octets in pieces as received. The first read joins them. */
  pieces: Pieces
  /** Number of entries that share the blob. */
  holders: number
}

/** Octets that an entry counts towards the limit: about the memory it uses besides the message's octets. */
export const ENTRY_OCTETS = 512
/** Small pieces are copied into slabs of this size. */
const SLAB_OCTETS = 64 * 1024
/** Largest piece that is copied into a slab. */
const MAX_SLAB_PIECE_OCTETS = 8 * 1024

/** The octets of messages, within a limit. Entries share a blob, which is deleted with its last entry. */
export class Blobs {
  readonly #blobs = new Map<string, Blob>()
  readonly #tag: string
  readonly #maxOctets: number
  #usedOctets = 0
  #slab = Buffer.alloc(0)
  #slabUsed = 0
  #created = 0

  /**
   * @param tag starts the name of every blob, so that names of two stores never match
   * @param maxOctets limit for all messages and entries
   */
  constructor(tag: string, maxOctets: number) {
    this.#tag = tag
    this.#maxOctets = maxOctets
  }

  get usedOctets(): number {
    return this.#usedOctets
  }

  get freeOctets(): number {
    return this.#maxOctets - this.#usedOctets
  }

  get maxOctets(): number {
    return this.#maxOctets
  }

  /** Counts new octets and entries towards the limit. @throws StoreError `no-space` */
  reserve(octets: number, entries: number): void {
    const needed = octets + entries * ENTRY_OCTETS
    if (needed > this.freeOctets) {
      checkFits({ octets: this.#usedOctets, messages: 0 }, { octets: needed, messages: 0 }, { octets: this.#maxOctets })
    }
    this.#usedOctets += needed
  }

  /** Counts octets that were reserved and are no longer used. */
  free(octets: number): void {
    this.#usedOctets -= octets
  }

  /** Counts entries even beyond the limit, for a move: the old entries are released right after. */
  reserveForMove(entries: number): void {
    this.#usedOctets += entries * ENTRY_OCTETS
  }

  /** Stores octets for `holders` entries. Returns the blob's name. */
  add(pieces: Pieces, holders: number): string {
    const id = `${this.#tag}${(this.#created++).toString(36)}`
    this.#blobs.set(id, { pieces: this.#compact(pieces), holders })
    return id
  }

  get(id: string): Buffer | undefined {
    const blob = this.#blobs.get(id)
    if (blob && blob.pieces.length > 1) blob.pieces = [joinPieces(blob.pieces)]
    return blob?.pieces[0]
  }

  /** Notes one more entry of a blob. */
  hold(id: string): void {
    const blob = this.#blobs.get(id)
    if (blob) blob.holders++
  }

  /** Notes that an entry of the blob was deleted. Deletes the blob with the last one. */
  release(id: string): void {
    this.#usedOctets -= ENTRY_OCTETS
    const blob = this.#blobs.get(id)
    if (!blob || --blob.holders > 0) return
    this.#blobs.delete(id)
    this.#usedOctets -= countOctets(blob.pieces)
  }

  clear(): void {
    this.#blobs.clear()
    this.#slab = Buffer.alloc(0)
    this.#slabUsed = 0
  }

  /** Copies a small message, or many small pieces, into one piece. Keeps large pieces as they are. */
  #compact(pieces: Pieces): Pieces {
    const octets = countOctets(pieces)
    if (octets <= MAX_SLAB_PIECE_OCTETS) return [copyInto(this.#allocate(octets), pieces)]
    if (pieces.length > 2 + octets / MAX_SLAB_PIECE_OCTETS) return [copyInto(Buffer.allocUnsafeSlow(octets), pieces)]
    return pieces.map((piece) => this.#detach(piece))
  }

  /** Copies a piece that is a small view of a larger buffer, which would otherwise stay in memory as a whole. */
  #detach(piece: Buffer): Buffer {
    if (piece.length <= MAX_SLAB_PIECE_OCTETS) return copyInto(this.#allocate(piece.length), [piece])
    if (piece.length > piece.buffer.byteLength / 2) return piece
    return copyInto(Buffer.allocUnsafeSlow(piece.length), [piece])
  }

  /** Returns a part of a slab. `octets` is at most `MAX_SLAB_PIECE_OCTETS`. */
  #allocate(octets: number): Buffer {
    if (this.#slabUsed + octets > this.#slab.length) {
      this.#slab = Buffer.allocUnsafeSlow(SLAB_OCTETS)
      this.#slabUsed = 0
    }
    this.#slabUsed += octets
    return this.#slab.subarray(this.#slabUsed - octets, this.#slabUsed)
  }
}

function copyInto(target: Buffer, pieces: Pieces): Buffer {
  let used = 0
  for (const piece of pieces) used += piece.copy(target, used)
  return target
}

const GIBIBYTE = 1024 ** 3

/** Returns half of the memory that this process may use (a container's limit, if it has one), at most 1 GiB. */
export function defaultMaxOctets(): number {
  return Math.min(GIBIBYTE, Math.floor(usableMemory() / 2))
}

/**
 * Returns a message in pieces. Reads a message that is still arriving to its end.
 * @throws StoreError `no-space` as soon as the message is larger than `maxOctets`
 */
export function collectPieces(raw: NewMessage['raw'], maxOctets: number): Pieces | Promise<Pieces> {
  if (Buffer.isBuffer(raw)) return [raw]
  return Symbol.asyncIterator in raw ? readPieces(raw, maxOctets) : raw
}

async function readPieces(arriving: AsyncIterable<Buffer>, maxOctets: number): Promise<Pieces> {
  const pieces: Buffer[] = []
  let octets = 0
  for await (const piece of arriving) {
    octets += piece.length
    if (octets > maxOctets) throw noSpace(maxOctets)
    pieces.push(piece)
  }
  return pieces
}

const noSpace = (freeOctets: number): StoreError =>
  new StoreError('no-space', `the store is full: ${freeOctets} octets are free`)
