import type { MessageEntry } from '../message-entry.ts'
import { DELETED, SEEN } from './flags.ts'

/** Number of uids of a block. */
export const BLOCK_UIDS = 256

/** Returns the number of the block that has a uid. */
export const blockOf = (uid: number): number => Math.floor(uid / BLOCK_UIDS)

/** Returns the uids that a block can have. */
export const uidsOf = (block: number): { readonly from: number; readonly to: number } => ({
  from: block * BLOCK_UIDS,
  to: block * BLOCK_UIDS + BLOCK_UIDS - 1,
})

/** The known facts about a block without its entries. */
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
  /** Returns whether an entry of a block may have a system flag, without reading them. Absent: any may. */
  mayHave?(block: number, flag: string): boolean
  /** Notes that the entries of a block are in memory. `isChanged`: the source may differ from them until all changes are applied. */
  holds(block: Block, isChanged: boolean): void
  /** Notes that the list no longer has a block. */
  leaves(block: Block): void
}

/** Counts of entries that change with them. */
class Counts {
  size: number
  unseen: number
  deleted: number

  constructor({ size, unseen, deleted }: Omit<BlockCounts, 'number'>) {
    this.size = size
    this.unseen = unseen
    this.deleted = deleted
  }

  /** @param sign 1 for an entry that is added, -1 for one that is removed */
  count({ flags }: MessageEntry, sign: 1 | -1): void {
    this.size += sign
    if (!flags.includes(SEEN)) this.unseen += sign
    if (flags.includes(DELETED)) this.deleted += sign
  }

  /** Counts what a block has. */
  include({ size, unseen, deleted }: Omit<BlockCounts, 'number'>): void {
    this.size += size
    this.unseen += unseen
    this.deleted += deleted
  }
}

/** The entries of a range of uids. Lists share blocks; only the list that owns one changes it. */
export class Block extends Counts implements BlockCounts {
  readonly number: number
  owner: object
  /** Undefined: the entries are only in memory. */
  source: BlockSource | undefined
  #entries: MessageEntry[] | undefined

  constructor(
    counts: BlockCounts,
    owner: object,
    source: BlockSource | undefined,
    entries: MessageEntry[] | undefined,
  ) {
    super(counts)
    this.number = counts.number
    this.owner = owner
    this.source = source
    this.#entries = entries
  }

  get entries(): MessageEntry[] {
    return this.#entries ?? this.#load()
  }

  /** Returns whether an entry may have a system flag. Reads none. */
  mayHave(flag: string): boolean {
    if (flag === SEEN) return this.size > this.unseen
    if (flag === DELETED) return this.deleted > 0
    if (this.#entries) return this.#entries.some(({ flags }) => flags.includes(flag))
    return this.source?.mayHave?.(this.number, flag) ?? true
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
      const entry = read[i] ?? placeholderEntry(uid)
      uid = entry.uid + 1
      return entry
    })
    this.source?.holds(this, false)
    return this.#entries
  }
}

/** Returns a block for a uid, which has no entries yet. */
export const emptyBlock = (uid: number, owner: object, source: BlockSource | undefined): Block =>
  new Block({ number: blockOf(uid), size: 0, unseen: 0, deleted: 0 }, owner, source, [])

const placeholderEntry = (uid: number): MessageEntry => ({
  uid,
  blob: '',
  sizeOctets: 0,
  internalDate: 0,
  savedAt: 0,
  flags: [],
  modSeq: 0,
})

/** Number of blocks of a group, as far as their uids exist. */
const GROUP_BLOCKS = 64

/** Returns the number of the group that has a block. */
export const groupOf = (block: number): number => Math.floor(block / GROUP_BLOCKS)

/** Blocks with ascending numbers, of which each is in the range of the group. Lists share groups as they share blocks. */
export class Group extends Counts {
  readonly number: number
  readonly owner: object
  readonly blocks: Block[]

  constructor(number: number, owner: object, blocks: Block[] = []) {
    super({ size: 0, unseen: 0, deleted: 0 })
    this.number = number
    this.owner = owner
    this.blocks = blocks
    for (const block of blocks) this.include(block)
  }
}

/** Returns the index of the first item whose number is at least `number`. The numbers must ascend. */
export function indexFromNumber(items: readonly { readonly number: number }[], number: number): number {
  let low = 0
  // Without gaps this is the index. A gap makes the index smaller, never greater.
  let high = Math.max(0, Math.min(items.length, number - (items[0]?.number ?? 0)))
  if (items[high]?.number === number) return high
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((items[middle] as { readonly number: number }).number < number) low = middle + 1
    else high = middle
  }
  return low
}

/** Returns the item with a number. */
export function itemWithNumber<T extends { readonly number: number }>(
  items: readonly T[],
  number: number,
): T | undefined {
  const item = items[indexFromNumber(items, number)]
  return item?.number === number ? item : undefined
}
