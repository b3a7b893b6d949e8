import type { Logger } from 'pino'
import type { Clock } from '../../common/clock.ts'
import type { Overview } from '../../mail/overview.ts'
import { BaseStore } from '../base-store.ts'
import { newFolder, withSettings } from '../folder-registry.ts'
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
import { Articles } from './articles.ts'
import { Bodies, type StreamedBlob } from './bodies.ts'
import { Commits, type OperationTraits } from './commits.ts'
import { Committed } from './committed.ts'
import { Entries } from './entries.ts'
import { Incoming } from './incoming.ts'
import { type LmdbFolder, vanishedSince } from './lmdb-folder.ts'
import { StoreDraft } from './store-draft.ts'
import { LAST_TEXT, type Tables, textKey } from './tables.ts'

export interface LmdbStoreOptions {
  readonly clock: Clock
  readonly log: Logger
  /** Unlocks the store's folder. Called once, when the store is closed. */
  readonly unlock: () => Promise<void>
}

/** For changes of folders. Each runs alone in its transaction, because it must see the effects of all earlier changes. */
const ALONE: OperationTraits = { alone: true }

/**
 * A store in a folder on disk, made of LMDB tables. Changes run as operations of `Commits` on a `StoreDraft`. Reads see
 * the last commit that is flushed. Only folders that are opened whole are held in memory.
 */
export class LmdbStore extends BaseStore<LmdbFolder> implements MessageStore {
  readonly #tables: Tables
  readonly #log: Logger
  readonly #unlock: () => Promise<void>
  readonly #committed: Committed
  readonly #bodies: Bodies
  readonly #articles: Articles
  readonly #entries: Entries
  readonly #commits: Commits<StoreEvent, StoreDraft>
  #closing: Promise<void> | undefined

  constructor(tables: Tables, { clock, log, unlock }: LmdbStoreOptions) {
    super(clock, (error) => log.error({ err: error }, 'a listener of the store failed'))
    this.#tables = tables
    this.#log = log
    this.#unlock = unlock
    this.#committed = new Committed(tables.env, tables.readOnly)
    this.#bodies = new Bodies(tables, this.#committed)
    this.#articles = new Articles(tables, this.#bodies)
    this.#entries = new Entries(this.folders, tables, this.#committed, this.#bodies.nameOf)
    this.#commits = new Commits(tables.env, {
      draft: () => new StoreDraft(tables, this.#bodies, this.#articles, (folderId) => this.folders.need(folderId)),
      durable: () => {
        this.#committed.renew()
        this.#bodies.flushed()
      },
      apply: (event) => {
        this.#entries.apply(event)
        this.emit(event)
      },
      lost: () => this.#entries.readFolders(),
    })
    this.#entries.readFolders()
    if (!tables.readOnly) void this.#removeDoomed()
  }

  createFolder(owner: Owner, name: string, settings: FolderSettings = {}): Promise<Folder> {
    return this.#change((draft) => {
      this.folders.checkFree(owner, name)
      return draft.createFolder((numbering) =>
        newFolder(owner, name, settings, { ...numbering, now: this.clock.now() }),
      )
    }, ALONE)
  }

  deleteFolder(folderId: string): Promise<void> {
    return this.#change((draft) => draft.deleteFolder(folderId), ALONE)
  }

  renameFolder(folderId: string, name: string): Promise<Folder> {
    return this.#change((draft) => {
      const plan = this.folders.planRename(folderId, name)
      for (const { folder, previousName } of plan) draft.changeFolder(folder, previousName)
      return plan.find(({ folder }) => folder.id === folderId)?.folder ?? this.folders.need(folderId).folder
    }, ALONE)
  }

  updateFolder(folderId: string, settings: FolderSettings): Promise<Folder> {
    return this.#change((draft) => {
      const folder = withSettings(this.folders.need(folderId).folder, settings)
      draft.changeFolder(folder, folder.name)
      return folder
    }, ALONE)
  }

  async status(folderId: string): Promise<FolderStatus> {
    return this.need(folderId).status(this.#tables, this.#committed.now)
  }

  async snapshot(folderId: string): Promise<FolderSnapshot> {
    this.checkOpen()
    return (await this.#entries.all(folderId)).snapshot()
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
    for (const { targets } of batch) for (const { folderId } of targets) this.need(folderId)
    const incoming = new Incoming(this.#bodies, (work, octets) => this.#change(work, { octets }))
    try {
      const raws: (Buffer | StreamedBlob)[] = []
      for (const { raw } of batch) raws.push(await incoming.take(raw))
      const octets = raws.reduce((sum, raw) => sum + (Buffer.isBuffer(raw) ? raw.length : 0), 0)
      const stored = await this.#change((draft) => draft.append(batch, raws, this.clock.now(), origin), { octets })
      incoming.end()
      return stored
    } catch (error) {
      incoming.end()
      await this.#removeDoomed()
      throw error
    }
  }

  async list(folderId: string, range?: UidRange): Promise<readonly MessageEntry[]> {
    const folder = this.need(folderId)
    return range ? this.#entries.list(folder, range) : (await this.#entries.all(folderId)).list()
  }

  async entry(folderId: string, uid: number): Promise<MessageEntry | undefined> {
    return this.#find(folderId, uid)
  }

  async read(folderId: string, uid: number, start?: number, end?: number): Promise<Buffer | undefined> {
    const entry = this.#find(folderId, uid)
    return entry && this.#bodies.read(entry, start, end)
  }

  async *stream(folderId: string, uid: number, start?: number, end?: number): AsyncGenerator<Buffer, void, void> {
    const entry = this.#find(folderId, uid)
    if (entry) yield* this.#bodies.stream(entry, start, end, () => void this.#removeDoomed())
  }

  async overview(folderId: string, uid: number): Promise<Overview | undefined> {
    const entry = this.#find(folderId, uid)
    return entry && this.#articles.overview(entry, this.#committed.now)
  }

  async setFlags(
    folderId: string,
    uids: readonly number[],
    change: FlagChange,
    origin?: Origin,
  ): Promise<FlagChangeResult> {
    this.need(folderId)
    return this.#change((draft) => draft.setFlags(folderId, uids, change, origin))
  }

  async copy(folderId: string, uids: readonly number[], targetFolderId: string, origin?: Origin): Promise<CopyResult> {
    this.need(targetFolderId)
    return this.#change((draft) => draft.copy(folderId, uids, targetFolderId, this.clock.now(), origin))
  }

  async move(folderId: string, uids: readonly number[], targetFolderId: string, origin?: Origin): Promise<CopyResult> {
    this.need(targetFolderId)
    return this.#change((draft) => draft.move(folderId, uids, targetFolderId, this.clock.now(), origin))
  }

  expunge(folderId: string, uids: readonly number[], origin?: Origin): Promise<readonly number[]> {
    return this.#change((draft) => draft.expunge(folderId, uids, origin))
  }

  async changedSince(folderId: string, modSeq: number): Promise<readonly MessageEntry[]> {
    return this.#entries.changedSince(this.need(folderId), modSeq)
  }

  async vanishedSince(folderId: string, modSeq: number): Promise<readonly number[]> {
    this.need(folderId)
    return vanishedSince(this.#tables, folderId, modSeq, this.#committed.now)
  }

  async locate(messageId: string): Promise<readonly Location[]> {
    return this.#articles.places(messageId, this.#committed.now).flatMap(({ folderId, uid }) => {
      const folder = this.folders.get(folderId)?.folder
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

  clear(): Promise<void> {
    return this.#change((draft) => {
      for (const { folder } of [...this.folders.all]) draft.deleteFolder(folder.id)
      draft.clearTables()
    }, ALONE)
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.isClosed = true
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#commits.end()
    this.#committed.close()
    await this.#tables.env.close()
    await this.#unlock()
  }

  /** Runs `work` in a transaction. @throws StoreError `closed`, `read-only`, and what `work` throws */
  async #change<T>(work: (draft: StoreDraft) => T, traits?: OperationTraits): Promise<T> {
    this.#checkWritable()
    return this.#commits.run(work, traits)
  }

  /** Writes to a table that has no effects in memory. */
  #put(write: () => void): Promise<void> {
    return this.#change((draft) => {
      draft.writes++
      write()
    })
  }

  /** Removes octets of deleted messages that were still being read, and of messages that never arrived whole. */
  async #removeDoomed(): Promise<void> {
    if (this.isClosed || this.#tables.readOnly || this.#tables.doomed.getCount() === 0) return
    const removal = this.#commits.run((draft) => {
      draft.writes++
      this.#bodies.removeDoomed()
    })
    // A full disk may prevent it. The next start tries again.
    await removal.catch((err: unknown) =>
      this.#log.warn({ err }, 'octets without a message are kept until the next start'),
    )
  }

  #find(folderId: string, uid: number): MessageEntry | undefined {
    this.checkOpen()
    return this.#entries.find(folderId, uid)
  }

  #checkWritable(): void {
    this.checkOpen()
    if (this.#tables.readOnly) throw new StoreError('read-only', 'the store is read-only: its folder is not writable')
  }
}
