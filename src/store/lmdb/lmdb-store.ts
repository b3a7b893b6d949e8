import type { Logger } from 'pino'
import type { Clock } from '../../clock.ts'
import { StoreError } from '../errors.ts'
import type { FolderIndex } from '../folder-index.ts'
import { FolderRegistry, nextUidValidity, withSettings } from '../folder-registry.ts'
import { gather } from '../gather.ts'
import { folderName } from '../names.ts'
import type {
  CopyResult,
  FlagChange,
  FlagChangeResult,
  Folder,
  FolderSettings,
  FolderSnapshot,
  FolderStatus,
  Location,
  MessageEntry,
  MessageStore,
  NewMessage,
  Origin,
  Owner,
  StoredMessage,
  StoreEvent,
  UidRange,
} from '../types.ts'
import { Watchers } from '../watchers.ts'
import { Bodies } from './bodies.ts'
import { Commits } from './commits.ts'
import { LmdbFolder, lastKey } from './lmdb-folder.ts'
import { LoadedFolders } from './loaded-folders.ts'
import { StoreDraft } from './store-draft.ts'
import { type Tables, textKey } from './tables.ts'

export interface LmdbStoreOptions {
  readonly clock: Clock
  readonly log: Logger
  /** Gives the folder free for others; called once at the end. */
  readonly unlock: () => Promise<void>
}

/**
 * A store in a folder on disk, made of LMDB. What a promise said is there is there after a crash. Reads see the last
 * commit; folders' entries are held in memory while they are in use, octets are read when they are asked for.
 */
export class LmdbStore implements MessageStore {
  readonly #tables: Tables
  readonly #clock: Clock
  readonly #unlock: () => Promise<void>
  readonly #watchers: Watchers
  readonly #bodies: Bodies
  readonly #folders = new FolderRegistry<LmdbFolder>()
  readonly #loaded = new LoadedFolders()
  readonly #commits: Commits<StoreEvent, StoreDraft>
  #closing: Promise<void> | undefined

  constructor(tables: Tables, { clock, log, unlock }: LmdbStoreOptions) {
    this.#tables = tables
    this.#clock = clock
    this.#unlock = unlock
    this.#watchers = new Watchers((error) => log.error({ err: error }, 'a watcher of the store failed'))
    this.#bodies = new Bodies(tables)
    this.#commits = new Commits(
      tables.env,
      () => new StoreDraft(tables, this.#bodies, (folderId) => this.#folders.need(folderId)),
      (event) => this.#apply(event),
      () => this.#readFolders(),
    )
    this.#readFolders()
    if (!tables.readOnly) this.#removeDoomed()
  }

  createFolder(owner: Owner, name: string, settings: FolderSettings = {}): Promise<Folder> {
    const { meta } = this.#tables
    return this.#change((draft) => {
      this.#folders.checkFree(owner, name)
      const uidValidity = nextUidValidity(Number(meta.get('lastUidValidity') ?? 0), this.#clock.now())
      const number = Number(meta.get('lastFolder') ?? 0) + 1
      const id = `F${meta.get('tag')}-${number.toString(36)}`
      const folder: Folder = { id, owner, name: folderName(owner, name), uidValidity, ...settings }
      draft.createFolder(folder)
      meta.putSync('lastUidValidity', uidValidity)
      meta.putSync('lastFolder', number)
      return folder
    }, true)
  }

  deleteFolder(folderId: string): Promise<void> {
    return this.#change((draft) => draft.deleteFolder(folderId), true)
  }

  renameFolder(folderId: string, name: string): Promise<Folder> {
    return this.#change((draft) => {
      const plan = this.#folders.planRename(folderId, name)
      for (const { folder, previousName } of plan) {
        if (folder.name !== previousName) draft.changeFolder(folder, previousName)
      }
      return plan.find(({ folder }) => folder.id === folderId)?.folder ?? this.#folders.need(folderId).folder
    }, true)
  }

  updateFolder(folderId: string, settings: FolderSettings): Promise<Folder> {
    return this.#change((draft) => {
      const folder = withSettings(this.#folders.need(folderId).folder, settings)
      draft.changeFolder(folder, folder.name)
      return folder
    }, true)
  }

  async findFolder(owner: Owner, name: string): Promise<Folder | undefined> {
    return this.#folders.find(owner, name)?.folder
  }

  async listFolders(owner: Owner): Promise<readonly Folder[]> {
    return this.#folders.list(owner)
  }

  async listOwners(): Promise<readonly Owner[]> {
    return this.#folders.owners
  }

  async status(folderId: string): Promise<FolderStatus> {
    return this.#need(folderId).status(this.#tables)
  }

  async snapshot(folderId: string): Promise<FolderSnapshot> {
    return (await this.#index(folderId)).snapshot()
  }

  async subscriptions(owner: Owner): Promise<readonly string[]> {
    this.#checkOpen()
    const range = this.#tables.subscriptions.getRange({ start: [owner, ''], end: [owner, '\uffff'] })
    return Array.from(range, ({ value }) => value).sort()
  }

  setSubscribed(owner: Owner, name: string, subscribed: boolean): Promise<void> {
    const { subscriptions } = this.#tables
    const full = folderName(owner, name)
    return this.#put(() => {
      if (subscribed) subscriptions.putSync([owner, textKey(full)], full)
      else subscriptions.removeSync([owner, textKey(full)])
    })
  }

  async append(batch: readonly NewMessage[], origin?: Origin): Promise<readonly StoredMessage[]> {
    this.#checkWritable()
    for (const { targets } of batch) for (const { folderId } of targets) this.#need(folderId)
    const raws: Buffer[] = []
    for (const { raw } of batch) raws.push(Buffer.isBuffer(raw) ? raw : await gather(raw))
    return this.#change((draft) => draft.append(batch, raws, this.#clock.now(), origin))
  }

  async list(folderId: string, range?: UidRange): Promise<readonly MessageEntry[]> {
    return (await this.#index(folderId)).list(range)
  }

  async entry(folderId: string, uid: number): Promise<MessageEntry | undefined> {
    return this.#find(folderId, uid)
  }

  async read(folderId: string, uid: number, start?: number, end?: number): Promise<Buffer | undefined> {
    const entry = await this.#find(folderId, uid)
    return entry && this.#bodies.read(this.#bodies.numberOf(entry.blob), ...within(entry, start, end))
  }

  async *stream(folderId: string, uid: number, start?: number, end?: number): AsyncGenerator<Buffer, void, void> {
    const entry = await this.#find(folderId, uid)
    if (!entry) return
    const blob = this.#bodies.numberOf(entry.blob)
    yield* this.#bodies.stream(blob, ...within(entry, start, end), () => this.#removeDoomed())
  }

  async setFlags(
    folderId: string,
    uids: readonly number[],
    change: FlagChange,
    origin?: Origin,
  ): Promise<FlagChangeResult> {
    await this.#index(folderId)
    return this.#change((draft) => draft.setFlags(folderId, uids, change, origin))
  }

  async copy(folderId: string, uids: readonly number[], targetFolderId: string, origin?: Origin): Promise<CopyResult> {
    await this.#index(targetFolderId)
    return this.#change((draft) => draft.copy(folderId, uids, targetFolderId, this.#clock.now(), origin))
  }

  async move(folderId: string, uids: readonly number[], targetFolderId: string, origin?: Origin): Promise<CopyResult> {
    await this.#index(targetFolderId)
    return this.#change((draft) => draft.move(folderId, uids, targetFolderId, this.#clock.now(), origin))
  }

  expunge(folderId: string, uids: readonly number[], origin?: Origin): Promise<readonly number[]> {
    return this.#change((draft) => draft.expunge(folderId, uids, origin))
  }

  async vanishedSince(folderId: string, modSeq: number): Promise<readonly number[]> {
    this.#need(folderId)
    const range = this.#tables.vanished.getRange({ start: [folderId, modSeq + 1], end: lastKey(folderId) })
    return Array.from(range, ({ value }) => value)
      .flat()
      .sort((a, b) => a - b)
  }

  async locate(messageId: string): Promise<readonly Location[]> {
    this.#checkOpen()
    const key = textKey(messageId)
    const places = this.#tables.places.getKeys({ start: [key, '', 0], end: [key, '\uffff', 0] })
    return [...places].flatMap(([, folderId, uid]) => {
      const folder = this.#folders.get(folderId)?.folder
      return folder ? [{ folder, uid }] : []
    })
  }

  async knows(messageId: string): Promise<boolean> {
    this.#checkOpen()
    return this.#tables.history.get(textKey(messageId)) === true
  }

  remember(messageId: string): Promise<void> {
    return this.#put(() => this.#tables.history.putSync(textKey(messageId), true))
  }

  async getState(key: string): Promise<string | undefined> {
    this.#checkOpen()
    return this.#tables.state.get(textKey(key))
  }

  setState(key: string, value: string | undefined): Promise<void> {
    return this.#put(() => {
      if (value === undefined) this.#tables.state.removeSync(textKey(key))
      else this.#tables.state.putSync(textKey(key), value)
    })
  }

  watch(listener: (event: StoreEvent) => void, folderId?: string): () => void {
    return this.#watchers.add(listener, folderId)
  }

  clear(): Promise<void> {
    return this.#change((draft) => {
      for (const { folder } of [...this.#folders.all]) draft.deleteFolder(folder.id)
      draft.writes++
      const { history, places, subscriptions, state } = this.#tables
      for (const table of [history, places, subscriptions, state]) table.clearSync()
    }, true)
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#commits.idle()
    await this.#tables.env.close()
    await this.#unlock()
  }

  /** @throws StoreError `closed`, `read-only` and what `work` throws */
  async #change<T>(work: (draft: StoreDraft) => T, alone = false): Promise<T> {
    this.#checkWritable()
    return this.#commits.run(work, alone)
  }

  #put(write: () => void): Promise<void> {
    return this.#change((draft) => {
      draft.writes++
      write()
    })
  }

  /** What a commit changed, made true in memory and told to those who watch. */
  #apply(event: StoreEvent): void {
    const { folder } = event
    const index = this.#folders.get(folder.id)?.loaded
    if (event.type === 'appended') index?.append(event.entries)
    else if (event.type === 'flags') index?.replace(event.entries)
    else if (event.type === 'expunged') index?.remove(event.uids, event.modSeq)
    else if (event.type === 'folder-created') this.#folders.add(new LmdbFolder(folder))
    else if (event.type === 'folder-changed') this.#folders.replace([folder])
    else {
      const gone = this.#folders.need(folder.id)
      this.#loaded.remove(gone)
      this.#folders.remove(gone)
    }
    this.#watchers.emit(event)
  }

  #readFolders(): void {
    this.#folders.clear()
    this.#loaded.clear()
    for (const { value } of this.#tables.folders.getRange({})) this.#folders.add(new LmdbFolder(value))
  }

  /** Octets that were kept for a reader only. */
  #removeDoomed(): void {
    const { doomed } = this.#tables
    if (this.#closing || doomed.getCount() === 0) return
    const removal = this.#commits.run((draft) => {
      draft.writes++
      for (const { key, value } of [...doomed.getRange({})]) {
        if (!this.#bodies.isRead(key)) this.#bodies.remove(key, value)
      }
    })
    // Where there is no room to note it, the next start does it.
    removal.catch(() => {})
  }

  async #find(folderId: string, uid: number): Promise<MessageEntry | undefined> {
    this.#checkOpen()
    return this.#folders.get(folderId) && (await this.#index(folderId)).find(uid)
  }

  /** The entries of a folder, read into memory if they are not there. @throws StoreError `not-found` */
  async #index(folderId: string): Promise<FolderIndex> {
    const index = this.#need(folderId).loaded
    if (index) return index
    await this.#commits.current()
    const folder = this.#need(folderId)
    return this.#loaded.add(folder, folder.load(this.#tables, this.#bodies.nameOf))
  }

  #need(folderId: string): LmdbFolder {
    this.#checkOpen()
    return this.#folders.need(folderId)
  }

  #checkWritable(): void {
    this.#checkOpen()
    if (this.#tables.readOnly)
      throw new StoreError('read-only', 'the store was opened read-only: its folder cannot be written to')
  }

  #checkOpen(): void {
    if (this.#closing) throw new StoreError('closed', 'the store is closed')
  }
}

function within({ sizeOctets }: MessageEntry, start = 0, end = sizeOctets): [start: number, end: number] {
  return [Math.min(start, sizeOctets), Math.min(end, sizeOctets)]
}
