import { TimeSlice } from '../../common/time-slice.ts'
import { FolderIndex } from '../folder-index.ts'
import type { MessageEntry, UidRange } from '../types.ts'
import type { Committed, HeldState, ReadOptions } from './committed.ts'
import { type LmdbFolder, numbersOf } from './lmdb-folder.ts'
import { type EntryForms, fromRecord, lastKey, type Tables } from './tables.ts'

/** Entries read between looks at the time. */
const FIRST_STEP = 16
const STEP = 256

/**
 * The entries of folders: by number, by range and by change from disk, so that what it costs does not grow with the
 * folder; from memory where somebody needed all of them. What takes long is done in steps that let others in.
 */
export class Entries {
  readonly loaded = new LoadedFolders()
  readonly #tables: Tables
  readonly #committed: Committed
  readonly #nameOf: (blob: number) => string

  constructor(tables: Tables, committed: Committed, nameOf: (blob: number) => string) {
    this.#tables = tables
    this.#committed = committed
    this.#nameOf = nameOf
  }

  find(folder: LmdbFolder, uid: number): MessageEntry | undefined {
    return folder.loaded ? folder.loaded.find(uid) : this.#get(folder, uid, this.#committed.now)
  }

  async list(folder: LmdbFolder, range: UidRange): Promise<readonly MessageEntry[]> {
    if (folder.loaded) return folder.loaded.list(range)
    using state = this.#committed.hold()
    const found: MessageEntry[] = []
    await this.#each(folder, range, state, (entries) => {
      for (const entry of entries) found.push(entry)
      return true
    })
    return found
  }

  /** In uid order. */
  async changedSince(folder: LmdbFolder, modSeq: number): Promise<readonly MessageEntry[]> {
    using state = this.#committed.hold()
    const late: MessageEntry[] = []
    // Back to the last that has not changed: those before it came before it, and if they did change, are in the index.
    await this.#each(folder, { from: 0, to: Number.MAX_SAFE_INTEGER }, state, takeChanged(late, modSeq), true)
    const before = late.at(-1)?.uid ?? Number.POSITIVE_INFINITY
    const early: MessageEntry[] = []
    const timeSlice = new TimeSlice()
    const { id } = folder.folder
    const start: [string, number, number] = [id, modSeq + 1, 0]
    for (const [, , uid] of [
      ...this.#tables.changed.getKeys({ start, end: afterChanges(id), ...transactionOf(state) }),
    ]) {
      const entry = uid < before ? this.#get(folder, uid, state) : undefined
      if (entry) early.push(entry)
      if (timeSlice.isOver()) await rest(timeSlice, state)
    }
    return [...early.sort((a, b) => a.uid - b.uid), ...late.reverse()]
  }

  /** All of them, in memory from now on. */
  async all(folder: LmdbFolder): Promise<FolderIndex> {
    return folder.loaded ?? this.loaded.add(folder, await folder.load(() => this.#read(folder)))
  }

  async #read(folder: LmdbFolder): Promise<FolderIndex> {
    using state = this.#committed.hold()
    const index = new FolderIndex()
    const [uidNext, highestModSeq] = numbersOf(this.#tables, folder.folder.id, state)
    await this.#each(folder, { from: 0, to: Number.MAX_SAFE_INTEGER }, state, (entries) => {
      index.append(entries)
      return true
    })
    index.uidNext = uidNext
    index.highestModSeq = highestModSeq
    return index
  }

  /** Gives the entries of a range to `take`, some at a time, until it returns false. */
  async #each(
    folder: LmdbFolder,
    { from, to }: UidRange,
    state: HeldState,
    take: (entries: readonly MessageEntry[]) => boolean,
    reverse = false,
  ): Promise<void> {
    const { id } = folder.folder
    const forms = this.#forms(folder, state)
    // Most times the first few are enough.
    let step = FIRST_STEP
    const timeSlice = new TimeSlice()
    let [low, high] = [from, Math.min(to, Number.MAX_SAFE_INTEGER)]
    while (low <= high) {
      const [first, last] = reverse ? [high, low] : [low, high]
      const range = { start: [id, first] as EntryKey, end: [id, last] as EntryKey, inclusiveEnd: true, reverse }
      const rows = this.#tables.entries.getRange({ ...range, limit: step, ...transactionOf(state) })
      const entries = Array.from(rows, ({ key, value }) => fromRecord(key[1], value, forms))
      if (!take(entries) || entries.length < step) return
      step = STEP
      const reached = (entries.at(-1) as MessageEntry).uid
      if (reverse) high = reached - 1
      else low = reached + 1
      if (timeSlice.isOver()) await rest(timeSlice, state)
    }
  }

  #get(folder: LmdbFolder, uid: number, state: ReadOptions): MessageEntry | undefined {
    const record = this.#tables.entries.get([folder.folder.id, uid], state)
    return record && fromRecord(uid, record, this.#forms(folder, state))
  }

  #forms(folder: LmdbFolder, state: ReadOptions): EntryForms {
    return { nameOf: this.#nameOf, canonical: folder.flags(this.#tables, state).canonical }
  }
}

type EntryKey = [folderId: string, uid: number]

/** The package looks at every option it is given. */
const transactionOf = ({ transaction }: ReadOptions): ReadOptions => (transaction ? { transaction } : {})

/** Takes entries, latest first, until one has not changed after `modSeq`. */
const takeChanged =
  (late: MessageEntry[], modSeq: number) =>
  (entries: readonly MessageEntry[]): boolean => {
    for (const entry of entries) {
      if (entry.modSeq <= modSeq) return false
      late.push(entry)
    }
    return true
  }

/** @throws StoreError `closed` */
async function rest(timeSlice: TimeSlice, state: HeldState): Promise<void> {
  await timeSlice.yield()
  state.check()
}

const afterChanges = (folderId: string): [string, number, number] => [...lastKey(folderId), 0]

/** Entries held in memory over all folders; beyond it the folders asked for longest ago are let go. */
const ENTRIES = 1_000_000

/** The folders whose entries are in memory, in the order they came. */
export class LoadedFolders {
  readonly #folders = new Set<LmdbFolder>()

  add(folder: LmdbFolder, index: FolderIndex): FolderIndex {
    this.#folders.delete(folder)
    this.#folders.add(folder)
    let entries = 0
    for (const { loaded } of this.#folders) entries += loaded?.exists ?? 0
    for (const oldest of this.#folders) {
      if (entries <= ENTRIES || oldest === folder) break
      entries -= oldest.loaded?.exists ?? 0
      this.remove(oldest)
    }
    return index
  }

  remove(folder: LmdbFolder): void {
    folder.unload()
    this.#folders.delete(folder)
  }

  clear(): void {
    for (const folder of this.#folders) folder.unload()
    this.#folders.clear()
  }
}
