import type { Pieces } from '../../common/pieces.ts'

/** Sizes of arenas. A new one is as large as everything that is kept: a growing store doubles. */
const MIN_OCTETS = 64 * 1024
const MAX_OCTETS = 256 * 1024 * 1024
/** A message that is larger than this fraction of an arena gets a buffer of its own. */
const MESSAGES_PER_ARENA = 8
/** Octets that are moved when a message is freed: a fraction of a millisecond. */
const MOVED_OCTETS = 512 * 1024

/** One large buffer with the octets of many messages. Memory that is not yet used takes no RAM. */
interface Arena {
  readonly octets: Buffer
  /** Octets that were given to extents, also to those that were freed since. */
  used: number
  /** Octets of the extents that are not freed. */
  live: number
  readonly extents: Extent[]
}

/** Where the octets of a message are. They may move to another arena. */
export interface Extent {
  arena: Arena
  start: number
  readonly length: number
  /** Number of entries that share the octets. */
  holders: number
}

const emptyArena = (octets: Buffer): Arena => ({ octets, used: 0, live: 0, extents: [] })

const isSparse = ({ octets, used, live }: Arena): boolean => (used - live) * 2 > octets.length

/**
 * Keeps octets in few large buffers. V8 marks its whole heap for every 64 MiB of new buffers, so that a store that keeps
 * the buffers that it receives takes messages more slowly the more it holds.
 */
export class Arenas {
  #current = emptyArena(Buffer.alloc(0))
  /** Arenas that are mostly free. What is left of them moves, so that a few messages do not keep all of it in memory. */
  readonly #sparse = new Set<Arena>()
  #live = 0

  /** Copies octets. A large message in a single piece is kept as it is. */
  keep(pieces: Pieces, length: number, holders: number): Extent {
    const isLarge = length * MESSAGES_PER_ARENA > this.#nextSize()
    const arena = isLarge ? emptyArena(inOneBuffer(pieces, length)) : this.#withRoom(length)
    if (!isLarge) copyInto(arena.octets, arena.used, pieces)
    const extent: Extent = { arena, start: 0, length, holders }
    this.#place(extent, arena)
    return extent
  }

  /** Returns a view of the octets, which stay the same as long as the view exists. */
  octetsOf({ arena, start, length }: Extent): Buffer {
    return start === 0 && length === arena.octets.length ? arena.octets : arena.octets.subarray(start, start + length)
  }

  /** Frees the octets of an extent without holders. Their memory is freed with the arena and its last view. */
  free({ arena, length }: Extent): void {
    this.#live -= length
    arena.live -= length
    if (isSparse(arena)) {
      this.#sparse.add(arena)
      if (arena === this.#current) this.#current = emptyArena(Buffer.alloc(0))
    }
    if (this.#sparse.size > 0) this.#moveSome()
  }

  clear(): void {
    this.#current = emptyArena(Buffer.alloc(0))
    this.#sparse.clear()
    this.#live = 0
  }

  #place(extent: Extent, arena: Arena): void {
    extent.arena = arena
    extent.start = arena.used
    arena.used += extent.length
    arena.live += extent.length
    arena.extents.push(extent)
    this.#live += extent.length
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
      for (let extent = arena.extents.pop(); extent; extent = arena.extents.pop()) {
        if (extent.holders === 0) continue
        this.#move(extent)
        left -= extent.length
        if (left <= 0) return
      }
      this.#sparse.delete(arena)
    }
  }

  #move(extent: Extent): void {
    const octets = this.octetsOf(extent)
    const target = this.#withRoom(extent.length)
    octets.copy(target.octets, target.used)
    extent.arena.live -= extent.length
    this.#live -= extent.length
    this.#place(extent, target)
  }
}

function inOneBuffer(pieces: Pieces, length: number): Buffer {
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
