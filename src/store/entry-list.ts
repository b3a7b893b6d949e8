import { DELETED, SEEN } from './flags.ts'
import type { Entries, MessageEntry } from './types.ts'
import { firstIndexFrom } from './uid-order.ts'

/** Number of uids of a block. */
export const BLOCK_UIDS = 256

/** Returns the number of the block that has a uid. */
export const blockOf = (uid: number): number => Math.floor(uid / BLOCK_UIDS)

/** Returns the uids that a block can have. */
export const uidsOf = (block: number): { readonly from: number; readonly to: number } => ({
  from: block * BLOCK_UIDS,
  to: block * BLOCK_UIDS + BLOCK_UIDS - 1,
})

/** What is known about a block without its entries. */
export interface BlockCounts {
  readonly number: number
  /** How many entries it has. */
  readonly size: number
  /** Entries without `\Seen`. */
  readonly unseen: number
  /** Entries with `\Deleted`. */
  readonly deleted: number
}

/** Where the entries of a list are while they are not in memory. */
export interface BlockSource {
  /** Returns the entries of a block in uid order. */
  read(block: number): readonly MessageEntry[]
  /** Notes that the entries of a block are in memory. `isChanged`: the source may differ from them until all changes are applied. */
  holds(block: Block, isChanged: boolean): void
  /** Notes that the list no longer has a block. */
  leaves(block: Block): void
}

/** The entries of a range of uids. Lists share blocks; only the list that owns one changes it. */
export class Block implements BlockCounts {
  readonly number: number
  size: number
  unseen: number
  deleted: number
  owner: object
  /** Undefined: the entries are only in memory. */
  source: BlockSource | undefined
  #entries: MessageEntry[] | undefined

  constructor(
    { number, size, unseen, deleted }: BlockCounts,
    owner: object,
    source: BlockSource | undefined,
    entries: MessageEntry[] | undefined,
  ) {
    this.number = number
    this.size = size
    this.unseen = unseen
    this.deleted = deleted
    this.owner = owner
    this.source = source
    this.#entries = entries
  }

  get entries(): MessageEntry[] {
    return this.#entries ?? this.#load()
  }

  count({ flags }: MessageEntry, sign: 1 | -1): void {
    if (!flags.includes(SEEN)) this.unseen += sign
    if (flags.includes(DELETED)) this.deleted += sign
  }

  /** Forgets the entries, which the source has. */
  drop(): void {
    if (this.source) this.#entries = undefined
  }

  /** Returns a copy that has another owner. */
  copy(owner: object, source: BlockSource | undefined): Block {
    return new Block(this, owner, source, this.entries.slice())
  }

  #load(): MessageEntry[] {
    const read = this.source?.read(this.number) ?? []
    let uid = uidsOf(this.number).from
    // The source lacks entries only if the folder was deleted, or the store was opened again after an error.
    this.#entries = Array.from({ length: this.size }, (_, i) => {
      const entry = read[i] ?? gone(uid)
      uid = entry.uid + 1
      return entry
    })
    this.source?.holds(this, false)
    return this.#entries
  }
}

/** Returns the counts of the block for a uid, which has no entries yet. */
const emptyBlock = (uid: number): BlockCounts => ({ number: blockOf(uid), size: 0, unseen: 0, deleted: 0 })

const gone = (uid: number): MessageEntry => ({
  uid,
  blob: '',
  sizeOctets: 0,
  internalDate: 0,
  savedAt: 0,
  flags: [],
  modSeq: 0,
})

/**
 * Entries in uid order, in blocks of as many uids. A change copies one block at most, and a copy of the list shares all
 * blocks. Entries that a source has are read when they are first needed.
 */
export class EntryList implements Entries {
  length = 0
  readonly #source: BlockSource | undefined
  #owner = {}
  #blocks: Block[] = []
  /** Index of the first entry of each block, as far as `#numbered` says. A removal changes those of all later blocks. */
  #starts: number[] = []
  #numbered = 0
  /** Whether another list has the same arrays. */
  #isShared = false
  /** The block in which an entry was last looked for. */
  #at = 0

  /** @param counts the blocks that the source has, in ascending order */
  constructor(source?: BlockSource, counts: Iterable<BlockCounts> = []) {
    this.#source = source
    for (const block of counts) this.#add(new Block(block, this.#owner, source, undefined))
  }

  /** Returns a list of these entries, which may be changed. */
  static of(entries: Entries): EntryList {
    if (entries instanceof EntryList) return entries.share()
    const list = new EntryList()
    for (const entry of entries) list.append(entry)
    return list
  }

  /** Returns a list with the same entries. Later changes of one do not affect the other. */
  share(): EntryList {
    const copy = new EntryList()
    copy.length = this.length
    copy.#blocks = this.#blocks
    copy.#starts = this.#starts
    copy.#numbered = this.#numbered
    copy.#isShared = true
    this.#isShared = true
    this.#owner = {}
    return copy
  }

  /**
   * Returns a list of these entries as somebody sees them. Blocks are read when they are first needed.
   * @param seen how many entries of each block have `\Seen` then, where it is not 0
   * @param show returns an entry with its own `\Seen`
   */
  viewed(seen: ReadonlyMap<number, number>, show: (entry: MessageEntry) => MessageEntry): EntryList {
    const entries = this.share()
    const source: BlockSource = {
      read: (block) => (entries.block(block)?.entries ?? []).map(show),
      holds() {},
      leaves() {},
    }
    const counts = entries.#blocks.map(({ number, size, deleted }) => ({
      number,
      size,
      deleted,
      unseen: size - (seen.get(number) ?? 0),
    }))
    return new EntryList(source, counts)
  }

  /** Returns a block of entries; undefined if it has none. */
  block(number: number): Block | undefined {
    return this.#blocks[this.#blockWith(uidsOf(number).from)]
  }

  /** The number of entries without `\Seen`. */
  get unseen(): number {
    return this.#blocks.reduce((sum, { unseen }) => sum + unseen, 0)
  }

  /** The lowest uid, 0 if the list is empty. */
  get lowestUid(): number {
    return this.#blocks[0]?.entries[0]?.uid ?? 0
  }

  /** The highest uid, 0 if the list is empty. */
  get highestUid(): number {
    return this.#blocks.at(-1)?.entries.at(-1)?.uid ?? 0
  }

  at(index: number): MessageEntry | undefined {
    const wanted = index < 0 ? index + this.length : index
    if (!(wanted >= 0 && wanted < this.length)) return undefined
    const at = this.#blockAt(wanted)
    return (this.#blocks[at] as Block).entries[wanted - (this.#starts[at] as number)]
  }

  /** Returns the entries from one index up to but not including another. */
  slice(from = 0, to = this.length): MessageEntry[] {
    const found: MessageEntry[] = []
    const end = Math.min(to, this.length)
    for (let index = Math.max(0, from); index < end; ) {
      const at = this.#blockAt(index)
      const start = this.#starts[at] as number
      const { entries } = this.#blocks[at] as Block
      const last = Math.min(end - start, entries.length)
      for (let i = index - start; i < last; i++) found.push(entries[i] as MessageEntry)
      index = start + last
    }
    return found
  }

  *[Symbol.iterator](): Generator<MessageEntry, void, void> {
    for (const block of this.#blocks) yield* block.entries
  }

  /** Yields the entries with `\Deleted`. */
  *deleted(): Generator<MessageEntry, void, void> {
    for (const block of this.#blocks) {
      if (block.deleted === 0) continue
      for (const entry of block.entries) if (entry.flags.includes(DELETED)) yield entry
    }
  }

  /** Returns the index of the first entry whose uid is at least `uid`. */
  indexFrom(uid: number): number {
    const at = this.#blockFrom(blockOf(uid))
    const block = this.#blocks[at]
    if (!block) return this.length
    const start = this.#startOf(at)
    return block.number > blockOf(uid) ? start : start + firstIndexFrom(block.entries, uid)
  }

  /** Returns the index of the entry with this uid, or -1. */
  indexOf(uid: number): number {
    const at = this.#blockWith(uid)
    if (at < 0) return -1
    const { entries } = this.#blocks[at] as Block
    const index = firstIndexFrom(entries, uid)
    return entries[index]?.uid === uid ? this.#startOf(at) + index : -1
  }

  find(uid: number): MessageEntry | undefined {
    const block = this.#blocks[this.#blockWith(uid)]
    const entry = block?.entries[firstIndexFrom(block.entries, uid)]
    return entry?.uid === uid ? entry : undefined
  }

  /** Returns the position of the first entry without `\Seen`, counted from 1, or 0. */
  get firstUnseen(): number {
    const at = this.#blocks.findIndex(({ unseen }) => unseen > 0)
    const block = this.#blocks[at]
    if (!block) return 0
    return this.#startOf(at) + block.entries.findIndex(({ flags }) => !flags.includes(SEEN)) + 1
  }

  /** Reads the entries of the blocks that these uids are in, because the source is about to change. */
  pin(uids: Iterable<number>): void {
    let last: Block | undefined
    for (const uid of uids) {
      if (last?.number === blockOf(uid)) continue
      last = this.#blocks[this.#blockWith(uid)]
      if (last?.entries) this.#source?.holds(last, true)
    }
  }

  /** Adds an entry, whose uid must be above all others. */
  append(entry: MessageEntry): void {
    this.#unshare()
    const last = this.#blocks.length - 1
    const isNew = this.#blocks[last]?.number !== blockOf(entry.uid)
    const block = isNew ? new Block(emptyBlock(entry.uid), this.#owner, this.#source, []) : this.#ownBlock(last)
    if (isNew) {
      this.#add(block)
      this.#source?.holds(block, true)
    }
    block.entries.push(entry)
    block.size++
    block.count(entry, 1)
    this.length++
  }

  /** Replaces the entry at an index by a newer one with the same uid. */
  replace(index: number, entry: MessageEntry): void {
    this.#unshare()
    const at = this.#blockAt(index)
    const block = this.#ownBlock(at)
    const i = index - (this.#starts[at] as number)
    block.count(block.entries[i] as MessageEntry, -1)
    block.count(entry, 1)
    block.entries[i] = entry
  }

  /** Removes the entries with these uids, which must ascend. */
  remove(uids: readonly number[]): void {
    let isEmpty = false
    for (let i = 0; i < uids.length; ) {
      const number = blockOf(uids[i] as number)
      const from = i
      while (i < uids.length && blockOf(uids[i] as number) === number) i++
      const at = this.#blockFrom(number)
      if (this.#blocks[at]?.number !== number) continue
      this.#removeIn(at, uids.slice(from, i))
      this.#numbered = Math.min(this.#numbered, at + 1)
      isEmpty ||= this.#blocks[at]?.size === 0
    }
    if (isEmpty) this.#removeEmpty()
  }

  #removeIn(at: number, uids: readonly number[]): void {
    this.#unshare()
    const block = this.#ownBlock(at)
    const { entries } = block
    for (const uid of uids) {
      const index = firstIndexFrom(entries, uid)
      const entry = entries[index]
      if (entry?.uid !== uid) continue
      entries.splice(index, 1)
      block.count(entry, -1)
      block.size--
      this.length--
    }
  }

  #removeEmpty(): void {
    const blocks = this.#blocks
    let to = 0
    for (const block of blocks) {
      if (block.size > 0) blocks[to++] = block
      else this.#source?.leaves(block)
    }
    blocks.length = to
    this.#starts.length = Math.min(this.#starts.length, to)
    this.#numbered = Math.min(this.#numbered, to)
    this.#at = 0
  }

  #add(block: Block): void {
    if (this.#numbered === this.#blocks.length) this.#starts[this.#numbered++] = this.length
    this.#blocks.push(block)
    this.length += block.size
  }

  #startOf(at: number): number {
    this.#numberUpTo(at)
    return this.#starts[at] as number
  }

  /** Sets the starts of the blocks up to and including one. Lists that share the array set the same values. */
  #numberUpTo(at: number): void {
    for (let i = this.#numbered; i <= at; i++) {
      const before = this.#blocks[i - 1]
      this.#starts[i] = before ? (this.#starts[i - 1] as number) + before.size : 0
      this.#numbered = i + 1
    }
  }

  #unshare(): void {
    if (!this.#isShared) return
    this.#blocks = this.#blocks.slice()
    this.#starts = this.#starts.slice()
    this.#isShared = false
  }

  /** Returns a block that may be changed: a copy if other lists may have it. */
  #ownBlock(at: number): Block {
    const block = this.#blocks[at] as Block
    if (block.owner === this.#owner) {
      this.#source?.holds(block, true)
      return block
    }
    const own = block.copy(this.#owner, this.#source)
    this.#blocks[at] = own
    if (this.#source) {
      // The source soon differs from the block, which other lists still have.
      block.source = undefined
      this.#source.leaves(block)
      this.#source.holds(own, true)
    }
    return own
  }

  /** Returns which block has the entry at an index. */
  #blockAt(index: number): number {
    this.#numberUpTo(this.#blocks.length - 1)
    const starts = this.#starts
    const at = this.#at
    if (index >= (starts[at] as number) && index < (starts[at + 1] ?? this.length)) return at
    let low = 0
    let high = this.#blocks.length - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if ((starts[middle] as number) <= index) low = middle
      else high = middle - 1
    }
    this.#at = low
    return low
  }

  /** Returns which block has a uid; -1 if none can have it. */
  #blockWith(uid: number): number {
    const number = blockOf(uid)
    const at = this.#blockFrom(number)
    return this.#blocks[at]?.number === number ? at : -1
  }

  /** Returns the first block whose number is at least `number`. */
  #blockFrom(number: number): number {
    const blocks = this.#blocks
    let low = 0
    // In a folder without gaps this is the block.
    let high = Math.max(0, Math.min(blocks.length, number - (blocks[0]?.number ?? 0)))
    if (blocks[high]?.number === number) return high
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((blocks[middle] as Block).number < number) low = middle + 1
      else high = middle
    }
    return low
  }
}
