import type { Entries, MessageEntry } from '../message-entry.ts'
import {
  Block,
  type BlockCounts,
  type BlockSource,
  blockOf,
  emptyBlock,
  Group,
  groupOf,
  indexFromNumber,
  itemWithNumber,
} from './entry-block.ts'
import { DELETED, SEEN } from './flags.ts'
import { firstIndexFrom } from './uid-order.ts'

/** A block, and where it and its group are in their lists. */
interface Place {
  readonly group: number
  readonly block: number
  /** The index of its first entry. */
  readonly start: number
}

/** A block and the indexes of its entries, from `start` up to but not including `end`. */
interface Found {
  readonly start: number
  readonly end: number
  readonly block: Block
}

/**
 * Entries in uid order, in blocks of as many uids, which are in groups. A change copies one block, one group and the list of
 * groups at most, and a copy of the list shares all of them. Entries that a source has are read when they are first needed.
 */
export class EntryList implements Entries {
  length = 0
  readonly #source: BlockSource | undefined
  #owner = {}
  #groups: Group[] = []
  /** Index of the first entry of each group, as far as `#numbered` says. A removal changes those of all later groups. */
  #starts: number[] = []
  #numbered = 0
  /** Whether another list has the same arrays. */
  #isShared = false
  /** The block in which an entry was last looked for by its index, since the last change. */
  #last: Found | undefined

  /** @param counts the blocks that the source has */
  constructor(source?: BlockSource, counts: Iterable<BlockCounts> = []) {
    this.#source = source
    for (const block of counts) this.setBlock(block, source)
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
    copy.#groups = this.#groups
    copy.#starts = this.#starts
    copy.#numbered = this.#numbered
    copy.#isShared = true
    this.#isShared = true
    this.#owner = {}
    return copy
  }

  /** Returns a block of entries; undefined if it has none. */
  block(number: number): Block | undefined {
    return itemWithNumber(itemWithNumber(this.#groups, groupOf(number))?.blocks ?? [], number)
  }

  /** Yields the numbers of the blocks that an earlier copy of this list has not, or has differently. */
  *changesSince(before: EntryList): Generator<number, void, void> {
    for (const [old, now] of differences(before.#groups, this.#groups)) {
      for (const [earlier, later] of differences(old?.blocks ?? [], now?.blocks ?? [])) {
        yield ((later ?? earlier) as Block).number
      }
    }
  }

  /** Adds a block whose entries a source has, or replaces the one with its number. */
  setBlock(counts: BlockCounts, source: BlockSource | undefined): void {
    this.removeBlock(counts.number)
    const group = this.#ownGroup(this.#groupIndex(groupOf(counts.number)))
    const block = new Block(counts, this.#owner, source, undefined)
    group.blocks.splice(indexFromNumber(group.blocks, block.number), 0, block)
    group.include(block)
    this.length += block.size
  }

  /** Removes a block with its entries. */
  removeBlock(number: number): void {
    const found = this.#find(number)
    if (!found) return
    const group = this.#ownGroup(found.group)
    const [block] = group.blocks.splice(found.block, 1) as [Block]
    group.include({ size: -block.size, unseen: -block.unseen, deleted: -block.deleted })
    this.length -= block.size
    block.source?.leaves(block)
    if (group.blocks.length === 0) this.#removeGroup(found.group)
  }

  /** Removes all blocks. */
  clear(): void {
    for (const number of [...this.changesSince(new EntryList())]) this.removeBlock(number)
  }

  /** The number of blocks. */
  get blocks(): number {
    return this.#groups.reduce((sum, { blocks }) => sum + blocks.length, 0)
  }

  /** The number of entries without `\Seen`. */
  get unseen(): number {
    return this.#groups.reduce((sum, { unseen }) => sum + unseen, 0)
  }

  /** The lowest uid, 0 if the list is empty. */
  get lowestUid(): number {
    return this.#groups[0]?.blocks[0]?.entries[0]?.uid ?? 0
  }

  /** The highest uid, 0 if the list is empty. */
  get highestUid(): number {
    return this.#groups.at(-1)?.blocks.at(-1)?.entries.at(-1)?.uid ?? 0
  }

  at(index: number): MessageEntry | undefined {
    const wanted = index < 0 ? index + this.length : index
    if (!(wanted >= 0 && wanted < this.length)) return undefined
    const { block, start } = this.#blockAt(wanted)
    return block.entries[wanted - start]
  }

  /** Returns the entries from one index up to but not including another. */
  slice(from = 0, to = this.length): MessageEntry[] {
    const found: MessageEntry[] = []
    const end = Math.min(to, this.length)
    for (let index = Math.max(0, from); index < end; ) {
      const { block, start } = this.#blockAt(index)
      const { entries } = block
      const last = Math.min(end - start, entries.length)
      for (let i = index - start; i < last; i++) found.push(entries[i] as MessageEntry)
      index = start + last
    }
    return found
  }

  *[Symbol.iterator](): Generator<MessageEntry, void, void> {
    for (const { blocks } of this.#groups) for (const block of blocks) yield* block.entries
  }

  /** Yields the entries with `\Deleted`. */
  *deleted(): Generator<MessageEntry, void, void> {
    for (const group of this.#groups) {
      if (group.deleted === 0) continue
      for (const block of group.blocks) {
        if (block.deleted === 0) continue
        for (const entry of block.entries) if (entry.flags.includes(DELETED)) yield entry
      }
    }
  }

  /** Yields the indexes of the entries that may have a system flag, ascending. Reads no entries. */
  *indexesWith(flag: string): Generator<number, void, void> {
    let start = 0
    for (const { blocks } of this.#groups) {
      for (const block of blocks) {
        if (block.mayHave(flag)) for (let i = 0; i < block.size; i++) yield start + i
        start += block.size
      }
    }
  }

  /** Returns the index of the first entry whose uid is at least `uid`. */
  indexFrom(uid: number): number {
    const number = blockOf(uid)
    const at = indexFromNumber(this.#groups, groupOf(number))
    const group = this.#groups[at]
    if (!group) return this.length
    const blockAt = indexFromNumber(group.blocks, number)
    const start = this.#startOf(at, blockAt)
    const block = group.blocks[blockAt]
    return block?.number === number ? start + firstIndexFrom(block.entries, uid) : start
  }

  /** Returns the index of the entry with this uid, or -1. */
  indexOf(uid: number): number {
    const found = this.#find(blockOf(uid))
    const entries = found ? (this.#groups[found.group]?.blocks[found.block]?.entries ?? []) : []
    const index = firstIndexFrom(entries, uid)
    return found && entries[index]?.uid === uid ? found.start + index : -1
  }

  find(uid: number): MessageEntry | undefined {
    const entries = this.block(blockOf(uid))?.entries ?? []
    const entry = entries[firstIndexFrom(entries, uid)]
    return entry?.uid === uid ? entry : undefined
  }

  /** Returns the position of the first entry without `\Seen`, counted from 1, or 0. */
  get firstUnseen(): number {
    const at = this.#groups.findIndex(({ unseen }) => unseen > 0)
    const blocks = this.#groups[at]?.blocks ?? []
    const blockAt = blocks.findIndex(({ unseen }) => unseen > 0)
    const block = blocks[blockAt]
    if (!block) return 0
    return this.#startOf(at, blockAt) + block.entries.findIndex(({ flags }) => !flags.includes(SEEN)) + 1
  }

  /** Reads the entries of the blocks that these uids are in, because the source is about to change. */
  pin(uids: Iterable<number>): void {
    let last: Block | undefined
    for (const uid of uids) {
      if (last?.number === blockOf(uid)) continue
      last = this.block(blockOf(uid))
      if (last?.entries) this.#source?.holds(last, true)
    }
  }

  /** Adds an entry, whose uid must be above all others. */
  append(entry: MessageEntry): void {
    const number = blockOf(entry.uid)
    const group = this.#ownGroup(this.#groupIndex(groupOf(number)))
    const last = group.blocks.length - 1
    let block: Block
    if (group.blocks[last]?.number === number) block = this.#ownBlock(group, last)
    else {
      block = emptyBlock(entry.uid, this.#owner, this.#source)
      group.blocks.push(block)
      this.#source?.holds(block, true)
    }
    block.entries.push(entry)
    block.count(entry, 1)
    group.count(entry, 1)
    this.length++
  }

  /** Replaces the entry with the same uid by a newer one. @throws if the list has none */
  replace(entry: MessageEntry): void {
    const found = this.#find(blockOf(entry.uid))
    const group = found && this.#ownGroup(found.group)
    const block = found && group && this.#ownBlock(group, found.block)
    const at = block ? firstIndexFrom(block.entries, entry.uid) : -1
    const before = block?.entries[at]
    if (!group || !block || before?.uid !== entry.uid) throw new Error(`the list has no entry with uid ${entry.uid}`)
    for (const counts of [block, group]) {
      counts.count(before, -1)
      counts.count(entry, 1)
    }
    block.entries[at] = entry
  }

  /** Removes the entries with these uids, which must ascend. */
  remove(uids: readonly number[]): void {
    for (let i = 0; i < uids.length; ) {
      const number = blockOf(uids[i] as number)
      const from = i
      while (i < uids.length && blockOf(uids[i] as number) === number) i++
      const found = this.#find(number)
      if (!found) continue
      this.#removeIn(found, uids.slice(from, i))
      if (this.block(number)?.size === 0) this.removeBlock(number)
    }
  }

  #removeIn(found: Place, uids: readonly number[]): void {
    const group = this.#ownGroup(found.group)
    const block = this.#ownBlock(group, found.block)
    const { entries } = block
    for (const uid of uids) {
      const index = firstIndexFrom(entries, uid)
      const entry = entries[index]
      if (entry?.uid !== uid) continue
      entries.splice(index, 1)
      block.count(entry, -1)
      group.count(entry, -1)
      this.length--
    }
  }

  /** Returns the index of a group, which is added if it is missing. */
  #groupIndex(number: number): number {
    const at = indexFromNumber(this.#groups, number)
    if (this.#groups[at]?.number === number) return at
    this.#unshare()
    this.#groups.splice(at, 0, new Group(number, this.#owner))
    return at
  }

  #removeGroup(at: number): void {
    this.#groups.splice(at, 1)
    this.#numbered = Math.min(this.#numbered, at)
  }

  #startOf(group: number, block: number): number {
    this.#numberUpTo(group)
    const { blocks } = this.#groups[group] as Group
    let start = this.#starts[group] as number
    for (let i = 0; i < block; i++) start += (blocks[i] as Block).size
    return start
  }

  /** Sets the starts of the groups up to and including one. Lists that share the array set the same values. */
  #numberUpTo(at: number): void {
    for (let i = this.#numbered; i <= at; i++) {
      const before = this.#groups[i - 1]
      this.#starts[i] = before ? (this.#starts[i - 1] as number) + before.size : 0
      this.#numbered = i + 1
    }
  }

  #unshare(): void {
    if (!this.#isShared) return
    this.#groups = this.#groups.slice()
    this.#starts = this.#starts.slice()
    this.#isShared = false
  }

  /** Returns a group that is about to change: a copy if other lists may have it. */
  #ownGroup(at: number): Group {
    this.#unshare()
    this.#last = undefined
    this.#numbered = Math.min(this.#numbered, at + 1)
    const group = this.#groups[at] as Group
    if (group.owner === this.#owner) return group
    const own = new Group(group.number, this.#owner, group.blocks.slice())
    this.#groups[at] = own
    return own
  }

  /** Returns a block that may be changed: a copy if other lists may have it. */
  #ownBlock(group: Group, at: number): Block {
    const block = group.blocks[at] as Block
    if (block.owner === this.#owner) {
      this.#source?.holds(block, true)
      return block
    }
    const own = block.copy(this.#owner, this.#source)
    group.blocks[at] = own
    if (this.#source) {
      // The source soon differs from the block, which other lists still have.
      block.source = undefined
      this.#source.leaves(block)
      this.#source.holds(own, true)
    }
    return own
  }

  /** Returns the block that has the entry at an index, which must be one of the list. */
  #blockAt(index: number): Found {
    const last = this.#last
    if (last && index >= last.start && index < last.end) return last
    this.#numberUpTo(this.#groups.length - 1)
    let low = 0
    let high = this.#groups.length - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if ((this.#starts[middle] as number) <= index) low = middle
      else high = middle - 1
    }
    let start = this.#starts[low] ?? 0
    for (const block of this.#groups[low]?.blocks ?? []) {
      const end = start + block.size
      if (index < end) return (this.#last = { start, end, block })
      start = end
    }
    throw new Error(`a list of ${this.length} entries has no block with index ${index}`)
  }

  /** Returns where a block is. */
  #find(number: number): Place | undefined {
    const group = indexFromNumber(this.#groups, groupOf(number))
    const { number: found, blocks } = this.#groups[group] ?? { number: -1, blocks: [] }
    if (found !== groupOf(number)) return undefined
    const block = indexFromNumber(blocks, number)
    return blocks[block]?.number === number ? { group, block, start: this.#startOf(group, block) } : undefined
  }
}

/** Yields the pairs of items with the same number in two lists that are not the same item; undefined where one has none. */
function* differences<T extends { readonly number: number }>(
  before: readonly T[],
  after: readonly T[],
): Generator<readonly [before: T | undefined, after: T | undefined], void, void> {
  for (let i = 0, j = 0; i < before.length || j < after.length; ) {
    const [old, now] = [before[i], after[j]]
    const order = !old ? 1 : !now ? -1 : old.number - now.number
    if (order <= 0) i++
    if (order >= 0) j++
    if (order < 0) yield [old, undefined]
    else if (order > 0) yield [undefined, now]
    else if (old !== now) yield [old, now]
  }
}
