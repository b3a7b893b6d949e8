import { isSliceOver, nextSlice } from '../../common/time-slice.ts'
import { FolderIndex } from '../folder-index.ts'
import type { FolderRegistry } from '../folder-registry.ts'
import type { MessageEntry, StoreEvent, UidRange } from '../types.ts'
import type { Committed, HeldState, ReadOptions } from './committed.ts'
import { LmdbFolder, numbersOf } from './lmdb-folder.ts'
import { type EntryForms, fromRecord, lastKey, type Tables } from './tables.ts'

/** Number of entries read in the first step of a long read, and in later steps. Most reads end in the first one. */
const FIRST_STEP = 16
const STEP = 256

/**
 * The folders and entries of the last flushed commit. One entry, a range and the changes since a modSeq
 * are read from disk, in a time that does not depend on the folder's size. A folder of which all entries were needed is
 * in memory. Long reads yield to other sessions.
 */
export class Entries {
  readonly #folders: FolderRegistry<LmdbFolder>
  readonly #tables: Tables
  readonly #committed: Committed
  readonly #nameOf: (blob: number) => string
  readonly #loaded = new LoadedFolders()

  constructor(
    folders: FolderRegistry<LmdbFolder>,
    tables: Tables,
    committed: Committed,
    nameOf: (blob: number) => string,
  ) {
    this.#folders = folders
    this.#tables = tables
    this.#committed = committed
    this.#nameOf = nameOf
  }

  /** Reads all folders from disk, at the start and after a failed flush. */
  readFolders(): void {
    this.#committed.renew()
    this.#folders.clear()
    this.#loaded.clear()
    for (const { value } of this.#tables.folders.getRange(this.#committed.now)) this.#folders.add(new LmdbFolder(value))
  }

  /** Applies a committed change to what is in memory. */
  apply(event: StoreEvent): void {
    const { folder } = event
    if (event.type === 'folder-created') this.#folders.add(new LmdbFolder(folder))
    else if (event.type === 'folder-changed') this.#folders.replace([folder])
    else if (event.type === 'folder-deleted') {
      const deleted = this.#folders.need(folder.id)
      this.#loaded.remove(deleted)
      this.#folders.remove(deleted)
    } else this.#folders.get(folder.id)?.apply(event)
  }

  find(folderId: string, uid: number): MessageEntry | undefined {
    const folder = this.#folders.get(folderId)
    if (!folder) return undefined
    return folder.loaded ? folder.loaded.find(uid) : this.#get(folder, uid, this.#committed.now)
  }

  /** Returns all entries of a folder, which stay in memory. @throws StoreError `not-found`, `closed` */
  async all(folderId: string): Promise<FolderIndex> {
    const folder = this.#folders.need(folderId)
    const index = folder.loaded ?? this.#loaded.add(folder, await folder.load(() => this.#read(folder)))
    if (this.#folders.get(folderId) === folder) return index
    // While the entries were read, the folder was deleted, or all folders were read again after a failed flush.
    this.#loaded.remove(folder)
    return this.all(folderId)
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

  /** Returns the entries added or changed after `modSeq`, in uid order. */
  async changedSince(folder: LmdbFolder, modSeq: number): Promise<readonly MessageEntry[]> {
    using state = this.#committed.hold()
    const late: MessageEntry[] = []
    // Reads from the end back to the first entry that has not changed. Earlier entries that changed are in `changed`.
    await this.#each(folder, { from: 0, to: Number.MAX_SAFE_INTEGER }, state, takeChanged(late, modSeq), true)
    const before = late.at(-1)?.uid ?? Number.POSITIVE_INFINITY
    const early: MessageEntry[] = []
    const { id } = folder.folder
    const start: [string, number, number] = [id, modSeq + 1, 0]
    const keys = this.#tables.changed.getKeys({ start, end: [...lastKey(id), 0], ...transactionOf(state) })
    for (const [, , uid] of [...keys]) {
      const entry = uid < before ? this.#get(folder, uid, state) : undefined
      if (entry) early.push(entry)
      if (isSliceOver()) await yieldTo(state)
    }
    return [...early.sort((a, b) => a.uid - b.uid), ...late.reverse()]
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

  /** Passes the entries of a range to `take`, some at a time, until it returns false. */
  async #each(
    folder: LmdbFolder,
    { from, to }: UidRange,
    state: HeldState,
    take: (entries: readonly MessageEntry[]) => boolean,
    reverse = false,
  ): Promise<void> {
    const { id } = folder.folder
    const forms = this.#forms(folder, state)
    let step = FIRST_STEP
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
      if (isSliceOver()) await yieldTo(state)
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

/** Removes the other properties of a held state, because the package reads every property of its options. */
const transactionOf = ({ transaction }: ReadOptions): ReadOptions => (transaction ? { transaction } : {})

/** Returns a function that collects entries, latest first, up to the first one that is not newer than `modSeq`. */
const takeChanged =
  (late: MessageEntry[], modSeq: number) =>
  (entries: readonly MessageEntry[]): boolean => {
    for (const entry of entries) {
      if (entry.modSeq <= modSeq) return false
      late.push(entry)
    }
    return true
  }

/** Yields to other sessions. @throws StoreError `closed` if the store was closed meanwhile */
async function yieldTo(state: HeldState): Promise<void> {
  await nextSlice()
  state.check()
}

/** Limit of entries in memory over all folders. */
const MAX_LOADED_ENTRIES = 1_000_000

/** The folders whose entries are in memory, in the order of loading. Beyond the limit the oldest are unloaded. */
class LoadedFolders {
  readonly #folders = new Set<LmdbFolder>()

  add(folder: LmdbFolder, index: FolderIndex): FolderIndex {
    this.#folders.delete(folder)
    this.#folders.add(folder)
    let entries = 0
    for (const { loaded } of this.#folders) entries += loaded?.exists ?? 0
    for (const oldest of this.#folders) {
      if (entries <= MAX_LOADED_ENTRIES || oldest === folder) break
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
