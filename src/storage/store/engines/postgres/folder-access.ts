import type { FolderIndex } from '../../entries/folder-index.ts'
import { StoreError } from '../../errors.ts'
import type { Folder } from '../../folder.ts'
import type { FolderRegistry } from '../folder-registry.ts'
import { storeError } from './errors.ts'
import type { Folders } from './folders.ts'
import { FoldersBehind, type PostgresFolder } from './postgres-folder.ts'
import type { Replication } from './replication.ts'
import type { ReplicationListener } from './replication-listener.ts'
import type { Setbacks } from './setbacks.ts'

interface FolderAccessParts {
  readonly registry: FolderRegistry<PostgresFolder>
  readonly folders: Folders
  readonly listener: ReplicationListener
  readonly replication: Replication
  readonly setbacks: Setbacks
  /** @throws StoreError `closed` */
  readonly checkOpen: () => void
  /** Whether somebody wants to know what other nodes change in a folder. */
  readonly isWatched: (folder: Folder) => boolean
}

/** Finds folders, also those that other nodes have just created, and reads the entries that this node keeps of them. */
export class FolderAccess {
  readonly #parts: FolderAccessParts

  constructor(parts: FolderAccessParts) {
    this.#parts = parts
  }

  /** Runs work on the database. @throws StoreError `closed`, and for a DatabaseError */
  async run<T>(work: () => Promise<T>): Promise<T> {
    this.#parts.checkOpen()
    try {
      return await work()
    } catch (error) {
      throw storeError(error)
    }
  }

  /** Reads which folders other nodes have created, renamed and deleted, unless this node hears of them. @throws StoreError */
  async refresh(): Promise<void> {
    const { checkOpen, listener, folders } = this.#parts
    checkOpen()
    if (listener.currentSince === undefined) await this.run(() => folders.refresh())
  }

  /** Returns a folder if it exists. @throws StoreError `closed` */
  async find(folderId: string): Promise<PostgresFolder | undefined> {
    const { checkOpen, registry } = this.#parts
    checkOpen()
    const known = registry.get(folderId)
    if (known) return known
    await this.refresh()
    return registry.get(folderId)
  }

  /** Returns a folder. @throws StoreError `not-found`, `closed` */
  async need(folderId: string): Promise<PostgresFolder> {
    const state = await this.find(folderId)
    if (!state) throw notFound(folderId)
    return state
  }

  /** Returns folders, each once. @throws StoreError `not-found`, `closed` */
  async needAll(folderIds: readonly string[]): Promise<PostgresFolder[]> {
    const states: PostgresFolder[] = []
    for (const folderId of new Set(folderIds)) states.push(await this.need(folderId))
    return states
  }

  /** Uses the index of a folder, which is read before and follows its changes from then on. @throws StoreError `not-found` */
  withIndex<T>(folderId: string, use: (index: FolderIndex) => T): Promise<T> {
    const { replication } = this.#parts
    return this.#recovering(async () => {
      const state = await this.need(folderId)
      await this.run(() => replication.load(state))
      const end = await state.turn()
      try {
        const index = await this.run(() => replication.index(state))
        if (!index) throw notFound(folderId)
        return use(index)
      } finally {
        end()
      }
    })
  }

  /** Emits what other nodes have committed in a folder before this call, if anybody wants to know. @throws StoreError */
  emitChanges(folderId: string): Promise<void> {
    const { isWatched, replication } = this.#parts
    return this.#recovering(async () => {
      const state = await this.need(folderId)
      if (!isWatched(state.folder)) return
      const end = await state.turn()
      try {
        await this.run(() => replication.refresh(state))
      } finally {
        end()
      }
    })
  }

  /** Runs a reading of folders again, if the database turns out to have lost changes of them. @throws StoreError */
  async #recovering<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read()
    } catch (error) {
      if (!(error instanceof FoldersBehind)) throw error
      await this.run(() => this.#parts.setbacks.recover(error.states))
      return read()
    }
  }
}

/** Returns the error for a folder that does not exist. */
export const notFound = (folderId: string): StoreError =>
  new StoreError('not-found', `folder ${folderId} does not exist`)
