import { DELETED, FlagsInUse, SEEN } from './flags.ts'
import type { FolderSnapshot, FolderStatus, MessageEntry, UidRange } from './types.ts'
import { firstIndexFrom } from './uid-order.ts'

/**
 * The entries of one folder in memory, by ascending uid, with everything STATUS and SELECT ask for kept up to date.
 * An array that was handed out is never changed: the next change works on a copy of the pointers. A change that is in
 * the index already is taken for done.
 */
export class FolderIndex {
  uidNext = 1
  highestModSeq = 1
  readonly #counts = new FolderCounts()
  readonly #flags = new FlagsInUse()
  #entries: MessageEntry[] = []
  #handedOut = false
  /** Of the entries before this one, each has `\Seen`. */
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
    const entry = this.#entries[this.#at(uid)]
    return entry?.uid === uid ? entry : undefined
  }

  /** In uid order; a snapshot that no later change touches. */
  list(range?: UidRange): readonly MessageEntry[] {
    if (range) return this.#entries.slice(this.#at(range.from), this.#at(range.to + 1))
    this.#handedOut = true
    return this.#entries
  }

  /** Those with a greater modSeq, in uid order. */
  changedSince(modSeq: number): MessageEntry[] {
    return this.#entries.filter((entry) => entry.modSeq > modSeq)
  }

  /** The entries that are there of these uids, in uid order, each once. */
  pick(uids: readonly number[]): MessageEntry[] {
    const found: MessageEntry[] = []
    for (const uid of ascending(uids)) {
      const entry = this.find(uid)
      if (entry) found.push(entry)
    }
    return found
  }

  /** Adds entries in uid order, all with numbers not given before. */
  append(entries: readonly MessageEntry[]): void {
    this.#own()
    for (const entry of entries) {
      if (entry.uid < this.uidNext) continue
      this.#entries.push(entry)
      this.#counts.add(entry)
      this.#flags.add(entry.flags)
      this.uidNext = entry.uid + 1
      this.#raise(entry.modSeq)
    }
  }

  /** Puts entries in the place of older ones with the same uid. */
  replace(entries: readonly MessageEntry[]): void {
    this.#own()
    for (const entry of entries) {
      const at = this.#at(entry.uid)
      const before = this.#entries[at]
      if (before?.uid !== entry.uid || before.modSeq >= entry.modSeq) continue
      this.#counts.replace(before, entry)
      if (entry.flags !== before.flags) this.#reflag(at, before, entry)
      this.#entries[at] = entry
      this.#raise(entry.modSeq)
    }
  }

  /** Takes these uids out. */
  remove(uids: readonly number[], modSeq: number): void {
    this.#raise(modSeq)
    const gone = this.pick(uids)
    if (gone.length === 0) return
    const unseenFrom = this.#entries[this.#seenUntil]?.uid ?? Number.POSITIVE_INFINITY
    for (const entry of gone) {
      this.#counts.remove(entry)
      this.#flags.remove(entry.flags)
      if (entry.uid < unseenFrom) this.#seenUntil--
    }
    // Expiry takes a few at the front, others all: what lies before the first and after the last is not looked at.
    const first = this.#at((gone[0] as MessageEntry).uid)
    const last = this.#at((gone.at(-1) as MessageEntry).uid) + 1
    const doomed = new Set(gone)
    const kept = this.#entries.slice(first, last).filter((entry) => !doomed.has(entry))
    this.#entries = this.#entries.slice(0, first).concat(kept, this.#entries.slice(last))
    this.#handedOut = false
  }

  #reflag(at: number, before: MessageEntry, after: MessageEntry): void {
    this.#flags.remove(before.flags)
    this.#flags.add(after.flags)
    if (at < this.#seenUntil && !after.flags.includes(SEEN)) this.#seenUntil = at
  }

  /** Its number from 1, or 0. Only what was not looked at before is, so it costs nothing most times. */
  #firstUnseen(): number {
    const { unseen, exists } = this.#counts
    if (unseen === 0) this.#seenUntil = exists
    while (this.#seenUntil < exists && this.#entries[this.#seenUntil]?.flags.includes(SEEN)) this.#seenUntil++
    return this.#seenUntil < exists ? this.#seenUntil + 1 : 0
  }

  #at(uid: number): number {
    return firstIndexFrom(this.#entries, uid)
  }

  #own(): void {
    if (!this.#handedOut) return
    this.#entries = this.#entries.slice()
    this.#handedOut = false
  }

  #raise(modSeq: number): void {
    if (modSeq > this.highestModSeq) this.highestModSeq = modSeq
  }
}

/** The uids ascending, each once; as they are where they already do. */
export function ascending(uids: readonly number[]): readonly number[] {
  for (let i = 1; i < uids.length; i++) {
    if ((uids[i - 1] as number) >= (uids[i] as number)) return [...new Set(uids)].sort((a, b) => a - b)
  }
  return uids
}

/** What STATUS counts of a folder, kept up to date by telling it of every entry that comes and goes. */
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
