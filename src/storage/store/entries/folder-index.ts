import { isSliceOver, nextSlice } from '../../../core/time/time-slice.ts'
import type { MessageEntry } from '../message-entry.ts'
import type { FolderSnapshot, FolderStatus, UidRange } from '../types.ts'
import type { BlockCounts, BlockSource } from './entry-block.ts'
import { EntryList } from './entry-list.ts'
import { DELETED, FlagsInUse, SEEN } from './flags.ts'
import { ascending } from './uid-order.ts'

/** Entries that are listed in one step. */
const STEP = 256

/** A folder whose entries another place has: its numbers, the combinations of flags with their messages, and its blocks. */
export interface StoredFolder {
  readonly uidNext: number
  readonly highestModSeq: number
  readonly counts: Pick<
    FolderCounts,
    'exists' | 'sizeOctets' | 'unseen' | 'deleted' | 'deletedOctets' | 'withoutLineEnd'
  >
  readonly combinations: Iterable<readonly [flags: readonly string[], messages: number]>
  readonly blocks: Iterable<BlockCounts>
  readonly source: BlockSource
}

/**
 * The entries of one folder in uid order, with everything that STATUS and SELECT need kept up to date. What was returned is
 * never changed: the next change works on a copy of a part. Changes that the index already contains are ignored, so a change
 * may be applied twice.
 */
export class FolderIndex {
  uidNext = 1
  highestModSeq = 1
  readonly #counts = new FolderCounts()
  readonly #flags = new FlagsInUse()
  readonly #entries: EntryList
  /** All entries, if they were listed after the last change. */
  #all: readonly MessageEntry[] | undefined

  /** @param stored reads entries when they are first needed. Default: the folder is empty */
  constructor(stored?: StoredFolder) {
    this.#entries = new EntryList(stored?.source, stored?.blocks)
    if (!stored) return
    this.uidNext = stored.uidNext
    this.highestModSeq = stored.highestModSeq
    Object.assign(this.#counts, stored.counts)
    for (const [flags, messages] of stored.combinations) this.#flags.add(flags, messages)
  }

  get exists(): number {
    return this.#entries.length
  }

  status(): FolderStatus {
    const { exists, sizeOctets, unseen, deleted, deletedOctets } = this.#counts
    return {
      exists,
      uidNext: this.uidNext,
      highestModSeq: this.highestModSeq,
      sizeOctets,
      unseen,
      deleted,
      deletedOctets,
      lowestUid: this.#entries.lowestUid,
      highestUid: this.#entries.highestUid,
    }
  }

  snapshot(): FolderSnapshot {
    const { firstUnseen } = this.#entries
    const { withoutLineEnd } = this.#counts
    return { ...this.status(), entries: this.share(), flags: this.#flags.all, firstUnseen, withoutLineEnd }
  }

  /** Returns the entries as they are now. */
  share(): EntryList {
    return this.#entries.share()
  }

  find(uid: number): MessageEntry | undefined {
    return this.#entries.find(uid)
  }

  /** Returns entries in uid order. Later changes do not affect the array. */
  list(range?: UidRange): readonly MessageEntry[] {
    const entries = this.#entries
    if (range) return entries.slice(entries.indexFrom(range.from), entries.indexFrom(range.to + 1))
    return (this.#all ??= entries.slice())
  }

  /**
   * Returns entries as `list` does, but lets other sessions run meanwhile, and keeps none in memory: for folders whose entries
   * are read where the index has them from.
   */
  async listInSlices(range?: UidRange): Promise<readonly MessageEntry[]> {
    if (range && range.to - range.from < STEP) return this.list(range)
    const entries = this.share()
    const found: MessageEntry[] = []
    const end = range ? entries.indexFrom(range.to + 1) : entries.length
    for (let at = range ? entries.indexFrom(range.from) : 0; at < end; at += STEP) {
      for (const entry of entries.slice(at, Math.min(at + STEP, end))) found.push(entry)
      if (isSliceOver()) await nextSlice()
    }
    return found
  }

  /** Returns the entry before a uid. */
  before(uid: number): MessageEntry | undefined {
    const at = this.#entries.indexFrom(uid)
    return at > 0 ? this.#entries.at(at - 1) : undefined
  }

  /** Returns entries from a uid on, at most `count`. */
  from(uid: number, count: number): readonly MessageEntry[] {
    const at = this.#entries.indexFrom(uid)
    return this.#entries.slice(at, at + count)
  }

  /** Returns the entries with a greater modSeq, in uid order. */
  changedSince(modSeq: number): MessageEntry[] {
    return this.list().filter((entry) => entry.modSeq > modSeq)
  }

  /** Returns the entries of those uids that exist, in uid order and without duplicates. */
  pick(uids: readonly number[]): MessageEntry[] {
    const found: MessageEntry[] = []
    for (const uid of ascending(uids)) {
      const entry = this.find(uid)
      if (entry) found.push(entry)
    }
    return found
  }

  /** Reads the entries that are about to change where the index has them from. */
  pin(uids: Iterable<number>): void {
    this.#entries.pin(uids)
  }

  /** Adds entries in uid order. Entries below `uidNext` are in the index already and are skipped. */
  append(entries: readonly MessageEntry[]): void {
    this.#all = undefined
    for (const entry of entries) {
      if (entry.uid < this.uidNext) continue
      this.#entries.append(entry)
      this.#counts.add(entry)
      this.#flags.add(entry.flags)
      this.uidNext = entry.uid + 1
      this.#raiseModSeq(entry.modSeq)
    }
  }

  /** Replaces entries by newer ones with the same uid. */
  replace(entries: readonly MessageEntry[]): void {
    this.#all = undefined
    for (const entry of entries) {
      const before = this.#entries.find(entry.uid)
      if (!before || before.modSeq >= entry.modSeq) continue
      this.#counts.replace(before, entry)
      if (entry.flags !== before.flags) {
        this.#flags.remove(before.flags)
        this.#flags.add(entry.flags)
      }
      this.#entries.replace(entry)
      this.#raiseModSeq(entry.modSeq)
    }
  }

  /** Removes the entries with these uids. */
  remove(uids: readonly number[], modSeq: number): void {
    this.#raiseModSeq(modSeq)
    const removed = this.pick(uids)
    if (removed.length === 0) return
    this.#all = undefined
    for (const entry of removed) {
      this.#counts.remove(entry)
      this.#flags.remove(entry.flags)
    }
    this.#entries.remove(removed.map(({ uid }) => uid))
  }

  #raiseModSeq(modSeq: number): void {
    if (modSeq > this.highestModSeq) this.highestModSeq = modSeq
  }
}

/** The counts of a folder that STATUS and POP3 return. Call a method for every entry that is added, removed or replaced. */
export class FolderCounts {
  exists = 0
  sizeOctets = 0
  unseen = 0
  deleted = 0
  deletedOctets = 0
  withoutLineEnd = 0

  add(entry: MessageEntry): void {
    this.#change(entry, 1)
  }

  remove(entry: MessageEntry): void {
    this.#change(entry, -1)
  }

  replace(before: MessageEntry, after: MessageEntry): void {
    this.#change(before, -1)
    this.#change(after, 1)
  }

  #change(entry: MessageEntry, sign: 1 | -1): void {
    this.exists += sign
    this.sizeOctets += sign * entry.sizeOctets
    if (entry.lacksLineEnd) this.withoutLineEnd += sign
    if (!entry.flags.includes(SEEN)) this.unseen += sign
    if (!entry.flags.includes(DELETED)) return
    this.deleted += sign
    this.deletedOctets += sign * entry.sizeOctets
  }
}
