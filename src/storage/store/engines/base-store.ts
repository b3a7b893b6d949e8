import type { Clock } from '../../../core/time/clock.ts'
import { isSliceOver, nextSlice } from '../../../core/time/time-slice.ts'
import type { Overview } from '../../../mail/format/overview.ts'
import {
  type ExpectedMessage,
  type Folder,
  type FolderLock,
  type FolderStatus,
  type MessageEntry,
  type MessageSource,
  type OldestMessage,
  type Origin,
  OUTGOING_OWNER,
  OWN_CHANGES,
  type Owner,
  type ReadPart,
  StoreError,
  type StoreEvent,
  type Totals,
  type WatchedFolders,
} from '../types.ts'
import { FolderLocks } from './folder-locks.ts'
import { FolderRegistry, type FolderState } from './folder-registry.ts'

/**
 * The common part of the embedded stores: the folders by name and id, their locks, the listeners, and whether the store is
 * closed.
 */
export abstract class BaseStore<State extends FolderState> {
  protected readonly clock: Clock
  protected readonly folders = new FolderRegistry<State>()
  protected isClosed = false
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

  abstract expunge(folderId: string, uids: readonly number[], origin?: Origin): Promise<readonly number[]>

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

type Listener = (event: StoreEvent) => void
type Follows = (folder: Folder) => boolean

const everything: Follows = () => true

/** Calls every listener for every change in commit order, also for changes that a listener makes. */
class Listeners {
  readonly #everywhere = new Map<Listener, Follows>()
  readonly #byFolder = new Map<string, Set<Listener>>()
  readonly #failed: (error: unknown) => void
  #queue: StoreEvent[] = []
  #isEmitting = false

  /** @param failed receives the errors that listeners throw; the other listeners are still called */
  constructor(failed: (error: unknown) => void) {
    this.#failed = failed
  }

  add(listener: Listener, folders: WatchedFolders = { follows: everything }): () => void {
    // Wrapped in a new function, so that a listener added twice is called twice.
    const own: Listener = (event) => listener(event)
    if (typeof folders === 'string') return this.#addTo(folders, own)
    this.#everywhere.set(own, folders.follows)
    return () => this.#everywhere.delete(own)
  }

  /** Returns whether a listener wants to know what other processes change in a folder. */
  follow(folder: Folder): boolean {
    if (this.#byFolder.has(folder.id)) return true
    if (folder.owner === OUTGOING_OWNER) return false
    for (const follows of this.#everywhere.values()) if (follows(folder)) return true
    return false
  }

  /** The folders that are watched by their ids; undefined if any folder may be watched. */
  get folders(): Iterable<string> | undefined {
    for (const follows of this.#everywhere.values()) if (follows !== OWN_CHANGES.follows) return undefined
    return this.#byFolder.keys()
  }

  emit(event: StoreEvent): void {
    this.#queue.push(event)
    if (this.#isEmitting) return
    this.#isEmitting = true
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) this.#emitNow(next)
    this.#isEmitting = false
  }

  #addTo(folderId: string, own: Listener): () => void {
    const listeners = this.#byFolder.get(folderId) ?? new Set()
    this.#byFolder.set(folderId, listeners.add(own))
    return () => {
      listeners.delete(own)
      if (listeners.size === 0 && this.#byFolder.get(folderId) === listeners) this.#byFolder.delete(folderId)
    }
  }

  #emitNow(event: StoreEvent): void {
    if (event.folder.owner !== OUTGOING_OWNER) {
      for (const [listener, follows] of this.#everywhere) {
        if (!event.isRemote || follows(event.folder)) this.#call(listener, event)
      }
    }
    for (const listener of this.#byFolder.get(event.folder.id) ?? []) this.#call(listener, event)
  }

  #call(listener: Listener, event: StoreEvent): void {
    try {
      listener(event)
    } catch (error) {
      this.#failed(error)
    }
  }
}
