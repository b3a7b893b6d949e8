import type { MemoryBudget } from '../../../../core/octets/memory-budget.ts'
import type { Overview } from '../../../../mail/format/overview.ts'
import type { ExpectedMessage, MessageReads, MessageSource, ReadPart } from '../../types.ts'
import { LARGEST_OCTETS } from './body-cache.ts'

/** The limits of what a source reads together. */
const MAX_MESSAGES = 256
const MAX_OCTETS = 512 << 10
/** Octets that all sources hold together. */
const MAX_HELD_OCTETS = 64 << 20
/** About the memory of an overview. */
const OVERVIEW_OCTETS = 1024

/** A message that was read ahead. Undefined: it does not exist. `alone`: it was not read. */
export type Held = { readonly octets: Buffer; readonly isWhole: boolean } | Overview | 'alone' | undefined

/** How messages are read. */
export interface ReadAheadQueries {
  /** Reads messages together, of each of them the part that the source is for. @throws StoreError */
  together(messages: readonly ExpectedMessage[]): Promise<readonly Held[]>
  /** Returns a message that is in memory. */
  kept(message: ExpectedMessage): Buffer | undefined
  /** Reads one message. */
  readonly alone: MessageReads
}

/** The memory of all sources. If it has no room, they read one message after the other. */
export class ReadAheadMemory {
  readonly #budget: MemoryBudget
  #octets = 0

  constructor(budget: MemoryBudget) {
    this.#budget = budget
  }

  /** Reserves octets. Returns false, and reserves nothing, if there is no room. */
  take(octets: number): boolean {
    if (this.#octets + octets > MAX_HELD_OCTETS || !this.#budget.takeSpare('messages', octets)) return false
    this.#octets += octets
    return true
  }

  give(octets: number): void {
    this.#octets -= octets
    this.#budget.give('messages', octets)
  }
}

/** Reads messages of a database that are expected to be read one after the other, many with one query. */
export class ReadAhead implements MessageSource {
  readonly #reads: ReadAheadQueries
  readonly #expected: Iterator<ExpectedMessage>
  readonly #part: ReadPart
  readonly #memory: ReadAheadMemory
  /** An expected message that had no room in the last batch. */
  #next: ExpectedMessage | undefined
  #batch: ReadonlyMap<string, Held> = new Map()
  #octets = 0

  constructor(reads: ReadAheadQueries, expected: Iterable<ExpectedMessage>, part: ReadPart, memory: ReadAheadMemory) {
    this.#reads = reads
    this.#expected = expected[Symbol.iterator]()
    this.#part = part
    this.#memory = memory
  }

  async read(folderId: string, uid: number, start = 0, end?: number): Promise<Buffer | undefined> {
    const held = this.#part === 'overview' ? 'alone' : await this.#held(folderId, uid)
    if (held === undefined) return undefined
    if (held !== 'alone' && 'isWhole' in held) {
      const { octets, isWhole } = held
      if (start === 0 && end === undefined && isWhole) return octets
      if (isWhole || (end !== undefined && end <= octets.length)) return octets.subarray(start, end)
    }
    return this.#reads.alone.read(folderId, uid, start, end)
  }

  async overview(folderId: string, uid: number): Promise<Overview | undefined> {
    const held = this.#part === 'overview' ? await this.#held(folderId, uid) : 'alone'
    return held === 'alone' || (held && 'isWhole' in held) ? this.#reads.alone.overview(folderId, uid) : held
  }

  [Symbol.dispose](): void {
    this.#release()
    this.#batch = new Map()
    this.#expected.return?.()
  }

  async #held(folderId: string, uid: number): Promise<Held> {
    const key = messageKey(folderId, uid)
    const batch = this.#batch.has(key) ? this.#batch : await this.#readBatch(key)
    return batch.has(key) ? batch.get(key) : 'alone'
  }

  /** Reads the expected messages from one on. Those before it were left out. */
  async #readBatch(key: string): Promise<ReadonlyMap<string, Held>> {
    const batch = new Map<string, Held>()
    const together: ExpectedMessage[] = []
    this.#batch = batch
    this.#release()
    let octets = 0
    for (let message = this.#pull(); message; message = this.#pull()) {
      const name = messageKey(message.folder.id, message.entry.uid)
      if (batch.size === 0 && name !== key) continue
      const size = this.#sizeOf(message)
      const kept = this.#part === 'overview' ? undefined : this.#reads.kept(message)
      if (kept) batch.set(name, { octets: kept, isWhole: true })
      else if (size === undefined) batch.set(name, 'alone')
      else {
        if (together.length > 0 && octets + size > MAX_OCTETS) {
          this.#next = message
          break
        }
        octets += size
        together.push(message)
        batch.set(name, 'alone')
      }
      if (batch.size === MAX_MESSAGES) break
    }
    if (together.length < 2 || !this.#memory.take(octets)) return batch
    this.#octets = octets
    const found = await this.#reads.together(together)
    for (const [i, { folder, entry }] of together.entries()) batch.set(messageKey(folder.id, entry.uid), found[i])
    return batch
  }

  #pull(): ExpectedMessage | undefined {
    const next = this.#next
    this.#next = undefined
    return next ?? (this.#expected.next().value as ExpectedMessage | undefined)
  }

  /** Returns how many octets of a message are read ahead; undefined for a large message, which is read alone. */
  #sizeOf({ entry: { sizeOctets } }: ExpectedMessage): number | undefined {
    if (this.#part === 'overview') return OVERVIEW_OCTETS
    const octets = typeof this.#part === 'number' ? Math.min(this.#part, sizeOctets) : sizeOctets
    return octets <= LARGEST_OCTETS ? octets : undefined
  }

  #release(): void {
    this.#memory.give(this.#octets)
    this.#octets = 0
  }
}

const messageKey = (folderId: string, uid: number): string => `${folderId}/${uid}`
