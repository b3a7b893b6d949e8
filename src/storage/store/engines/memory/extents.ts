/** Number of extents of a block. */
const PER_BLOCK = 256
/** Numbers that a block has for each extent: where it starts in its arena, its length, and its holders. */
const FIELDS = 3
const [START, LENGTH, HOLDERS] = [0, 1, 2] as const

/** One large buffer with the octets of many messages. Memory that is not yet used takes no RAM. */
export interface Arena {
  readonly octets: Buffer
  /** Octets that were given to extents, also to those that were freed since. */
  used: number
  /** Octets of the extents that are not freed. */
  live: number
  /** The numbers of the extents that were placed here. */
  readonly extents: number[]
}

interface Block {
  readonly arenas: (Arena | undefined)[]
  readonly fields: Uint32Array
  /** How many extents it has. */
  size: number
}

/**
 * Where the octets of messages are, by ascending numbers. They are in blocks: one table of all would be copied as a whole each
 * time it grows. An extent is no object, so that garbage collection does not visit one for every message.
 */
export class Extents {
  readonly #blocks = new Map<number, Block>()

  has(number: number): boolean {
    return this.arenaOf(number) !== undefined
  }

  arenaOf(number: number): Arena | undefined {
    return this.#blockOf(number)?.arenas[number % PER_BLOCK]
  }

  startOf(number: number): number {
    return this.#field(number, START)
  }

  lengthOf(number: number): number {
    return this.#field(number, LENGTH)
  }

  /** Adds an extent of an arena. Its number is greater than all before. */
  add(number: number, length: number, holders: number): void {
    const at = Math.floor(number / PER_BLOCK)
    let block = this.#blocks.get(at)
    if (!block) {
      block = {
        arenas: new Array(PER_BLOCK).fill(undefined),
        fields: new Uint32Array(PER_BLOCK * FIELDS),
        size: 0,
      }
      this.#blocks.set(at, block)
    }
    const from = (number % PER_BLOCK) * FIELDS
    block.fields[from + LENGTH] = length
    block.fields[from + HOLDERS] = holders
    block.size++
  }

  /** Sets where the octets of an extent are. They may move to another arena. */
  place(number: number, arena: Arena, start: number): void {
    const block = this.#blockOf(number)
    if (!block) return
    block.arenas[number % PER_BLOCK] = arena
    block.fields[(number % PER_BLOCK) * FIELDS + START] = start
  }

  /** Changes the number of entries that share the octets. Returns how many there are then. The extent must exist. */
  hold(number: number, more: 1 | -1): number {
    const block = this.#blockOf(number)
    if (!block) return 0
    const at = (number % PER_BLOCK) * FIELDS + HOLDERS
    return (block.fields[at] = (block.fields[at] as number) + more)
  }

  delete(number: number): void {
    const block = this.#blockOf(number)
    if (!block) return
    block.arenas[number % PER_BLOCK] = undefined
    if (--block.size === 0) this.#blocks.delete(Math.floor(number / PER_BLOCK))
  }

  clear(): void {
    this.#blocks.clear()
  }

  #blockOf(number: number): Block | undefined {
    return this.#blocks.get(Math.floor(number / PER_BLOCK))
  }

  #field(number: number, field: typeof START | typeof LENGTH): number {
    return this.#blockOf(number)?.fields[(number % PER_BLOCK) * FIELDS + field] ?? 0
  }
}
