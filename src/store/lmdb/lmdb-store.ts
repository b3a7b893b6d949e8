import type { Logger } from 'pino'
import type { Clock } from '../../common/clock.ts'
import { type Overview, overview } from '../../mail/overview.ts'
import type { FolderIndex } from '../folder-index.ts'
import { FolderRegistry, nextUidValidity, withSettings } from '../folder-registry.ts'
import { folderName } from '../mailboxes.ts'
import {
  type CopyResult,
  type FlagChange,
  type FlagChangeResult,
  type Folder,
  type FolderSettings,
  type FolderSnapshot,
  type FolderStatus,
  type Location,
  type MessageEntry,
  type MessageStore,
  type NewMessage,
  type Origin,
  type Owner,
  type StoredMessage,
  StoreError,
  type StoreEvent,
  type UidRange,
} from '../types.ts'
import { Watchers } from '../watchers.ts'
import { fromOverviewRecord } from './articles.ts'
import { Bodies, type StreamedBlob } from './bodies.ts'
import { Commits, type OperationTraits } from './commits.ts'
import { Committed } from './committed.ts'
import { Entries } from './entries.ts'
import { Incoming } from './incoming.ts'
import { LmdbFolder } from './lmdb-folder.ts'
import { StoreDraft } from './store-draft.ts'
import { LAST_TEXT, lastKey, type Tables, textKey } from './tables.ts'

export interface LmdbStoreOptions {
  readonly clock: Clock
  readonly log: Logger
  /** Gives the folder free for others; called once at the end. */
  readonly unlock: () => Promise<void>
}

/**
 * A store in a folder on disk, made of LMDB. What a promise said is there is there after a crash. Reads see the last
 * commit that is surely on disk; nothing but a folder opened whole is held in memory.
 */
export class LmdbStore implements MessageStore {
  readonly #tables: Tables
  readonly #clock: Clock
  readonly #log: Logger
  readonly #unlock: () => Promise<void>
  readonly #watchers: Watchers
  readonly #committed: Committed
  readonly #bodies: Bodies
  readonly #folders = new FolderRegistry<LmdbFolder>()
  readonly #entries: Entries
  readonly #commits: Commits<StoreEvent, StoreDraft>
  #closing: Promise<void> | undefined

  constructor(tables: Tables, { clock, log, unlock }: LmdbStoreOptions) {
    this.#tables = tables
    this.#clock = clock
    this.#log = log
    this.#unlock = unlock
    this.#watchers = new Watchers((error) => log.error({ err: error }, 'a watcher of the store failed'))
    this.#committed = new Committed(tables.env, tables.readOnly)
    this.#bodies = new Bodies(tables, this.#committed)
    this.#entries = new Entries(tables, this.#committed, this.#bodies.nameOf)
    this.#commits = new Commits(tables.env, {
      draft: () => new StoreDraft(tables, this.#bodies, (folderId) => this.#folders.need(folderId)),
      durable: () => {
        this.#committed.renew()
        this.#bodies.durable()
      },
      apply: (event) => this.#apply(event),
      lost: () => this.#readFolders(),
    })
    this.#readFolders()
    if (!tables.readOnly) void this.#removeDoomed()
  }

  createFolder(owner: Owner, name: string, settings: FolderSettings = {}): Promise<Folder> {
    const { meta } = this.#tables
    return this.#change(
      (draft) => {
        this.#folders.checkFree(owner, name)
        const uidValidity = nextUidValidity(Number(meta.get('lastUidValidity') ?? 0), this.#clock.now())
        const number = Number(meta.get('lastFolder') ?? 0) + 1
        const id = `F${meta.get('tag')}-${number.toString(36)}`
        const folder: Folder = { id, owner, name: folderName(owner, name), uidValidity, ...settings }
        draft.createFolder(folder)
        meta.putSync('lastUidValidity', uidValidity)
        meta.putSync('lastFolder', number)
        return folder
      },
      { alone: true },
    )
  }

  deleteFolder(folderId: string): Promise<void> {
    return this.#change((draft) => draft.deleteFolder(folderId), { alone: true })
  }

  renameFolder(folderId: string, name: string): Promise<Folder> {
    return this.#change(
      (draft) => {
        const plan = this.#folders.planRename(folderId, name)
        for (const { folder, previousName } of plan) {
          if (folder.name !== previousName) draft.changeFolder(folder, previousName)
        }
        return plan.find(({ folder }) => folder.id === folderId)?.folder ?? this.#folders.need(folderId).folder
      },
      { alone: true },
    )
  }

  updateFolder(folderId: string, settings: FolderSettings): Promise<Folder> {
    return this.#change(
      (draft) => {
        const folder = withSettings(this.#folders.need(folderId).folder, settings)
        draft.changeFolder(folder, folder.name)
        return folder
      },
      { alone: true },
    )
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
    return this.#need(folderId).status(this.#tables, this.#committed.now)
  }

  async snapshot(folderId: string): Promise<FolderSnapshot> {
    return (await this.#index(folderId)).snapshot()
  }

  async subscriptions(owner: Owner): Promise<readonly string[]> {
    const range = { start: [owner, ''] as [string, string], end: [owner, LAST_TEXT] as [string, string] }
    const names = this.#tables.subscriptions.getRange({ ...range, ...this.#committed.now })
    return Array.from(names, ({ value }) => value).sort()
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
    const incoming = new Incoming(this.#bodies, (work, octets) => this.#change(work, { octets }))
    try {
      const raws: (Buffer | StreamedBlob)[] = []
      for (const { raw } of batch) raws.push(await incoming.take(raw))
      const octets = raws.reduce((sum, raw) => sum + (Buffer.isBuffer(raw) ? raw.length : 0), 0)
      const stored = await this.#change((draft) => draft.append(batch, raws, this.#clock.now(), origin), { octets })
      incoming.end()
      return stored
    } catch (error) {
      incoming.end()
      await this.#removeDoomed()
      throw error
    }
  }

  async list(folderId: string, range?: UidRange): Promise<readonly MessageEntry[]> {
    return range ? this.#entries.list(this.#need(folderId), range) : (await this.#index(folderId)).list()
  }

  async entry(folderId: string, uid: number): Promise<MessageEntry | undefined> {
    return this.#find(folderId, uid)
  }

  async read(folderId: string, uid: number, start?: number, end?: number): Promise<Buffer | undefined> {
    const entry = this.#find(folderId, uid)
    return entry && this.#bodies.read(this.#bodies.numberOf(entry.blob), entry.sizeOctets, ...within(entry, start, end))
  }

  async *stream(folderId: string, uid: number, start?: number, end?: number): AsyncGenerator<Buffer, void, void> {
    const entry = this.#find(folderId, uid)
    if (!entry) return
    const blob = this.#bodies.numberOf(entry.blob)
    yield* this.#bodies.stream(blob, entry.sizeOctets, within(entry, start, end), () => void this.#removeDoomed())
  }

  async overview(folderId: string, uid: number): Promise<Overview | undefined> {
    const entry = this.#find(folderId, uid)
    if (!entry) return undefined
    const blob = this.#bodies.numberOf(entry.blob)
    const record = this.#tables.overviews.get(blob, this.#committed.now)
    if (record) return fromOverviewRecord(record, entry.sizeOctets)
    const raw = this.#bodies.read(blob, entry.sizeOctets, 0, entry.sizeOctets)
    return raw && overview(raw)
  }

  async setFlags(
    folderId: string,
    uids: readonly number[],
    change: FlagChange,
    origin?: Origin,
  ): Promise<FlagChangeResult> {
    this.#need(folderId)
    return this.#change((draft) => draft.setFlags(folderId, uids, change, origin))
  }

  async copy(folderId: string, uids: readonly number[], targetFolderId: string, origin?: Origin): Promise<CopyResult> {
    this.#need(targetFolderId)
    return this.#change((draft) => draft.copy(folderId, uids, targetFolderId, this.#clock.now(), origin))
  }

  async move(folderId: string, uids: readonly number[], targetFolderId: string, origin?: Origin): Promise<CopyResult> {
    this.#need(targetFolderId)
    return this.#change((draft) => draft.move(folderId, uids, targetFolderId, this.#clock.now(), origin))
  }

  expunge(folderId: string, uids: readonly number[], origin?: Origin): Promise<readonly number[]> {
    return this.#change((draft) => draft.expunge(folderId, uids, origin))
  }

  async changedSince(folderId: string, modSeq: number): Promise<readonly MessageEntry[]> {
    return this.#entries.changedSince(this.#need(folderId), modSeq)
  }

  async vanishedSince(folderId: string, modSeq: number): Promise<readonly number[]> {
    this.#need(folderId)
    const range = { start: [folderId, modSeq + 1] as [string, number], end: lastKey(folderId) }
    const changes = this.#tables.vanished.getRange({ ...range, ...this.#committed.now })
    return Array.from(changes, ({ value }) => value)
      .flat()
      .sort((a, b) => a - b)
  }

  async locate(messageId: string): Promise<readonly Location[]> {
    const key = textKey(messageId)
    const start: [string, string, number] = [key, '', 0]
    const end: [string, string, number] = [key, LAST_TEXT, 0]
    const places = this.#tables.places.getKeys({ start, end, ...this.#committed.now })
    return [...places].flatMap(([, folderId, uid]) => {
      const folder = this.#folders.get(folderId)?.folder
      return folder ? [{ folder, uid }] : []
    })
  }

  async knows(messageId: string): Promise<boolean> {
    return this.#tables.history.get(textKey(messageId), this.#committed.now) === true
  }

  remember(messageId: string): Promise<void> {
    return this.#put(() => this.#tables.history.putSync(textKey(messageId), true))
  }

  async getState(key: string): Promise<string | undefined> {
    return this.#tables.state.get(textKey(key), this.#committed.now)
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
    return this.#change(
      (draft) => {
        for (const { folder } of [...this.#folders.all]) draft.deleteFolder(folder.id)
        draft.writes++
        const { history, places, subscriptions, state } = this.#tables
        for (const table of [history, places, subscriptions, state]) table.clearSync()
      },
      { alone: true },
    )
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#commits.end()
    this.#committed.close()
    await this.#tables.env.close()
    await this.#unlock()
  }

  /** @throws StoreError `closed`, `read-only` and what `work` throws */
  async #change<T>(work: (draft: StoreDraft) => T, traits?: OperationTraits): Promise<T> {
    this.#checkWritable()
    return this.#commits.run(work, traits)
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
    if (event.type === 'folder-created') this.#folders.add(new LmdbFolder(folder))
    else if (event.type === 'folder-changed') this.#folders.replace([folder])
    else if (event.type === 'folder-deleted') {
      const gone = this.#folders.need(folder.id)
      this.#entries.loaded.remove(gone)
      this.#folders.remove(gone)
    } else this.#folders.get(folder.id)?.take(event)
    this.#watchers.emit(event)
  }

  #readFolders(): void {
    this.#committed.renew()
    this.#folders.clear()
    this.#entries.loaded.clear()
    for (const { value } of this.#tables.folders.getRange(this.#committed.now)) {
      this.#folders.add(new LmdbFolder(value))
    }
  }

  /** Octets that were kept for a reader only, and of messages that did not come to their end. */
  async #removeDoomed(): Promise<void> {
    if (this.#closing || this.#tables.readOnly || this.#tables.doomed.getCount() === 0) return
    const removal = this.#commits.run((draft) => {
      draft.writes++
      this.#bodies.removeDoomed()
    })
    // Where there is no room to note it, the next start does it.
    await removal.catch((err: unknown) =>
      this.#log.warn({ err }, 'octets that no message holds are kept until the next start'),
    )
  }

  /** All entries of a folder, in memory. @throws StoreError `not-found` */
  async #index(folderId: string): Promise<FolderIndex> {
    const folder = this.#need(folderId)
    const index = await this.#entries.all(folder)
    if (this.#folders.get(folderId) === folder) return index
    // While it was read, it was deleted, or a flush failed.
    this.#entries.loaded.remove(folder)
    return this.#index(folderId)
  }

  #find(folderId: string, uid: number): MessageEntry | undefined {
    this.#checkOpen()
    const folder = this.#folders.get(folderId)
    return folder && this.#entries.find(folder, uid)
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
