import { DELETED, FlagTable, SEEN } from './flags.ts'
import type { FlagChange, FlagChangeResult, FolderStatus, MessageEntry, UidRange } from './types.ts'

interface Vanished {
  readonly modSeq: number
  readonly uids: readonly number[]
}

/**
 * The entries of one folder in memory, by ascending uid, with everything STATUS asks for kept as a running count.
 * An array that was handed out is never changed: the next change works on a copy of the pointers.
 */
export class FolderIndex {
  readonly flags = new FlagTable()
  uidNext = 1
  highestModSeq = 1
  #entries: MessageEntry[] = []
  #handedOut = false
  #vanished: Vanished[] = []
  #sizeOctets = 0
  #unseen = 0
  #deleted = 0

  get exists(): number {
    return this.#entries.length
  }

  status(): FolderStatus {
    return {
      exists: this.#entries.length,
      uidNext: this.uidNext,
      highestModSeq: this.highestModSeq,
      sizeOctets: this.#sizeOctets,
      unseen: this.#unseen,
      deleted: this.#deleted,
      lowestUid: this.#entries[0]?.uid ?? 0,
      highestUid: this.#entries.at(-1)?.uid ?? 0,
    }
  }

  find(uid: number): MessageEntry | undefined {
    const at = this.#at(uid)
    const entry = this.#entries[at]
    return entry?.uid === uid ? entry : undefined
  }

  /** In uid order; a snapshot that no later change touches. */
  list(range?: UidRange): readonly MessageEntry[] {
    if (range) return this.#entries.slice(this.#at(range.from), this.#at(range.to + 1))
    this.#handedOut = true
    return this.#entries
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

  /** Adds entries with ascending uids, all above those present. */
  append(entries: readonly MessageEntry[]): void {
    this.#own()
    for (const entry of entries) {
      this.#entries.push(entry)
      this.#count(entry, 1)
      this.uidNext = Math.max(this.uidNext, entry.uid + 1)
      this.highestModSeq = Math.max(this.highestModSeq, entry.modSeq)
    }
  }

  /** Puts entries in the place of those with the same uid. */
  replace(entries: readonly MessageEntry[]): void {
    if (entries.length === 0) return
    this.#own()
    for (const entry of entries) {
      const at = this.#at(entry.uid)
      const before = this.#entries[at]
      if (before?.uid !== entry.uid) continue
      this.#count(before, -1)
      this.#count(entry, 1)
      this.#entries[at] = entry
      this.highestModSeq = Math.max(this.highestModSeq, entry.modSeq)
    }
  }

  /** Takes these entries of the folder out and remembers that they vanished. */
  remove(gone: readonly MessageEntry[], modSeq: number): void {
    const uids = gone.map(({ uid }) => uid)
    this.#vanished.push({ modSeq, uids })
    this.highestModSeq = Math.max(this.highestModSeq, modSeq)
    for (const entry of gone) this.#count(entry, -1)
    const doomed = new Set(uids)
    // A few at the front, as expiry takes them, or all: no need to look at the rest.
    const first = this.#at(uids[0] ?? 0)
    const last = this.#at((uids.at(-1) ?? 0) + 1)
    const kept = this.#entries.slice(first, last).filter(({ uid }) => !doomed.has(uid))
    this.#entries = this.#entries.slice(0, first).concat(kept, this.#entries.slice(last))
    this.#handedOut = false
  }

  /** What a flag change makes of the folder; nothing is changed yet. `changed` are the entries that are new. */
  planFlags(
    uids: readonly number[],
    change: FlagChange,
    modSeq: number,
  ): FlagChangeResult & { readonly changed: readonly MessageEntry[] } {
    const next = this.flags.changer(change)
    const limit = change.unchangedSince ?? Number.POSITIVE_INFINITY
    const entries: MessageEntry[] = []
    const changed: MessageEntry[] = []
    const modified: number[] = []
    for (const entry of this.pick(uids)) {
      if (entry.modSeq > limit) {
        modified.push(entry.uid)
        continue
      }
      const flags = next(entry.flags)
      const now = flags === entry.flags ? entry : { ...entry, flags, modSeq }
      entries.push(now)
      if (now !== entry) changed.push(now)
    }
    return { entries, modified, changed }
  }

  vanishedSince(modSeq: number): readonly number[] {
    const uids: number[] = []
    for (let at = this.#vanished.length - 1; at >= 0; at--) {
      const batch = this.#vanished[at] as Vanished
      if (batch.modSeq <= modSeq) break
      for (const uid of batch.uids) uids.push(uid)
    }
    return uids.sort((a, b) => a - b)
  }

  /** Where `uid` is, or where it would be. */
  #at(uid: number): number {
    const entries = this.#entries
    const first = entries[0]
    if (!first || uid <= first.uid) return 0
    // Uids ascend, so an entry stands at most as far behind the first as its uid does: there, if none is missing.
    let high = Math.min(entries.length, uid - first.uid)
    if (entries[high]?.uid === uid) return high
    let low = 0
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((entries[middle] as MessageEntry).uid < uid) low = middle + 1
      else high = middle
    }
    return low
  }

  #own(): void {
    if (!this.#handedOut) return
    this.#entries = this.#entries.slice()
    this.#handedOut = false
  }

  #count(entry: MessageEntry, sign: 1 | -1): void {
    this.#sizeOctets += sign * entry.sizeOctets
    if (!entry.flags.includes(SEEN)) this.#unseen += sign
    if (entry.flags.includes(DELETED)) this.#deleted += sign
  }
}

/** The uids ascending, each once; as they are where they already do. */
export function ascending(uids: readonly number[]): readonly number[] {
  for (let i = 1; i < uids.length; i++) {
    if ((uids[i - 1] as number) >= (uids[i] as number)) return [...new Set(uids)].sort((a, b) => a - b)
  }
  return uids
}
