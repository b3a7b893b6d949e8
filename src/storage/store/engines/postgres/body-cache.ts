import type { DroppableData, MemoryBudget } from '../../../../core/octets/memory-budget.ts'

/** Octets of all messages in the cache together. */
const MAX_OCTETS = 32 << 20
/** Octets that are dropped at a time: finding the oldest message takes longer than dropping those that follow it. */
const DROPPED_OCTETS = 2 << 20
/** Larger messages are not kept, and read alone: their octets cost more than the query. */
export const LARGEST_OCTETS = 64 << 10

/** The octets of messages that were read last, by blob. A blob never changes, so they are never out of date. */
export class BodyCache implements DroppableData {
  readonly #bodies = new Map<string, Buffer>()
  readonly #memory: MemoryBudget
  readonly #largest: number
  #octets = 0

  /** @param memory counts the octets @param largest octets of the largest body that is kept */
  constructor(memory: MemoryBudget, largest = LARGEST_OCTETS) {
    this.#memory = memory
    this.#largest = largest
    memory.addDroppable(this)
  }

  get(blob: string): Buffer | undefined {
    const octets = this.#bodies.get(blob)
    if (octets) {
      // Becomes the newest.
      this.#bodies.delete(blob)
      this.#bodies.set(blob, octets)
    }
    return octets
  }

  has(blob: string): boolean {
    return this.#bodies.has(blob)
  }

  put(blob: string, octets: Buffer): void {
    if (octets.length > this.#largest || this.#bodies.has(blob)) return
    this.#bodies.set(blob, octets)
    this.#octets += octets.length
    this.#memory.hold('messages', octets.length)
    if (this.#octets > MAX_OCTETS) this.#dropTo(MAX_OCTETS - DROPPED_OCTETS)
  }

  drop(octets: number): void {
    this.#dropTo(this.#octets - octets)
  }

  #dropTo(most: number): void {
    for (const [oldest, { length }] of this.#bodies) {
      if (this.#octets <= most) break
      this.#bodies.delete(oldest)
      this.#octets -= length
      this.#memory.give('messages', length)
    }
  }
}
