import type { Logger } from 'pino'
import { MemoryBudget } from '../../../../core/octets/memory-budget.ts'
import type { Clock } from '../../../../core/time/clock.ts'
import { clearInterval, setInterval } from '../../../../core/time/real-timers.ts'
import type { Overview } from '../../../../mail/format/overview.ts'
import type { Database } from '../../../database/database-types.ts'
import { DatabaseError } from '../../../database/errors.ts'
import { Leases } from '../../../database/leases.ts'
import type { CopyableStore, StoreItem, StoreItems } from '../../copy/types.ts'
import type { FolderIndex } from '../../entries/folder-index.ts'
import { ascending } from '../../entries/uid-order.ts'
import { folderName } from '../../mailboxes.ts'
import {
  type CopyResult,
  type ExpectedMessage,
  type FlagChange,
  type FlagChangeResult,
  type Folder,
  type FolderLock,
  type FolderSettings,
  type FolderSnapshot,
  type FolderStatus,
  type HoldLimit,
  type Location,
  type MessageEntry,
  type MessageSource,
  type NewMessage,
  type OldestMessage,
  type Origin,
  OUTGOING_OWNER,
  type Owner,
  type ReadPart,
  type ScanPart,
  type SelectedMessages,
  type Selection,
  type SelectionPart,
  type Setback,
  type StoredMessage,
  StoreError,
  StoreFull,
  type StoreRoom,
  type Totals,
  type UidRange,
} from '../../types.ts'
import type { ValueChanges, ValueSpace, Values } from '../../value-types.ts'
import { BaseStore } from '../base-store.ts'
import { type Alone, DropOldest } from '../full/drop-oldest.ts'
import { isCounted, type StoreLimits } from '../full/limits.ts'
import { onceIn } from '../plan.ts'
import { textKey } from '../text-key.ts'
import { Articles } from './articles.ts'
import { Bodies, removeDoomed, type StreamedBlob } from './bodies.ts'
import type { ChangeSet } from './change-set.ts'
import { Counts } from './counts.ts'
import { dumpDatabase } from './dump.ts'
import { storeError } from './errors.ts'
import { Folders } from './folders.ts'
import { Journal } from './journal.ts'
import { assertLocked, FolderLeases } from './locks.ts'
import { MessageCount } from './message-count.ts'
import { BlobNumbers } from './numbers.ts'
import { FoldersBehind, type PostgresFolder } from './postgres-folder.ts'
import { Reader } from './reader.ts'
import { columnsOf, entryOf, Names } from './records.ts'
import { Replication } from './replication.ts'
import { ReplicationListener } from './replication-listener.ts'
import { restoreDatabase } from './restore.ts'
import { type SelectedRow, scan, select, type Wanted } from './selections.ts'
import { Setbacks } from './setbacks.ts'
import { State } from './state.ts'
import { Subscriptions } from './subscriptions.ts'
import { kinds, ValueRows } from './value-rows.ts'
import { valuesIn, WriteQueue } from './write-queue.ts'

interface PostgresStoreOptions {
  readonly clock: Clock
  readonly log: Logger
  readonly limits?: StoreLimits | undefined
  /** Counts the messages that are kept in memory or read ahead. Default: without a limit. */
  readonly memory?: MemoryBudget | undefined
}

/** Messages that one transaction changes, so that others need not wait for long. */
const STEP = 1_000
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
export class PostgresStore extends BaseStore<PostgresFolder> implements CopyableStore {
  readonly isShared = true
  readonly #database: Database
  readonly #log: Logger
  readonly #names: Names
  readonly #bodies: Bodies
  readonly #reader: Reader
  readonly #state: State
  readonly #counts: Counts
  readonly #articles: Articles
  readonly #subscriptions: Subscriptions
  readonly #count: MessageCount
  readonly #folders: Folders
  readonly #replication: Replication
  readonly #journal: Journal
  readonly #setbacks: Setbacks
  readonly #listener: ReplicationListener
  readonly #writeQueue: WriteQueue
  readonly #locks: FolderLeases
  readonly #leases: Leases
  readonly #dropOldest: DropOldest | undefined
  readonly #valueRows = new ValueRows()
  #sweeping: NodeJS.Timeout | undefined
  readonly #unwatchState: () => void

  constructor(
    database: Database,
    tag: string,
    { clock, log, limits = {}, memory = new MemoryBudget() }: PostgresStoreOptions,
  ) {
    super(clock, (error) => log.error({ err: error }, 'a listener of the store failed'))
    this.#database = database
    this.#log = log
    this.#names = new Names(tag)
    const numbers = new BlobNumbers(database)
    const emit = this.emit.bind(this)
    const names = this.#names
    this.#bodies = new Bodies(database, numbers)
    this.#reader = new Reader(database, names, this.#bodies, memory)
    this.#state = new State(database)
    this.#counts = new Counts(database)
    this.#articles = new Articles(database)
    this.#subscriptions = new Subscriptions(database)
    this.#replication = new Replication(database, names, emit)
    this.#count = new MessageCount(limits.messages)
    const count = this.#count
    this.#folders = new Folders({ database, clock, names, registry: this.folders, emit, count })
    const report = (error: unknown): void => log.error({ err: error }, 'a committed change could not be told to all')
    const isWatched = this.isWatched.bind(this)
    const replication = this.#replication
    this.#journal = new Journal(database)
    const [folders, state, journal] = [this.#folders, this.#state, this.#journal]
    const setbacks = new Setbacks({ clock, log, folders, replication })
    this.#setbacks = setbacks
    this.#listener = new ReplicationListener({
      database,
      folders,
      state,
      journal,
      setbacks,
      replication,
      log,
      isWatched,
      watched: () => {
        const ids = this.watchedFolders
        return ids && Array.from(ids).flatMap((id) => this.folders.get(id)?.key ?? [])
      },
    })
    const listener = this.#listener
    const catchUpIfNeeded = async (): Promise<void> => {
      if (journal.isLost) await listener.catchUp()
    }
    this.#unwatchState = database.watchState((state) => {
      if (state !== 'connected') return
      journal.restart()
      numbers.restart()
    })
    this.#writeQueue = new WriteQueue({
      database,
      replication,
      names,
      numbers,
      journal,
      catchUpIfNeeded,
      recover: (states) => setbacks.recover(states),
      emit,
      isWatched,
      report,
      count,
    })
    this.#locks = new FolderLeases(database, (...args) => this.#expunge(...args), log)
    this.#leases = new Leases(database, log)
    if (limits.whenFull === 'drop-oldest') this.#dropOldest = new DropOldest(this, limits, { log, alone: this.#alone })
  }

  /** Reads the folders and begins to replicate the changes of the other nodes. Call it once. @throws DatabaseError */
  async load(): Promise<void> {
    await this.#valueRows.create(this.#database)
    await this.#listener.start()
    await Promise.all([this.#folders.load(), this.#state.load(), this.#count.recount(this.#database)])
    this.#sweeping = setInterval(() => void this.#sweep(), SWEEP_MS).unref()
  }

  get setback(): Setback | undefined {
    return this.#setbacks.last
  }

  async room(): Promise<StoreRoom> {
    this.checkOpen()
    // PostgreSQL does not say how much room its disk has, only that it has none.
    const usedOctets = await this.#run(() => this.#counts.usedOctets())
    return { usedOctets, freeOctets: this.#database.isFull ? 0 : undefined }
  }

  override totals(apart: readonly Owner[]): Promise<readonly Totals[]> {
    return this.#run(() => this.#counts.totals(apart))
  }

  override async findFolder(owner: Owner, name: string): Promise<Folder | undefined> {
    const known = await super.findFolder(owner, name)
    if (known) return known
    await this.#refreshFolders()
    return super.findFolder(owner, name)
  }

  override async listFolders(owner: Owner): Promise<readonly Folder[]> {
    await this.#refreshFolders()
    return super.listFolders(owner)
  }

  override async listOwners(): Promise<readonly Owner[]> {
    await this.#refreshFolders()
    return super.listOwners()
  }

  protected override watchesMore(folderId: string | undefined): void {
    const folder = folderId === undefined ? undefined : this.folders.get(folderId)
    if (folder) this.#listener.hearMore(folder.key)
    else if (!this.watchedFolders) this.#listener.hearMore(undefined)
  }

  createFolder(owner: Owner, name: string, settings: FolderSettings = {}): Promise<Folder> {
    return this.#run(() => this.#folders.create(owner, name, settings))
  }

  deleteFolder(folderId: string, { onlyIfEmpty = false } = {}): Promise<void> {
    return this.#run(() => this.#folders.delete(folderId, onlyIfEmpty))
  }

  renameFolder(folderId: string, name: string): Promise<Folder> {
    return this.#run(() => this.#folders.rename(folderId, name))
  }

  updateFolder(folderId: string, settings: FolderSettings): Promise<Folder> {
    return this.#run(() => this.#folders.update(folderId, settings))
  }

  async status(folderId: string): Promise<FolderStatus> {
    const state = await this.#need(folderId)
    const status = await this.#run(() => this.#counts.status(state))
    if (!status) throw notFound(folderId)
    // The caller also gets the events of the changes that are counted.
    if (status.highestModSeq !== state.position.modSeq)
      await this.#recovering(async () => this.#emitChanges(await this.#need(folderId)))
    return status
  }

  override async oldest(folderIds: readonly string[]): Promise<ReadonlyMap<string, OldestMessage>> {
    return this.#run(() => this.#counts.oldest(folderIds.flatMap((id) => this.folders.get(id) ?? [])))
  }

  override async refresh(): Promise<void> {
    this.checkOpen()
    if (this.#listener.currentSince === undefined) await this.#run(() => this.#listener.catchUp())
  }

  async snapshot(folderId: string): Promise<FolderSnapshot> {
    return this.#withIndex(folderId, (index) => index.snapshot())
  }

  async subscriptions(owner: Owner): Promise<readonly string[]> {
    return this.#run(() => this.#subscriptions.of(owner))
  }

  async setSubscribed(owner: Owner, name: string, subscribed: boolean): Promise<void> {
    await this.#run(() => this.#subscriptions.set(owner, folderName(owner, name), subscribed))
  }

  async append(batch: readonly NewMessage[], origin?: Origin): Promise<readonly StoredMessage[]> {
    this.#checkRoom()
    const folders = await this.#needAll(batch.flatMap(({ targets }) => targets.map(({ folderId }) => folderId)))
    const raws: (Buffer | StreamedBlob)[] = []
    try {
      for (const { raw } of batch) raws.push(await this.#bodies.take(raw))
      const adopts = raws.flatMap((raw) => (Buffer.isBuffer(raw) ? [] : [raw]))
      const operation = {
        folders,
        blobs: raws.length - adopts.length,
        adopts,
        once: onceIn(batch).map(textKey),
        messages: this.#countTargets(batch),
        octets: raws.reduce((sum, raw) => sum + (Buffer.isBuffer(raw) ? raw.length : 0), 0),
        adds: true,
        limited: limitedBy(batch, folders),
        isPlain: true,
      }
      return await this.#withRoom(() =>
        this.#writeQueue.run({
          ...operation,
          apply: (changeSet) => changeSet.append(batch, raws, this.clock.now(), origin),
        }),
      )
    } catch (error) {
      await this.#bodies
        .abandon(raws)
        .catch((cause: unknown) => this.#log.debug({ err: cause }, 'octets stay until they expire'))
      throw storeError(error)
    }
  }

  async list(folderId: string, range?: UidRange): Promise<readonly MessageEntry[]> {
    if (!range) return this.#withIndex(folderId, (index) => index.listInSlices())
    const state = await this.#need(folderId)
    return this.#run(() => this.#reader.entries(state, 'e.uid between $2 and $3', [range.from, range.to]))
  }

  async entry(folderId: string, uid: number): Promise<MessageEntry | undefined> {
    const state = await this.#find(folderId)
    return state && this.#run(() => this.#reader.entry(state, uid))
  }

  async select(selection: Selection, part: SelectionPart): Promise<SelectedMessages> {
    const wanted = this.#wantedBy(selection)
    const { rows, total, copies } = await this.#run(() => select(this.#database, this.#names, wanted, part))
    return { messages: this.#selected(rows), total, copies: this.#selected(copies) }
  }

  async *scan(selection: Selection, part: ScanPart = {}): AsyncGenerator<readonly StoredMessage[], void, void> {
    const wanted = this.#wantedBy(selection)
    try {
      for await (const rows of scan(this.#database, this.#names, wanted, part)) yield this.#selected(rows)
    } catch (error) {
      throw storeError(error)
    }
  }

  #wantedBy({ folders: isOf, tests }: Selection): Wanted {
    this.checkOpen()
    const keys = [...this.folders.all].flatMap(({ key, folder }) => {
      const isHidden = folder.owner === OUTGOING_OWNER
      return (isOf ? !isHidden && isOf(folder) : isHidden) ? key : []
    })
    return { tests, folders: isOf ? keys : { except: keys } }
  }

  #selected(rows: readonly SelectedRow[]): readonly StoredMessage[] {
    return rows.flatMap((row) => {
      const state = this.#folders.get(row.folder)
      return state ? { folder: state.folder, entry: entryOf(columnsOf(row), this.#names, state) } : []
    })
  }

  async read(folderId: string, uid: number, start?: number, end?: number): Promise<Buffer | undefined> {
    const state = await this.#find(folderId)
    return state && this.#run(() => this.#reader.read(state, uid, start, end))
  }

  async *stream(folderId: string, uid: number, start?: number, end?: number): AsyncGenerator<Buffer, void, void> {
    const state = await this.#find(folderId)
    if (!state) return
    try {
      yield* this.#reader.stream(state, uid, start, end)
    } catch (error) {
      throw storeError(error)
    }
  }

  async overview(folderId: string, uid: number): Promise<Overview | undefined> {
    const state = await this.#find(folderId)
    return state && this.#run(() => this.#reader.overview(state, uid))
  }

  override readAhead(expected: Iterable<ExpectedMessage>, part: ReadPart = 'message'): MessageSource {
    return this.#reader.ahead(expected, part, {
      folderOf: (folderId) => this.folders.get(folderId),
      alone: this,
      run: (work) => this.#run(work),
    })
  }

  async setFlags(
    folderId: string,
    uids: readonly number[],
    change: FlagChange,
    origin?: Origin,
  ): Promise<FlagChangeResult> {
    const state = await this.#need(folderId)
    const results = await this.#inSteps([state], uids, (changeSet, some) =>
      changeSet.setFlags(folderId, some, change, origin),
    )
    return {
      entries: results.flatMap(({ entries }) => entries),
      modified: results.flatMap(({ modified }) => modified),
    }
  }

  async copy(
    folderId: string,
    uids: readonly number[],
    targetFolderId: string,
    origin?: Origin,
    limit?: HoldLimit,
  ): Promise<CopyResult> {
    this.#checkRoom()
    const [state, target] = await this.#needBoth(folderId, targetFolderId)
    return this.#withRoom(() =>
      this.#writeQueue.run({
        folders: [state, target],
        uids: new Map([[state, ascending(uids)]]),
        messages: isCounted(target.folder) ? uids.length : 0,
        adds: true,
        limited: limit ? [target.folder.owner] : [],
        apply: (changeSet) => changeSet.copy(folderId, uids, targetFolderId, { now: this.clock.now(), origin, limit }),
      }),
    )
  }

  async move(
    folderId: string,
    uids: readonly number[],
    targetFolderId: string,
    origin?: Origin,
    limit?: HoldLimit,
  ): Promise<CopyResult> {
    const folders = await this.#needBoth(folderId, targetFolderId)
    const [, { folder }] = folders
    const results = await this.#inSteps(
      folders,
      uids,
      (changeSet, some) => changeSet.move(folderId, some, targetFolderId, { now: this.clock.now(), origin, limit }),
      { limited: limit ? [folder.owner] : [] },
    )
    return { from: results.flatMap(({ from }) => from), to: results.flatMap(({ to }) => to) }
  }

  async expunge(folderId: string, uids: readonly number[], origin?: Origin): Promise<readonly number[]> {
    return this.#expunge(await this.#need(folderId), uids, origin)
  }

  override async lockFolder(folderId: string): Promise<FolderLock | undefined> {
    const state = await this.#need(folderId)
    return this.#run(() => this.#locks.lock(state))
  }

  override async lockedFolders(): Promise<ReadonlySet<string>> {
    const rows = await this.#query<{ id: number }>(
      'select id from folders where lock_token is not null and locked_until > clock_timestamp()',
    )
    return new Set(rows.map(({ id }) => this.#names.folder(id)))
  }

  override async expungeUnlocked(
    folderId: string,
    uids: readonly number[],
    origin?: Origin,
  ): Promise<readonly number[]> {
    const state = await this.#need(folderId)
    const step = (changeSet: ChangeSet, some: readonly number[]): readonly number[] =>
      changeSet.need(folderId).row.is_locked ? [] : changeSet.expunge(folderId, some, origin)
    const expunged = await this.#inSteps([state], uids, step, { isPlain: false })
    return expunged.flat()
  }

  async changedSince(folderId: string, modSeq: number): Promise<readonly MessageEntry[]> {
    const state = await this.#need(folderId)
    return this.#run(() => this.#reader.entries(state, 'e.mod_seq > $2', [modSeq]))
  }

  async vanishedSince(folderId: string, modSeq: number): Promise<readonly number[]> {
    const { key } = await this.#need(folderId)
    const rows = await this.#query<{ uid: number }>(
      'select distinct unnest(uids) as uid from vanished where folder = $1 and mod_seq > $2 order by uid',
      [key, modSeq],
    )
    return rows.map(({ uid }) => uid)
  }

  async locate(messageId: string): Promise<readonly Location[]> {
    const locations: Location[] = []
    for (const { folder: key, uid } of await this.#run(() => this.#articles.places(messageId))) {
      const state = await this.#find(this.#names.folder(key))
      if (state) locations.push({ folder: state.folder, uid })
    }
    return locations
  }

  async knows(messageId: string): Promise<boolean> {
    return this.#run(() => this.#articles.knows(messageId))
  }

  async remember(messageId: string): Promise<void> {
    await this.#run(() => this.#articles.remember(messageId))
  }

  async values(space: ValueSpace): Promise<Values> {
    this.checkOpen()
    const { key } = await this.#spaceOf(space)
    return this.#run(() => valuesIn(this.#database, key, space))
  }

  async changeValues(
    space: ValueSpace,
    change: (current: Values, modSeq: number) => ValueChanges,
    origin?: Origin,
  ): Promise<void> {
    const state = await this.#spaceOf(space)
    await this.#withRoom(() =>
      this.#writeQueue.run({
        folders: [state],
        space: { folder: state, space },
        apply: (changeSet) => changeSet.changeValues(changeSet.need(state.folder.id), space, change, origin),
      }),
    )
  }

  getState(key: string): Promise<string | undefined> {
    return this.#run(() => this.#state.get(key))
  }

  hasState(key: string): boolean {
    return this.#state.has(key)
  }

  setState(key: string, value: string | undefined): Promise<void> {
    return this.#run(() => this.#state.set(key, value))
  }

  async *dump(): AsyncGenerator<StoreItem, void, void> {
    this.checkOpen()
    try {
      yield* dumpDatabase(this.#database, this.#names)
    } catch (error) {
      throw storeError(error)
    }
  }

  async restore(items: StoreItems): Promise<void> {
    await this.#refreshFolders()
    this.folders.checkEmpty()
    try {
      await restoreDatabase({ database: this.#database, names: this.#names, kinds }, items)
      await this.#folders.load()
      await this.#state.load()
      await this.#count.recount(this.#database)
    } catch (error) {
      throw storeError(error)
    }
  }

  async clear(): Promise<void> {
    await this.#run(() => this.#folders.clear())
    this.#state.cleared()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.isClosed) return
    this.isClosed = true
    clearInterval(this.#sweeping)
    this.#unwatchState()
    await this.#listener.close()
    await this.#writeQueue.ended()
    await Promise.all([this.#locks.close(), this.#leases[Symbol.asyncDispose]()])
  }

  #query<Row>(text: string, values?: readonly unknown[]): Promise<readonly Row[]> {
    return this.#run(() => this.#database.query<Row>(text, values))
  }

  /** @throws StoreError */
  async #run<T>(work: () => Promise<T>): Promise<T> {
    this.checkOpen()
    try {
      return await work()
    } catch (error) {
      throw storeError(error)
    }
  }

  /** Refuses new messages while the disk is full: they would take the room that deletions need. @throws StoreError */
  #checkRoom(): void {
    this.checkOpen()
    if (this.#database.isFull && !this.#dropOldest) throw storeError(new DatabaseError('no-space', 'the disk is full'))
  }

  /** Runs a change that needs room. If it does not fit and `whenFull` says so, the oldest messages are deleted first. */
  #withRoom<T>(change: () => Promise<T>): Promise<T> {
    return this.#dropOldest ? this.#dropOldest.run(change) : change()
  }

  /** Makes room while no other node does: two would delete the same messages, or twice as many. */
  readonly #alone: Alone = async (work) => {
    const lease = await this.#run(() => this.#leases.wait(DROP_LEASE)).catch((error: unknown) => {
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

  async #expunge(
    state: PostgresFolder,
    uids: readonly number[],
    origin?: Origin,
    token?: string,
  ): Promise<readonly number[]> {
    const { id } = state.folder
    const step = (changeSet: ChangeSet, some: readonly number[]): readonly number[] => {
      if (token !== undefined) assertLocked(changeSet.need(id), token)
      return changeSet.expunge(id, some, origin)
    }
    const expunged = await this.#inSteps([state], uids, step, { isPlain: token === undefined })
    return expunged.flat()
  }

  /** Runs a change of many messages of the first folder in several transactions. */
  async #inSteps<T>(
    folders: readonly PostgresFolder[],
    uids: readonly number[],
    step: (changeSet: ChangeSet, some: readonly number[]) => T,
    { isPlain = true, limited = [] }: { readonly isPlain?: boolean; readonly limited?: readonly Owner[] } = {},
  ): Promise<T[]> {
    this.checkOpen()
    const all = ascending(uids)
    const results: T[] = []
    for (let at = 0; at === 0 || at < all.length; at += STEP) {
      const some = all.slice(at, at + STEP)
      const [first] = folders as readonly [PostgresFolder]
      results.push(
        await this.#writeQueue.run({
          folders,
          uids: new Map([[first, some]]),
          isPlain,
          limited,
          apply: (changeSet) => step(changeSet, some),
        }),
      )
    }
    return results
  }

  /** @throws StoreError `not-found` */
  async #withIndex<T>(folderId: string, use: (index: FolderIndex) => T): Promise<T> {
    return this.#recovering(async () => {
      const state = await this.#need(folderId)
      await this.#run(() => this.#replication.load(state))
      const end = await state.turn()
      try {
        const index = await this.#run(() => this.#replication.index(state))
        if (!index) throw notFound(folderId)
        return use(index)
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
      await this.#run(() => this.#setbacks.recover(error.states))
      return read()
    }
  }

  /** Returns a folder, also one that another node has just created. @throws StoreError `not-found`, `closed` */
  async #need(folderId: string): Promise<PostgresFolder> {
    const state = await this.#find(folderId)
    if (!state) throw notFound(folderId)
    return state
  }

  async #find(folderId: string): Promise<PostgresFolder | undefined> {
    this.checkOpen()
    const known = this.folders.get(folderId)
    if (known) return known
    await this.#refreshFolders()
    return this.folders.get(folderId)
  }

  async #needBoth(folderId: string, otherId: string): Promise<readonly [PostgresFolder, PostgresFolder]> {
    return [await this.#need(folderId), await this.#need(otherId)]
  }

  async #needAll(folderIds: readonly string[]): Promise<PostgresFolder[]> {
    const states: PostgresFolder[] = []
    for (const folderId of new Set(folderIds)) states.push(await this.#need(folderId))
    return states
  }

  /** Returns the folder of values, or the row that stands for the store as a whole. @throws StoreError `not-found` */
  async #spaceOf({ folderId, kind }: ValueSpace): Promise<PostgresFolder> {
    if (folderId !== undefined) return this.#need(folderId)
    this.checkOpen()
    return this.#valueRows.of(kind)
  }

  async #refreshFolders(): Promise<void> {
    this.checkOpen()
    if (this.#listener.currentSince === undefined) await this.#run(() => this.#folders.refresh())
  }

  /** Emits what other nodes have committed in a folder before this call, if anybody wants to know. @throws StoreError */
  async #emitChanges(state: PostgresFolder): Promise<void> {
    if (!this.isWatched(state.folder)) return
    const end = await state.turn()
    try {
      await this.#run(() => this.#replication.refresh(state))
    } finally {
      end()
    }
  }

  async #sweep(): Promise<void> {
    try {
      await removeDoomed(this.#database, this.#bodies.streamed)
      await this.#journal.sweep()
    } catch (error) {
      if (!this.isClosed) this.#log.debug({ err: error }, 'octets of deleted messages stay; it is tried again')
    }
  }

  /** Returns how many messages a batch adds to folders whose messages are counted. */
  #countTargets(batch: readonly NewMessage[]): number {
    let messages = 0
    for (const { targets } of batch) {
      for (const { folderId } of targets) if (isCounted(this.need(folderId).folder)) messages++
    }
    return messages
  }
}

const notFound = (folderId: string): StoreError => new StoreError('not-found', `folder ${folderId} does not exist`)

/** Returns the owners of the folders of a batch for which it has a limit. */
function limitedBy(batch: readonly NewMessage[], folders: readonly PostgresFolder[]): readonly Owner[] {
  const ids = new Set(batch.flatMap(({ targets }) => targets.flatMap(({ folderId, limit }) => (limit ? folderId : []))))
  return ids.size === 0 ? [] : folders.flatMap(({ folder }) => (ids.has(folder.id) ? folder.owner : []))
}
