import type { Pieces } from '../../../../core/octets/pieces.ts'
import { type Arena, Extents } from './extents.ts'

/** Sizes of arenas. A new one is as large as everything that is kept: a growing store doubles. */
const MIN_OCTETS = 64 * 1024
const MAX_OCTETS = 256 * 1024 * 1024
/** A message that is larger than this fraction of an arena gets a buffer of its own. */
const MESSAGES_PER_ARENA = 8
/** Octets that are moved when a message is freed: a fraction of a millisecond. */
const MOVED_OCTETS = 512 * 1024

const emptyArena = (octets: Buffer): Arena => ({ octets, used: 0, live: 0, extents: [] })

const isSparse = ({ octets, used, live }: Arena): boolean => (used - live) * 2 > octets.length

/**
 * Keeps the octets of messages, by number, in few large buffers. V8 marks its whole heap for every 64 MiB of new buffers,
 * so that a store that keeps the buffers that it receives takes messages more slowly the more it holds.
 */
export class Arenas {
  #current = emptyArena(Buffer.alloc(0))
  /** Arenas that are mostly free. What is left of them moves, so that a few messages do not keep all of it in memory. */
  readonly #sparse = new Set<Arena>()
  readonly #extents = new Extents()
  #live = 0

  /** Copies the octets of a message. One that is large and in a single piece is kept as it is. @param number greater than all before */
  add(number: number, pieces: Pieces, length: number, holders: number): void {
    const isLarge = length * MESSAGES_PER_ARENA > this.#nextSize()
    const arena = isLarge ? emptyArena(joinToBuffer(pieces, length)) : this.#withRoom(length)
    if (!isLarge) copyInto(arena.octets, arena.used, pieces)
    this.#extents.add(number, length, holders)
    this.#place(number, length, arena)
  }

  /** Returns a view of a message's octets, which stay the same as long as the view exists. */
  get(number: number): Buffer | undefined {
    const octets = this.#extents.arenaOf(number)?.octets
    if (!octets) return undefined
    const start = this.#extents.startOf(number)
    const length = this.#extents.lengthOf(number)
    return start === 0 && length === octets.length ? octets : octets.subarray(start, start + length)
  }

  /** Notes one more entry that shares the octets. */
  hold(number: number): void {
    if (this.#extents.has(number)) this.#extents.hold(number, 1)
  }

  /**
   * Notes one entry less. After the last one, the octets are freed: their memory with the arena and its last view. Returns
   * how many octets were freed.
   */
  unhold(number: number): number {
    const arena = this.#extents.arenaOf(number)
    if (!arena || this.#extents.hold(number, -1) > 0) return 0
    const length = this.#extents.lengthOf(number)
    this.#extents.delete(number)
    this.#free(arena, length)
    return length
  }

  clear(): void {
    this.#current = emptyArena(Buffer.alloc(0))
    this.#sparse.clear()
    this.#extents.clear()
    this.#live = 0
  }

  #free(arena: Arena, length: number): void {
    this.#live -= length
    arena.live -= length
    if (isSparse(arena)) {
      this.#sparse.add(arena)
      if (arena === this.#current) this.#current = emptyArena(Buffer.alloc(0))
    }
    if (this.#sparse.size > 0) this.#moveSome()
  }

  #place(number: number, length: number, arena: Arena): void {
    this.#extents.place(number, arena, arena.used)
    arena.used += length
    arena.live += length
    arena.extents.push(number)
    this.#live += length
  }

  #nextSize(): number {
    return Math.min(MAX_OCTETS, Math.max(MIN_OCTETS, this.#live))
  }

  /** Returns an arena with this much room. */
  #withRoom(length: number): Arena {
    const { octets, used } = this.#current
    if (used + length > octets.length)
      this.#current = emptyArena(Buffer.allocUnsafeSlow(Math.max(length, this.#nextSize())))
    return this.#current
  }

  #moveSome(): void {
    let left = MOVED_OCTETS
    for (const arena of this.#sparse) {
      for (let number = arena.extents.pop(); number !== undefined; number = arena.extents.pop()) {
        const octets = this.get(number)
        if (!octets) continue
        this.#move(number, octets, arena)
        left -= octets.length
        if (left <= 0) return
      }
      this.#sparse.delete(arena)
    }
  }

  #move(number: number, octets: Buffer, from: Arena): void {
    const target = this.#withRoom(octets.length)
    octets.copy(target.octets, target.used)
    from.live -= octets.length
    this.#live -= octets.length
    this.#place(number, octets.length, target)
  }
}

function joinToBuffer(pieces: Pieces, length: number): Buffer {
  const [first] = pieces
  // A piece that is a small view of a larger buffer would keep all of it in memory.
  if (pieces.length === 1 && first && first.length > first.buffer.byteLength / 2) return first
  const whole = Buffer.allocUnsafeSlow(length)
  copyInto(whole, 0, pieces)
  return whole
}

function copyInto(target: Buffer, start: number, pieces: Pieces): void {
  let at = start
  for (const piece of pieces) at += piece.copy(target, at)
}
