import { isSliceOver, nextSlice } from '../../../../core/time/time-slice.ts'
import { BLOCK_UIDS, type Block, type BlockSource } from '../../entries/entry-block.ts'
import { EntryList } from '../../entries/entry-list.ts'
import { type SeenMarks, seenOfBlock, viewOfBlock } from './seen.ts'

/** Entries as readers see them that are in memory for each store, as far as they can be made again. */
const MAX_ENTRIES = 100_000
/** About the memory that a block takes without its entries. */
const BLOCK_OCTETS = 400

/** The blocks of views whose entries are in memory, in the order in which they were made. */
export class ViewedBlocks {
  readonly #blocks = new Map<Block, number>()
  #entries = 0

  add(block: Block): void {
    this.delete(block)
    this.#entries += block.size
    this.#blocks.set(block, block.size)
    for (const oldest of this.#blocks.keys()) {
      if (this.#entries <= MAX_ENTRIES || oldest === block) return
      this.delete(oldest)
      oldest.drop()
    }
  }

  /** Forgets a block that is in no view now. */
  delete(block: Block): void {
    this.#entries -= this.#blocks.get(block) ?? 0
    this.#blocks.delete(block)
  }
}

/** The entries of a folder as a reader sees them. Only the blocks whose entries or marks changed are made again. */
export class SeenView {
  readonly #marks: SeenMarks
  readonly #viewed: ViewedBlocks
  /** The stored entries that `#view` was made from. Blocks in `#changed` have newer marks. */
  #entries = new EntryList()
  #view = new EntryList()
  #changed = new Set<number>()
  #last: Promise<unknown> = Promise.resolve()

  constructor(marks: SeenMarks, viewed: ViewedBlocks) {
    this.#marks = marks
    this.#viewed = viewed
  }

  /** The memory that the view takes without entries, about. */
  get octets(): number {
    return this.#view.blocks * BLOCK_OCTETS
  }

  /** Notes that the marks of blocks were replaced. @param names the names of their values */
  marksChanged(names: readonly string[]): void {
    for (const name of names) this.#changed.add(Number(name))
  }

  /** Forgets the view, and with it the old blocks of the folder that it kept. */
  forget(): void {
    this.#last = this.#last.then(() => {
      this.#entries = new EntryList()
      this.#view.clear()
    })
  }

  /** Returns the view of the folder's entries. */
  of(entries: EntryList): Promise<EntryList> {
    const view = this.#last.then(() => this.#renew(entries))
    this.#last = view.catch(() => {})
    return view
  }

  async #renew(entries: EntryList): Promise<EntryList> {
    for (const number of entries.changesSince(this.#entries)) this.#changed.add(number)
    this.#entries = entries
    for (const number of this.#changed) {
      const block = entries.block(number)
      if (block) this.#put(block)
      else this.#view.removeBlock(number)
      this.#changed.delete(number)
      if (isSliceOver()) await nextSlice()
    }
    return this.#view.share()
  }

  #put(block: Block): void {
    const { number, size, deleted } = block
    const octets = this.#marks.marksOf(number)
    const marked = this.#marks.seenIn(number)
    // A mark stays when its message is deleted. A full block has no deleted messages, so it is not read.
    const seen = marked === 0 || size === BLOCK_UIDS ? marked : seenOfBlock(number, block.entries, octets)
    const source: BlockSource = {
      read: () => viewOfBlock(number, block.entries, octets),
      holds: (viewed) => this.#viewed.add(viewed),
      leaves: (viewed) => this.#viewed.delete(viewed),
    }
    this.#view.setBlock({ number, size, deleted, unseen: size - seen }, source)
  }
}
