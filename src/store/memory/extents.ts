import type { Extent } from './arenas.ts'

const PER_BLOCK = 256

interface Block {
  readonly extents: (Extent | undefined)[]
  /** How many extents it has. */
  size: number
}

/** Extents by ascending numbers, in blocks: one table of all would be copied as a whole each time it grows. */
export class Extents {
  readonly #blocks = new Map<number, Block>()

  get(number: number): Extent | undefined {
    return this.#blocks.get(Math.floor(number / PER_BLOCK))?.extents[number % PER_BLOCK]
  }

  /** Adds an extent. Its number is greater than all before. */
  add(number: number, extent: Extent): void {
    const at = Math.floor(number / PER_BLOCK)
    let block = this.#blocks.get(at)
    if (!block) this.#blocks.set(at, (block = { extents: new Array(PER_BLOCK).fill(undefined), size: 0 }))
    block.extents[number % PER_BLOCK] = extent
    block.size++
  }

  delete(number: number): void {
    const at = Math.floor(number / PER_BLOCK)
    const block = this.#blocks.get(at)
    if (!block) return
    block.extents[number % PER_BLOCK] = undefined
    if (--block.size === 0) this.#blocks.delete(at)
  }

  clear(): void {
    this.#blocks.clear()
  }
}
