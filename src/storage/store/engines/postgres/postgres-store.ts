import type { Logger } from 'pino'
import { clearInterval, setInterval } from '../../../../core/time/real-timers.ts'
import type { Overview } from '../../../../mail/format/overview.ts'
import type { Database } from '../../../database/database-types.ts'
import { DatabaseError } from '../../../database/errors.ts'
import { Leases } from '../../../database/leases.ts'
import type { CopyableStore, StoreItem, StoreItems } from '../../copy/types.ts'
import { ascending } from '../../entries/uid-order.ts'
import { StoreError, StoreFull } from '../../errors.ts'
import type { Folder, FolderSettings, Owner } from '../../folder.ts'
import { folderName } from '../../mailboxes.ts'
import type { MessageEntry, StoredMessage } from '../../message-entry.ts'
import type { Origin } from '../../origin.ts'
import type { ScanPart, SelectedMessages, Selection, SelectionPart } from '../../selection.ts'
import type {
  CopyResult,
  ExpectedMessage,
  FolderLock,
  FolderSnapshot,
  FolderStatus,
  HoldLimit,
  Location,
  MessageSource,
  NewMessage,
  OldestMessage,
  ReadPart,
  Setback,
  StoreRoom,
  Totals,
  UidRange,
} from '../../types.ts'
import type { ValueChanges, ValueSpace, Values } from '../../value-types.ts'
import { BaseStore } from '../base-store.ts'
import { type Alone, DropOldest } from '../full/drop-oldest.ts'
import { isCounted } from '../full/limits.ts'
import { removeDoomed, type StreamedBlob } from './bodies.ts'
import type { ChangeSet } from './change-set.ts'
import { dumpDatabase } from './dump.ts'
import { storeError } from './errors.ts'
import { type FolderAccess, notFound } from './folder-access.ts'
import { assertLocked, FolderLeases } from './locks.ts'
import { additionOf } from './operation.ts'
import { createParts, type PostgresStoreOptions } from './parts.ts'
import type { PostgresFolder } from './postgres-folder.ts'
import { restoreDatabase } from './restore.ts'
import { type Selecting, scan, select } from './selections.ts'
import { kinds, valuesIn } from './value-rows.ts'
import type { PostgresSteps } from './write-queue.ts'

const SWEEP_MS = 20_000
/** Held by the node that makes room in a full store. */
const DROP_LEASE = 'drop-oldest'

/** Opens the store in a database. It does not close the database. @throws StoreError */
export async function openPostgresStore(database: Database, options: PostgresStoreOptions): Promise<PostgresStore> {
  try {
    const [lab] = await database.query<{ tag: string }>('select tag from lab')
    const store = new PostgresStore(database, lab?.tag ?? '', options)
    await store.load()
    return store
  } catch (error) {
    throw storeError(error)
  }
}

/**
 * A store in PostgreSQL, which several nodes share. Changes run in the transactions of `WriteQueue`. Reads see what was committed
 * before them, on whichever node. The names of folders are in memory, and the entries of folders that are opened whole.
 */
export class PostgresStore extends BaseStore<PostgresFolder, ChangeSet> implements CopyableStore {
  readonly isShared = true
  readonly #database: Database
  readonly #log: Logger
  readonly #parts: ReturnType<typeof createParts>
  readonly #access: FolderAccess
  readonly #locks: FolderLeases
  readonly #leases: Leases
  #sweeping: NodeJS.Timeout | undefined

  constructor(database: Database, tag: string, options: PostgresStoreOptions) {
    const { clock, log, limits = {} } = options
    super(clock, (error) => log.error({ err: error }, 'a listener of the store failed'))
    this.#database = database
    this.#log = log
    this.#parts = createParts(database, tag, options, {
      registry: this.folders,
      checkOpen: () => this.checkOpen(),
      emit: (event) => this.emit(event),
      isWatched: (folder) => this.isWatched(folder),
      watchedFolders: () => this.watchedFolders,
    })
    this.#access = this.#parts.access
    this.#locks = new FolderLeases(database, (...args) => this.#expungeLocked(...args), log)
    this.#leases = new Leases(database, log)
    if (limits.whenFull === 'drop-oldest') this.dropOldest = new DropOldest(this, limits, { log, alone: this.#alone })
  }

  /** Reads the folders and begins to replicate the changes of the other nodes. Call it once. @throws DatabaseError */
  async load(): Promise<void> {
    await this.#checkObjects()
    await this.#parts.valueRows.create(this.#database)
    await this.#parts.listener.start()
    await Promise.all([this.#parts.folders.load(), this.#parts.state.load(), this.#parts.count.recount(this.#database)])
    this.#sweeping = setInterval(() => void this.sweep(), SWEEP_MS).unref()
  }

  get setback(): Setback | undefined {
    return this.#parts.setbacks.last
  }

  async bodiesFailure(): Promise<string | undefined> {
    return this.#parts.objects?.bucket.failure()
  }

  async room(): Promise<StoreRoom> {
    this.checkOpen()
    // PostgreSQL does not say how much room its disk has, only that it has none.
    const usedOctets = await this.#access.run(() => this.#parts.counts.usedOctets())
    return { usedOctets, freeOctets: this.#database.isFull ? 0 : undefined }
  }

  override totals(apart: readonly Owner[]): Promise<readonly Totals[]> {
    return this.#access.run(() => this.#parts.counts.totals(apart))
  }

  override async findFolder(owner: Owner, name: string): Promise<Folder | undefined> {
    const known = await super.findFolder(owner, name)
    if (known) return known
    await this.#access.refresh()
    return super.findFolder(owner, name)
  }

  override async listFolders(owner: Owner): Promise<readonly Folder[]> {
    await this.#access.refresh()
    return super.listFolders(owner)
  }

  override async listOwners(): Promise<readonly Owner[]> {
    await this.#access.refresh()
    return super.listOwners()
  }

  protected override watchesMore(folderId: string | undefined): void {
    const folder = folderId === undefined ? undefined : this.folders.get(folderId)
    if (folder) this.#parts.listener.hearMore(folder.key)
    else if (!this.watchedFolders) this.#parts.listener.hearMore(undefined)
  }

  createFolder(owner: Owner, name: string, settings: FolderSettings = {}): Promise<Folder> {
    return this.#access.run(() => this.#parts.folders.create(owner, name, settings))
  }

  deleteFolder(folderId: string, { onlyIfEmpty = false } = {}): Promise<void> {
    return this.#access.run(() => this.#parts.folders.delete(folderId, onlyIfEmpty))
  }

  renameFolder(folderId: string, name: string): Promise<Folder> {
    return this.#access.run(() => this.#parts.folders.rename(folderId, name))
  }

  updateFolder(folderId: string, settings: FolderSettings): Promise<Folder> {
    return this.#access.run(() => this.#parts.folders.update(folderId, settings))
  }

  async status(folderId: string): Promise<FolderStatus> {
    const state = await this.#access.need(folderId)
    const status = await this.#access.run(() => this.#parts.counts.status(state))
    if (!status) throw notFound(folderId)
    // The caller also gets the events of the changes that are counted.
    if (status.highestModSeq !== state.position.modSeq) await this.#access.emitChanges(folderId)
    return status
  }

  override async oldest(folderIds: readonly string[]): Promise<ReadonlyMap<string, OldestMessage>> {
    return this.#access.run(() => this.#parts.counts.oldest(folderIds.flatMap((id) => this.folders.get(id) ?? [])))
  }

  override async refresh(): Promise<void> {
    this.checkOpen()
    if (this.#parts.listener.currentSince === undefined) await this.#access.run(() => this.#parts.listener.catchUp())
  }

  async snapshot(folderId: string): Promise<FolderSnapshot> {
    return this.#access.withIndex(folderId, (index) => index.snapshot())
  }

  async subscriptions(owner: Owner): Promise<readonly string[]> {
    return this.#access.run(() => this.#parts.subscriptions.of(owner))
  }

  async setSubscribed(owner: Owner, name: string, subscribed: boolean): Promise<void> {
    await this.#access.run(() => this.#parts.subscriptions.set(owner, folderName(owner, name), subscribed))
  }

  async append(batch: readonly NewMessage[], origin?: Origin): Promise<readonly StoredMessage[]> {
    this.#checkRoom()
    const folders = await this.#access.needAll(batch.flatMap(({ targets }) => targets.map(({ folderId }) => folderId)))
    const raws: (Buffer | StreamedBlob)[] = []
    try {
      for (const { raw } of batch) raws.push(await this.#parts.bodies.take(raw))
      const addition = additionOf(batch, raws, folders, this.countedIn(batch))
      const apply = (changeSet: ChangeSet) => changeSet.append(batch, raws, this.clock.now(), origin)
      return await this.withRoom(() => this.#parts.writeQueue.run({ ...addition, apply }))
    } catch (error) {
      await this.#parts.bodies
        .abandon(raws)
        .catch((cause: unknown) => this.#log.debug({ err: cause }, 'octets stay until they expire'))
      throw storeError(error)
    }
  }

  async list(folderId: string, range?: UidRange): Promise<readonly MessageEntry[]> {
    if (!range) return this.#access.withIndex(folderId, (index) => index.listInSlices())
    const state = await this.#access.need(folderId)
    return this.#access.run(() => this.#parts.reader.entries(state, 'e.uid between $2 and $3', [range.from, range.to]))
  }

  async entry(folderId: string, uid: number): Promise<MessageEntry | undefined> {
    const state = await this.#access.find(folderId)
    return state && this.#access.run(() => this.#parts.reader.entry(state, uid))
  }

  async select(selection: Selection, part: SelectionPart): Promise<SelectedMessages> {
    return this.#access.run(() => select(this.#selecting, selection, part))
  }

  async *scan(selection: Selection, part: ScanPart = {}): AsyncGenerator<readonly StoredMessage[], void, void> {
    this.checkOpen()
    try {
      yield* scan(this.#selecting, selection, part)
    } catch (error) {
      throw storeError(error)
    }
  }

  get #selecting(): Selecting {
    return { database: this.#database, names: this.#parts.names, folders: this.#parts.folders }
  }

  async read(folderId: string, uid: number, start?: number, end?: number): Promise<Buffer | undefined> {
    const state = await this.#access.find(folderId)
    return state && this.#access.run(() => this.#parts.reader.read(state, uid, start, end))
  }

  async *stream(folderId: string, uid: number, start?: number, end?: number): AsyncGenerator<Buffer, void, void> {
    const state = await this.#access.find(folderId)
    if (!state) return
    try {
      yield* this.#parts.reader.stream(state, uid, start, end)
    } catch (error) {
      throw storeError(error)
    }
  }

  async overview(folderId: string, uid: number): Promise<Overview | undefined> {
    const state = await this.#access.find(folderId)
    return state && this.#access.run(() => this.#parts.reader.overview(state, uid))
  }

  override readAhead(expected: Iterable<ExpectedMessage>, part: ReadPart = 'message'): MessageSource {
    return this.#parts.reader.ahead(expected, part, {
      folderOf: (folderId) => this.folders.get(folderId),
      alone: this,
      run: (work) => this.#access.run(work),
    })
  }

  async copy(
    folderId: string,
    uids: readonly number[],
    targetFolderId: string,
    origin?: Origin,
    limit?: HoldLimit,
  ): Promise<CopyResult> {
    this.#checkRoom()
    const [state, target] = [await this.#access.need(folderId), await this.#access.need(targetFolderId)]
    return this.withRoom(() =>
      this.#parts.writeQueue.run({
        folders: [state, target],
        uids: new Map([[state, ascending(uids)]]),
        messages: isCounted(target.folder) ? uids.length : 0,
        adds: true,
        limited: limit ? [target.folder.owner] : [],
        apply: (changeSet) => changeSet.copy(folderId, uids, targetFolderId, { now: this.clock.now(), origin, limit }),
      }),
    )
  }

  override async lockFolder(folderId: string): Promise<FolderLock | undefined> {
    const state = await this.#access.need(folderId)
    return this.#access.run(() => this.#locks.lock(state))
  }

  override async lockedFolders(): Promise<ReadonlySet<string>> {
    const keys = await this.#access.run(() => this.#locks.locked())
    return new Set(keys.map((key) => this.#parts.names.folder(key)))
  }

  override async expungeUnlocked(
    folderId: string,
    uids: readonly number[],
    origin?: Origin,
  ): Promise<readonly number[]> {
    const step = (changeSet: ChangeSet, some: readonly number[]): readonly number[] =>
      changeSet.need(folderId).row.is_locked ? [] : changeSet.expunge(folderId, some, origin)
    const expunged = await this.inSteps([folderId], uids, step, { readsRows: true })
    return expunged.flat()
  }

  async changedSince(folderId: string, modSeq: number): Promise<readonly MessageEntry[]> {
    const state = await this.#access.need(folderId)
    return this.#access.run(() => this.#parts.reader.entries(state, 'e.mod_seq > $2', [modSeq]))
  }

  async vanishedSince(folderId: string, modSeq: number): Promise<readonly number[]> {
    const state = await this.#access.need(folderId)
    return this.#access.run(() => this.#parts.reader.vanishedSince(state, modSeq))
  }

  async locate(messageId: string): Promise<readonly Location[]> {
    const locations: Location[] = []
    for (const { folder: key, uid } of await this.#access.run(() => this.#parts.articles.places(messageId))) {
      const state = await this.#access.find(this.#parts.names.folder(key))
      if (state) locations.push({ folder: state.folder, uid })
    }
    return locations
  }

  async knows(messageId: string): Promise<boolean> {
    return this.#access.run(() => this.#parts.articles.knows(messageId))
  }

  async remember(messageId: string): Promise<void> {
    await this.#access.run(() => this.#parts.articles.remember(messageId))
  }

  async values(space: ValueSpace): Promise<Values> {
    this.checkOpen()
    const { key } = await this.#spaceOf(space)
    return this.#access.run(() => valuesIn(this.#database, key, space))
  }

  async changeValues(
    space: ValueSpace,
    change: (current: Values, modSeq: number) => ValueChanges,
    origin?: Origin,
  ): Promise<void> {
    const state = await this.#spaceOf(space)
    await this.withRoom(() =>
      this.#parts.writeQueue.run({
        folders: [state],
        space: { folder: state, space },
        apply: (changeSet) => changeSet.changeValues(space, change, origin),
      }),
    )
  }

  getState(key: string): Promise<string | undefined> {
    return this.#access.run(() => this.#parts.state.get(key))
  }

  hasState(key: string): boolean {
    return this.#parts.state.has(key)
  }

  setState(key: string, value: string | undefined): Promise<void> {
    return this.#access.run(() => this.#parts.state.set(key, value))
  }

  async *dump(): AsyncGenerator<StoreItem, void, void> {
    this.checkOpen()
    try {
      const { names, objects } = this.#parts
      yield* dumpDatabase({ database: this.#database, names, objects })
    } catch (error) {
      throw storeError(error)
    }
  }

  async restore(items: StoreItems): Promise<void> {
    await this.#access.refresh()
    this.folders.checkEmpty()
    try {
      const { names, objects } = this.#parts
      await restoreDatabase({ database: this.#database, names, objects, kinds }, items)
      await this.#parts.folders.load()
      await this.#parts.state.load()
      await this.#parts.count.recount(this.#database)
    } catch (error) {
      throw storeError(error)
    }
  }

  async clear(): Promise<void> {
    await this.#access.run(() => this.#parts.folders.clear())
    this.#parts.state.cleared()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.isClosed) return
    this.isClosed = true
    clearInterval(this.#sweeping)
    this.#parts.unwatchState()
    await this.#parts.listener.close()
    await this.#parts.writeQueue.ended()
    await Promise.all([this.#locks.close(), this.#leases[Symbol.asyncDispose]()])
  }

  /** Refuses new messages while the disk is full: they would take the room that deletions need. @throws StoreError */
  #checkRoom(): void {
    this.checkOpen()
    if (this.#database.isFull && !this.dropOldest) throw storeError(new DatabaseError('no-space', 'the disk is full'))
  }

  /** Makes room while no other node does: two would delete the same messages, or twice as many. */
  readonly #alone: Alone = async (work) => {
    const lease = await this.#access
      .run(() => this.#leases.wait(DROP_LEASE))
      .catch((error: unknown) => {
        // A full disk has no room for a lease either, and deletions make some.
        if (error instanceof StoreFull) return undefined
        throw error
      })
    try {
      return await work(lease?.signal)
    } finally {
      await lease?.release()
    }
  }

  /** Deletes messages while the folder's lock has this token. @throws StoreError `lock-lost` */
  async #expungeLocked(
    state: PostgresFolder,
    uids: readonly number[],
    origin: Origin | undefined,
    token: string,
  ): Promise<readonly number[]> {
    const step = (changeSet: ChangeSet, some: readonly number[]): readonly number[] => {
      assertLocked(changeSet.need(state.folder.id), token)
      return changeSet.expunge(state.folder.id, some, origin)
    }
    // Not by its id, which another object has after the database has lost changes.
    const expunged = await this.#parts.writeQueue.inSteps([state], uids, step, { readsRows: true })
    return expunged.flat()
  }

  protected override async inSteps<T>(
    folderIds: readonly string[],
    uids: readonly number[],
    step: (changeSet: ChangeSet, some: readonly number[]) => T,
    steps?: PostgresSteps,
  ): Promise<readonly T[]> {
    return this.#parts.writeQueue.inSteps(await this.#access.needAll(folderIds), uids, step, steps)
  }

  /** Returns the folder of values, or the row that stands for the store as a whole. @throws StoreError `not-found` */
  async #spaceOf({ folderId, kind }: ValueSpace): Promise<PostgresFolder> {
    if (folderId !== undefined) return this.#access.need(folderId)
    this.checkOpen()
    return this.#parts.valueRows.of(kind)
  }

  /** @throws StoreError if octets are in a bucket that the configuration does not name */
  async #checkObjects(): Promise<void> {
    if (this.#parts.objects) return
    const [found] = await this.#database.query('select from objects limit 1')
    if (!found) return
    const text =
      'octets of messages are in object storage, and no bucket is named. Set store.bodies, or name a configuration that has it'
    throw new StoreError('failed', text)
  }

  /** Removes octets that nobody needs. */
  async sweep(): Promise<void> {
    try {
      await removeDoomed(this.#database, this.#parts.bodies.streamed)
      await this.#parts.journal.sweep()
      await this.#parts.objects?.sweep()
    } catch (error) {
      if (!this.isClosed) this.#log.debug({ err: error }, 'octets of deleted messages stay; it is tried again')
    }
  }
}
