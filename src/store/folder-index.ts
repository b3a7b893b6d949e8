import { DELETED, FlagsInUse, SEEN } from './flags.ts'
import type { FolderSnapshot, FolderStatus, MessageEntry, UidRange } from './types.ts'
import { ascending, firstIndexFrom, indexOfUid } from './uid-order.ts'

/**
 * The entries of one folder in memory, in uid order, with everything that STATUS and SELECT need kept up to date.
 * Arrays that were returned are never changed: the next change works on a copy. Changes that the index already contains
 * are ignored, so a change may be applied twice.
 */
export class FolderIndex {
  uidNext = 1
  highestModSeq = 1
  readonly #counts = new FolderCounts()
  readonly #flags = new FlagsInUse()
  #entries: MessageEntry[] = []
  /** Whether `#entries` was returned to a caller and must be copied before the next change. */
  #isShared = false
  /** All entries before this index have `\Seen`. */
  #seenUntil = 0

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
      lowestUid: this.#entries[0]?.uid ?? 0,
      highestUid: this.#entries.at(-1)?.uid ?? 0,
    }
  }

  snapshot(): FolderSnapshot {
    return { ...this.status(), entries: this.list(), flags: this.#flags.all, firstUnseen: this.#firstUnseen() }
  }

  find(uid: number): MessageEntry | undefined {
    return this.#entries[indexOfUid(this.#entries, uid)]
  }

  /** Returns entries in uid order. Later changes do not affect the array. */
  list(range?: UidRange): readonly MessageEntry[] {
    if (range) return this.#entries.slice(this.#indexFrom(range.from), this.#indexFrom(range.to + 1))
    this.#isShared = true
    return this.#entries
  }

  /** Returns the entries with a greater modSeq, in uid order. */
  changedSince(modSeq: number): MessageEntry[] {
    return this.#entries.filter((entry) => entry.modSeq > modSeq)
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

  /** Adds entries in uid order. Entries below `uidNext` are in the index already and are skipped. */
  append(entries: readonly MessageEntry[]): void {
    this.#copyIfShared()
    for (const entry of entries) {
      if (entry.uid < this.uidNext) continue
      this.#entries.push(entry)
      this.#counts.add(entry)
      this.#flags.add(entry.flags)
      this.uidNext = entry.uid + 1
      this.#raiseModSeq(entry.modSeq)
    }
  }

  /** Replaces entries by newer ones with the same uid. */
  replace(entries: readonly MessageEntry[]): void {
    this.#copyIfShared()
    for (const entry of entries) {
      const index = this.#indexFrom(entry.uid)
      const before = this.#entries[index]
      if (before?.uid !== entry.uid || before.modSeq >= entry.modSeq) continue
      this.#counts.replace(before, entry)
      if (entry.flags !== before.flags) this.#replaceFlags(index, before, entry)
      this.#entries[index] = entry
      this.#raiseModSeq(entry.modSeq)
    }
  }

  /** Removes the entries with these uids. */
  remove(uids: readonly number[], modSeq: number): void {
    this.#raiseModSeq(modSeq)
    const removed = this.pick(uids)
    if (removed.length === 0) return
    const unseenFrom = this.#entries[this.#seenUntil]?.uid ?? Number.POSITIVE_INFINITY
    for (const entry of removed) {
      this.#counts.remove(entry)
      this.#flags.remove(entry.flags)
      if (entry.uid < unseenFrom) this.#seenUntil--
    }
    // Only the entries between the first and the last removed one are filtered: expiry removes a few at the front.
    const first = this.#indexFrom((removed[0] as MessageEntry).uid)
    const end = this.#indexFrom((removed.at(-1) as MessageEntry).uid) + 1
    const isRemoved = new Set(removed)
    const kept = this.#entries.slice(first, end).filter((entry) => !isRemoved.has(entry))
    this.#entries = this.#entries.slice(0, first).concat(kept, this.#entries.slice(end))
    this.#isShared = false
  }

  #replaceFlags(index: number, before: MessageEntry, after: MessageEntry): void {
    this.#flags.remove(before.flags)
    this.#flags.add(after.flags)
    if (index < this.#seenUntil && !after.flags.includes(SEEN)) this.#seenUntil = index
  }

  /** Returns the position of the first unseen message, from 1, or 0. Continues where the last search ended. */
  #firstUnseen(): number {
    const { unseen, exists } = this.#counts
    if (unseen === 0) this.#seenUntil = exists
    while (this.#entries[this.#seenUntil]?.flags.includes(SEEN)) this.#seenUntil++
    return this.#seenUntil < exists ? this.#seenUntil + 1 : 0
  }

  #indexFrom(uid: number): number {
    return firstIndexFrom(this.#entries, uid)
  }

  #copyIfShared(): void {
    if (!this.#isShared) return
    this.#entries = this.#entries.slice()
    this.#isShared = false
  }

  #raiseModSeq(modSeq: number): void {
    if (modSeq > this.highestModSeq) this.highestModSeq = modSeq
  }
}

/** The counts of a folder that STATUS returns. Call a method for every entry that is added, removed or replaced. */
export class FolderCounts {
  exists = 0
  sizeOctets = 0
  unseen = 0
  deleted = 0
  deletedOctets = 0

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
    if (!entry.flags.includes(SEEN)) this.unseen += sign
    if (!entry.flags.includes(DELETED)) return
    this.deleted += sign
    this.deletedOctets += sign * entry.sizeOctets
  }
}
