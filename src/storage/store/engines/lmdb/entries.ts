import { isSliceOver, nextSlice } from '../../../../core/time/time-slice.ts'
import { type Block, type BlockSource, uidsOf } from '../../entries/entry-block.ts'
import type { FolderIndex } from '../../entries/folder-index.ts'
import type { MessageEntry } from '../../message-entry.ts'
import type { StoreEvent } from '../../store-events.ts'
import type { UidRange } from '../../types.ts'
import type { FolderRegistry } from '../folder-registry.ts'
import type { Committed, HeldState, ReadOptions } from './committed.ts'
import { LmdbFolder } from './lmdb-folder.ts'
import { type EntryForms, fromRecord, lastKey, type Tables } from './tables.ts'

/** Number of entries read in the first step of a long read, and in later steps. Most reads end in the first one. */
const FIRST_STEP = 16
const STEP = 256

/**
 * The folders and entries of the last flushed commit. One entry, a range and the changes since a modSeq
 * are read from disk, in a time that does not depend on the folder's size. A folder that was opened has an index, which
 * reads blocks of entries when they are needed. Long reads yield to other sessions.
 */
export class Entries {
  readonly #folders: FolderRegistry<LmdbFolder>
  readonly #tables: Tables
  readonly #committed: Committed
  readonly #nameOf: (blob: number) => string
  readonly #blocks = new BlockCache()

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
    this.#blocks.clear()
    for (const { value } of this.#tables.folders.getRange(this.#committed.now)) this.#folders.add(new LmdbFolder(value))
  }

  /** Reads what committed changes are about to replace in memory. Call it before they are visible. */
  prepare(events: readonly StoreEvent[]): void {
    this.#blocks.settle()
    for (const event of events) this.#folders.get(event.folder.id)?.prepare(event)
  }

  /** Forgets all entries in memory: they may differ from the disk. */
  forget(): void {
    for (const folder of this.#folders.all) folder.close()
    this.#blocks.clear()
  }

  /** Applies a committed change to what is in memory. */
  apply(event: StoreEvent): void {
    const { folder } = event
    if (event.type === 'folder-created') this.#folders.add(new LmdbFolder(folder))
    else if (event.type === 'folder-changed') this.#folders.replace([folder])
    else if (event.type === 'folder-deleted') {
      this.#folders.remove(this.#folders.need(folder.id))
    } else this.#folders.get(folder.id)?.apply(event)
  }

  find(folderId: string, uid: number): MessageEntry | undefined {
    const folder = this.#folders.get(folderId)
    if (!folder) return undefined
    return folder.loaded ? folder.loaded.find(uid) : this.#get(folder, uid, this.#committed.now)
  }

  /** Returns the index of a folder, which follows its changes from then on. @throws StoreError `not-found`, `closed` */
  index(folder: LmdbFolder): FolderIndex {
    return folder.index(this.#tables, this.#sourceOf(folder), this.#committed.now)
  }

  async list(folder: LmdbFolder, range?: UidRange): Promise<readonly MessageEntry[]> {
    if (!range || folder.loaded) return this.index(folder).listInSlices(range)
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

  #sourceOf(folder: LmdbFolder): BlockSource {
    const { id } = folder.folder
    return {
      read: (block) => {
        const { from, to } = uidsOf(block)
        const state = this.#committed.now
        const range = { start: [id, from] as EntryKey, end: [id, to] as EntryKey, inclusiveEnd: true, ...state }
        const forms = this.#forms(folder, state)
        return Array.from(this.#tables.entries.getRange(range), ({ key, value }) => fromRecord(key[1], value, forms))
      },
      holds: (block, isChanged) => this.#blocks.add(block, isChanged),
      leaves: (block) => this.#blocks.delete(block),
    }
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

/** Limit of entries in memory over all folders, as far as they are also on disk. */
const MAX_ENTRIES = 1_000_000

/** The blocks of entries that are in memory and on disk, in the order of reading. Beyond the limit the oldest are dropped. */
class BlockCache {
  /** The number of their entries when they were added. */
  readonly #blocks = new Map<Block, number>()
  /** Blocks that differ from the disk until all changes of a transaction are applied. */
  readonly #changed = new Set<Block>()
  #entries = 0

  add(block: Block, isChanged: boolean): void {
    if (isChanged) this.#changed.add(block)
    if (this.#blocks.has(block)) return
    this.#blocks.set(block, block.size)
    this.#entries += block.size
    this.#trim(block)
  }

  delete(block: Block): void {
    this.#entries -= this.#blocks.get(block) ?? 0
    this.#blocks.delete(block)
    this.#changed.delete(block)
  }

  /** Notes that the blocks in memory are as on disk. */
  settle(): void {
    for (const block of this.#changed) {
      this.delete(block)
      this.add(block, false)
    }
    this.#changed.clear()
  }

  clear(): void {
    this.#blocks.clear()
    this.#changed.clear()
    this.#entries = 0
  }

  #trim(newest: Block): void {
    if (this.#entries <= MAX_ENTRIES) return
    for (const oldest of this.#blocks.keys()) {
      if (this.#entries <= MAX_ENTRIES || oldest === newest) break
      if (this.#changed.has(oldest)) continue
      this.delete(oldest)
      oldest.drop()
    }
  }
}
