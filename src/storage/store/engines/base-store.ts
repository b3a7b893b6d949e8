import type { Clock } from '../../../core/time/clock.ts'
import { isSliceOver, nextSlice } from '../../../core/time/time-slice.ts'
import type { Overview } from '../../../mail/format/overview.ts'
import { StoreError } from '../errors.ts'
import type { Folder, Owner } from '../folder.ts'
import type { MessageEntry } from '../message-entry.ts'
import type { Origin } from '../origin.ts'
import type { StoreEvent, WatchedFolders } from '../store-events.ts'
import type {
  CopyResult,
  ExpectedMessage,
  FlagChange,
  FlagChangeResult,
  FolderLock,
  FolderStatus,
  HoldLimit,
  MessageSource,
  NewMessage,
  OldestMessage,
  ReadPart,
  Totals,
} from '../types.ts'
import type { BaseChangeSet, ChangeableFolder } from './change-set.ts'
import { FolderLocks } from './folder-locks.ts'
import { FolderRegistry, type FolderState } from './folder-registry.ts'
import type { DropOldest } from './full/drop-oldest.ts'
import { isCounted } from './full/limits.ts'
import { Listeners } from './listeners.ts'

/** How changes of many messages run. */
export interface Steps {
  /** Whether they change nothing but flags. */
  readonly onlyFlags?: boolean
  /** The most that the owner of the last folder may have afterwards. */
  readonly limit?: HoldLimit | undefined
}

/**
 * The common part of the stores: the folders by name and id, their locks, the listeners, the changes of many messages, and
 * whether the store is closed.
 */
export abstract class BaseStore<State extends FolderState, Changes extends BaseChangeSet<ChangeableFolder, never>> {
  protected readonly clock: Clock
  protected readonly folders = new FolderRegistry<State>()
  protected isClosed = false
  /** Makes room in a full store, if `whenFull` says so. */
  protected dropOldest: DropOldest | undefined
  readonly #listeners: Listeners
  readonly #locks = new FolderLocks((folderId, uids, origin) => this.expunge(folderId, uids, origin))

  /** @param listenerFailed receives the errors that listeners throw */
  constructor(clock: Clock, listenerFailed: (error: unknown) => void) {
    this.clock = clock
    this.#listeners = new Listeners(listenerFailed)
  }

  async findFolder(owner: Owner, name: string): Promise<Folder | undefined> {
    return this.folderNamed(owner, name)
  }

  folderNamed(owner: Owner, name: string): Folder | undefined {
    return this.folders.find(owner, name)?.folder
  }

  folderOf(folderId: string): Folder | undefined {
    return this.folders.get(folderId)?.folder
  }

  async listFolders(owner: Owner): Promise<readonly Folder[]> {
    return this.folders.list(owner)
  }

  async listOwners(): Promise<readonly Owner[]> {
    return this.folders.owners
  }

  async oldest(folderIds: readonly string[]): Promise<ReadonlyMap<string, OldestMessage>> {
    const found = new Map<string, OldestMessage>()
    for (const id of folderIds) {
      if (isSliceOver()) await nextSlice()
      if (!this.folders.get(id)) continue
      const { exists, sizeOctets, lowestUid } = await this.status(id)
      const entry = exists > 0 ? await this.entry(id, lowestUid) : undefined
      if (entry) found.set(id, { exists, sizeOctets, savedAt: entry.savedAt })
    }
    return found
  }

  async totals(apart: readonly Owner[]): Promise<readonly Totals[]> {
    this.checkOpen()
    const found = new Map<Owner | null, { exists: number; sizeOctets: number }>()
    for (const one of this.folders.owners) {
      const owner = apart.includes(one) ? one : null
      const sum = found.get(owner) ?? { exists: 0, sizeOctets: 0 }
      found.set(owner, sum)
      for (const { id } of this.folders.list(one)) {
        if (isSliceOver()) await nextSlice()
        // Deleted meanwhile.
        if (!this.folders.get(id)) continue
        const { exists, sizeOctets } = await this.status(id)
        sum.exists += exists
        sum.sizeOctets += sizeOctets
      }
    }
    return [...found].map(([owner, sum]) => ({ owner, ...sum }))
  }

  /** Has nothing to do: no other process changes the store. */
  async refresh(): Promise<void> {
    this.checkOpen()
  }

  watch(listener: (event: StoreEvent) => void, folders?: WatchedFolders): () => void {
    const stop = this.#listeners.add(listener, folders)
    this.watchesMore(typeof folders === 'string' ? folders : undefined)
    return stop
  }

  async lockFolder(folderId: string): Promise<FolderLock | undefined> {
    this.need(folderId)
    return this.#locks.lock(folderId)
  }

  async lockedFolders(): Promise<ReadonlySet<string>> {
    return this.#locks.folderIds
  }

  expungeUnlocked(folderId: string, uids: readonly number[], origin?: Origin): Promise<readonly number[]> {
    return this.#locks.expungeUnlocked(folderId, uids, origin)
  }

  async setFlags(
    folderId: string,
    uids: readonly number[],
    change: FlagChange,
    origin?: Origin,
  ): Promise<FlagChangeResult> {
    const set = (changes: Changes, some: readonly number[]) => changes.setFlags(folderId, some, change, origin)
    const results = await this.inSteps([folderId], uids, set, { onlyFlags: true })
    return {
      entries: results.flatMap(({ entries }) => entries),
      modified: results.flatMap(({ modified }) => modified),
    }
  }

  async move(
    folderId: string,
    uids: readonly number[],
    targetFolderId: string,
    origin?: Origin,
    limit?: HoldLimit,
  ): Promise<CopyResult> {
    const move = (changes: Changes, some: readonly number[]) =>
      changes.move(folderId, some, targetFolderId, { now: this.clock.now(), origin, limit })
    const results = await this.inSteps([folderId, targetFolderId], uids, move, { limit })
    return { from: results.flatMap(({ from }) => from), to: results.flatMap(({ to }) => to) }
  }

  async expunge(folderId: string, uids: readonly number[], origin?: Origin): Promise<readonly number[]> {
    const results = await this.inSteps([folderId], uids, (changes, some) => changes.expunge(folderId, some, origin))
    return results.flat()
  }

  /** Returns the store itself, because every message is at hand. */
  readAhead(_expected: Iterable<ExpectedMessage>, _part?: ReadPart): MessageSource {
    return this
  }

  /** Ends a source that `readAhead` returned: it holds nothing. */
  [Symbol.dispose](): void {}

  abstract status(folderId: string): Promise<FolderStatus>

  abstract entry(folderId: string, uid: number): Promise<MessageEntry | undefined>

  abstract read(folderId: string, uid: number, start?: number, end?: number): Promise<Buffer | undefined>

  abstract overview(folderId: string, uid: number): Promise<Overview | undefined>

  /**
   * Changes many messages of the first folder in several steps, so that other sessions do not wait for long. Returns the results
   * in uid order. @throws StoreError `not-found`, and what a step throws
   */
  protected abstract inSteps<T>(
    folderIds: readonly string[],
    uids: readonly number[],
    step: (changes: Changes, some: readonly number[]) => T,
    steps?: Steps,
  ): Promise<readonly T[]>

  /** Runs a change that needs room. If it does not fit and `whenFull` says so, the oldest messages are deleted first. */
  protected withRoom<T>(change: () => T | Promise<T>): T | Promise<T> {
    return this.dropOldest ? this.dropOldest.run(change) : change()
  }

  /** Returns how many messages a batch adds to folders whose messages are counted. @throws StoreError `not-found` */
  protected countedIn(batch: readonly NewMessage[]): number {
    let messages = 0
    for (const { targets } of batch) {
      for (const { folderId } of targets) if (isCounted(this.need(folderId).folder)) messages++
    }
    return messages
  }

  protected emit(event: StoreEvent): void {
    this.#listeners.emit(event)
  }

  /** Returns whether a listener wants to know what other processes change in a folder. */
  protected isWatched(folder: Folder): boolean {
    return this.#listeners.follow(folder)
  }

  /** The folders that listeners watch by their ids; undefined if any folder may be watched. */
  protected get watchedFolders(): Iterable<string> | undefined {
    return this.#listeners.folders
  }

  /** Called with each new listener. @param _folderId undefined: it may watch any folder */
  protected watchesMore(_folderId: string | undefined): void {}

  /** Returns the state of a folder. @throws StoreError `closed`, `not-found` */
  protected need(folderId: string): State {
    this.checkOpen()
    return this.folders.need(folderId)
  }

  /** Checks that the store is open. @throws StoreError `closed` */
  protected checkOpen(): void {
    if (this.isClosed) throw new StoreError('closed', 'the store is closed')
  }
}
