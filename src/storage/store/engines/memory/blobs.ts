import { countOctets, type Pieces } from '../../../../core/octets/pieces.ts'
import { usableMemory } from '../../../../core/octets/usable-memory.ts'
import { StoreError } from '../../errors.ts'
import type { NewMessage } from '../../types.ts'
import { checkFits } from '../full/limits.ts'
import { Arenas } from './arenas.ts'

/** Octets that an entry counts towards the limit: about the memory it uses besides the message's octets. */
export const ENTRY_OCTETS = 512
/** The octets of messages, within a limit. Entries share a blob, which is deleted with its last entry. */
export class Blobs {
  readonly #arenas = new Arenas()
  #prefix: string
  readonly #maxOctets: number
  #usedOctets = 0
  #created = 0

  /**
   * @param tag is in the name of every blob, so that names of two stores never match
   * @param maxOctets limit for all messages and entries
   */
  constructor(tag: string, maxOctets: number) {
    this.#prefix = prefixOf(tag)
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

  /** The number of the last blob. */
  get lastNumber(): number {
    return this.#created
  }

  /** Names further blobs as a store with this tag and as many blobs. */
  continueFrom(tag: string, created: number): void {
    this.#prefix = prefixOf(tag)
    this.#created = created
  }

  /** Stores octets for `holders` entries. Returns the blob's name. */
  add(pieces: Pieces, holders: number): string {
    this.#arenas.add(++this.#created, pieces, countOctets(pieces), holders)
    return this.#prefix + this.#created
  }

  get(id: string): Buffer | undefined {
    return this.#arenas.get(this.#numberOf(id))
  }

  /** Notes one more entry of a blob. */
  hold(id: string): void {
    this.#arenas.hold(this.#numberOf(id))
  }

  /** Notes that an entry of the blob was deleted. Deletes the blob with the last one. */
  release(id: string): void {
    this.#usedOctets -= ENTRY_OCTETS
    this.unhold(id)
  }

  /** Ends a `hold` that was not for an entry. */
  unhold(id: string): void {
    this.#usedOctets -= this.#arenas.unhold(this.#numberOf(id))
  }

  clear(): void {
    this.#arenas.clear()
  }

  /** Returns the number of a blob; 0, which no blob has, for a name of another store. */
  #numberOf(id: string): number {
    return id.startsWith(this.#prefix) ? Number(id.slice(this.#prefix.length)) : 0
  }
}

const prefixOf = (tag: string): string => `M${tag}-`

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
  return isPieces(raw) ? raw : readPieces(raw, maxOctets)
}

/** A search for the method of an iterable would look at all that an array inherits. */
const isPieces = (raw: Pieces | AsyncIterable<Buffer>): raw is Pieces => Array.isArray(raw)

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
