import type { Logger } from 'pino'
import type { Arrivals } from '../../../../core/time/arrivals.ts'
import type { Clock } from '../../../../core/time/clock.ts'
import type { Overview } from '../../../../mail/format/overview.ts'
import type { CopyableStore, StoreItem, StoreItems } from '../../copy/types.ts'
import type { Folder, FolderSettings, Owner } from '../../folder.ts'
import { folderName } from '../../mailboxes.ts'
import type { MessageEntry, StoredMessage } from '../../message-entry.ts'
import type { Origin } from '../../origin.ts'
import type { StoreEvent } from '../../store-events.ts'
import type {
  CopyResult,
  FolderSnapshot,
  FolderStatus,
  HoldLimit,
  Location,
  NewMessage,
  StoreRoom,
  UidRange,
} from '../../types.ts'
import type { ValueChanges, ValueSpace, Values } from '../../value-types.ts'
import { BaseStore, type Steps } from '../base-store.ts'
import { newFolder, withSettings } from '../folder-registry.ts'
import { DropOldest } from '../full/drop-oldest.ts'
import { isCounted, type StoreLimits } from '../full/limits.ts'
import { textKey } from '../text-key.ts'
import { Articles } from './articles.ts'
import { Bodies, type StreamedBlob } from './bodies.ts'
import { ChangeSet } from './change-set.ts'
import { ALONE, additionOf, Changes, ENTRY_OCTETS, FREES } from './changes.ts'
import { Commits } from './commits.ts'
import { Committed } from './committed.ts'
import { dumpTables } from './dump.ts'
import { Entries } from './entries.ts'
import { Incoming } from './incoming.ts'
import { type LmdbFolder, vanishedSince } from './lmdb-folder.ts'
import { MessageCount } from './message-count.ts'
import { restoreTables } from './restore.ts'
import type { Space } from './space.ts'
import { LAST_TEXT, type Tables } from './tables.ts'
import { valuesIn } from './values.ts'

/** Octets that a change of values writes: a few pages. */
const VALUES_OCTETS = 32 << 10

interface LmdbStoreOptions {
  readonly clock: Clock
  readonly log: Logger
  readonly space: Space
  readonly limits: StoreLimits
  readonly arrivals: Arrivals
  /** Unlocks the store's folder. Called once, when the store is closed. */
  readonly unlock: () => Promise<void>
}

/**
 * A store in a folder on disk, made of LMDB tables. Changes run as operations of `Commits` on a `ChangeSet`. Reads see
 * the last commit that is flushed. Only folders that are opened whole are held in memory.
 */
export class LmdbStore extends BaseStore<LmdbFolder, ChangeSet> implements CopyableStore {
  readonly #tables: Tables
  readonly #space: Space
  readonly #unlock: () => Promise<void>
  readonly #committed: Committed
  readonly #bodies: Bodies
  readonly #articles: Articles
  readonly #entries: Entries
  readonly #commits: Commits<StoreEvent, ChangeSet>
  readonly #changes: Changes
  readonly #count: MessageCount
  readonly #maxOctets: number | undefined
  /** The keys of the small values. They are few, and `hasState` must not read. */
  #stateKeys: Set<string>
  #closing: Promise<void> | undefined

  constructor(tables: Tables, { clock, log, space, limits, arrivals, unlock }: LmdbStoreOptions) {
    super(clock, (error) => log.error({ err: error }, 'a listener of the store failed'))
    this.#tables = tables
    this.#space = space
    this.#unlock = unlock
    this.#maxOctets = limits.octets
    this.#count = new MessageCount(tables, limits.messages)
    if (limits.whenFull === 'drop-oldest') this.dropOldest = new DropOldest(this, limits, { log })
    this.#committed = new Committed(tables)
    this.#bodies = new Bodies(tables, this.#committed)
    this.#articles = new Articles(tables, this.#bodies)
    this.#entries = new Entries(this.folders, tables, this.#committed, this.#bodies.nameOf)
    this.#commits = new Commits(tables, space, arrivals, {
      changeSet: (isBlind) =>
        new ChangeSet(
          tables,
          this.#bodies,
          this.#articles,
          (folderId) => this.folders.need(folderId),
          (owner) => this.folders.list(owner),
          isBlind ? this.#committed.now : undefined,
        ),
      durable: (events) => {
        this.#entries.prepare(events)
        this.#committed.renew()
        this.#bodies.flushed()
      },
      apply: (event) => {
        this.#entries.apply(event)
        this.#count.apply(event)
        this.emit(event)
      },
      reopen: () => {
        this.#committed.reopen()
        this.#entries.forget()
      },
      lost: () => {
        this.#entries.readFolders()
        this.#count.forget()
        this.#stateKeys = this.#readStateKeys()
      },
    })
    this.#changes = new Changes(tables, this.#bodies, this.#commits, log, () => this.checkOpen())
    this.#entries.readFolders()
    this.#stateKeys = this.#readStateKeys()
    void this.#changes.removeDoomed()
  }

  async room(): Promise<StoreRoom> {
    this.checkOpen()
    return this.#space.room()
  }

  createFolder(owner: Owner, name: string, settings: FolderSettings = {}): Promise<Folder> {
    return this.#changes.run((changeSet) => {
      this.folders.checkFree(owner, name)
      return changeSet.createFolder((numbering) =>
        newFolder(owner, name, settings, { ...numbering, now: this.clock.now() }),
      )
    }, ALONE)
  }

  deleteFolder(folderId: string, options?: { readonly onlyIfEmpty?: boolean }): Promise<void> {
    return this.#changes.run((changeSet) => changeSet.deleteFolder(folderId, options), { ...ALONE, ...FREES })
  }

  renameFolder(folderId: string, name: string): Promise<Folder> {
    return this.#changes.run((changeSet) => {
      const plan = this.folders.planRename(folderId, name)
      for (const { folder, previousName } of plan) changeSet.changeFolder(folder, previousName)
      return plan.find(({ folder }) => folder.id === folderId)?.folder ?? this.folders.need(folderId).folder
    }, ALONE)
  }

  updateFolder(folderId: string, settings: FolderSettings): Promise<Folder> {
    return this.#changes.run((changeSet) => {
      const folder = withSettings(this.folders.need(folderId).folder, settings)
      changeSet.changeFolder(folder, folder.name)
      return folder
    }, ALONE)
  }

  async status(folderId: string): Promise<FolderStatus> {
    return this.need(folderId).status(this.#tables, this.#committed.now)
  }

  async snapshot(folderId: string): Promise<FolderSnapshot> {
    return this.#entries.index(this.need(folderId)).snapshot()
  }

  async subscriptions(owner: Owner): Promise<readonly string[]> {
    const range = { start: [owner, ''] as [string, string], end: [owner, LAST_TEXT] as [string, string] }
    const names = this.#tables.subscriptions.getRange({ ...range, ...this.#committed.now })
    return Array.from(names, ({ value }) => value).sort()
  }

  setSubscribed(owner: Owner, name: string, subscribed: boolean): Promise<void> {
    const full = folderName(owner, name)
    return this.#changes.put(() => {
      const { subscriptions } = this.#tables
      if (subscribed) subscriptions.putSync([owner, textKey(full)], full)
      else subscriptions.removeSync([owner, textKey(full)])
    })
  }

  async append(batch: readonly NewMessage[], origin?: Origin): Promise<readonly StoredMessage[]> {
    this.#changes.checkWritable()
    for (const { targets } of batch) for (const { folderId } of targets) this.need(folderId)
    const incoming = new Incoming(
      this.#bodies,
      async (work, octets) => this.withRoom(() => this.#changes.run(work, { octets, purpose: 'adds' })),
      this.#maxOctets,
    )
    try {
      const raws: (Buffer | StreamedBlob)[] = []
      for (const { raw } of batch) raws.push(await incoming.take(raw))
      const entries = batch.reduce((sum, { targets }) => sum + targets.length, 0)
      const traits = additionOf(raws, entries)
      const counted = this.countedIn(batch)
      const stored = await this.withRoom(() =>
        this.#changes.run((changeSet) => {
          this.#count.check(changeSet, counted)
          return changeSet.append(batch, raws, this.clock.now(), origin)
        }, traits),
      )
      incoming.end()
      return stored
    } catch (error) {
      incoming.end()
      await this.#changes.removeDoomed()
      throw error
    }
  }

  async list(folderId: string, range?: UidRange): Promise<readonly MessageEntry[]> {
    return this.#entries.list(this.need(folderId), range)
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
    if (entry) yield* this.#bodies.stream(entry, start, end, () => void this.#changes.removeDoomed())
  }

  async overview(folderId: string, uid: number): Promise<Overview | undefined> {
    const entry = this.#find(folderId, uid)
    return entry && this.#articles.overview(entry, this.#committed.now)
  }

  async copy(
    folderId: string,
    uids: readonly number[],
    targetFolderId: string,
    origin?: Origin,
    limit?: HoldLimit,
  ): Promise<CopyResult> {
    const { folder } = this.need(targetFolderId)
    return this.withRoom(() =>
      this.#changes.run(
        (changeSet) => {
          if (isCounted(folder)) this.#count.check(changeSet, uids.length)
          return changeSet.copy(folderId, uids, targetFolderId, { now: this.clock.now(), origin, limit })
        },
        { kept: uids.length * ENTRY_OCTETS },
      ),
    )
  }

  protected override async inSteps<T>(
    folderIds: readonly string[],
    uids: readonly number[],
    step: (changes: ChangeSet, some: readonly number[]) => T,
    { onlyFlags }: Steps = {},
  ): Promise<readonly T[]> {
    for (const id of folderIds) this.need(id)
    return this.#changes.inSteps(uids, step, onlyFlags)
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
    return this.#articles.knows(messageId, this.#committed.now)
  }

  remember(messageId: string): Promise<void> {
    return this.#changes.put(() => this.#tables.history.putSync(textKey(messageId), true))
  }

  async values(space: ValueSpace): Promise<Values> {
    this.checkOpen()
    if (space.folderId !== undefined) this.need(space.folderId)
    return valuesIn(this.#tables, space, this.#committed.now)
  }

  async changeValues(
    space: ValueSpace,
    change: (current: Values, modSeq: number) => ValueChanges,
    origin?: Origin,
  ): Promise<void> {
    if (space.folderId !== undefined) this.need(space.folderId)
    await this.withRoom(() =>
      this.#changes.run((changeSet) => changeSet.changeValues(space, change, origin), { octets: VALUES_OCTETS }),
    )
  }

  async getState(key: string): Promise<string | undefined> {
    return this.#tables.state.get(textKey(key), this.#committed.now)
  }

  hasState(key: string): boolean {
    return this.#stateKeys.has(textKey(key))
  }

  async setState(key: string, value: string | undefined): Promise<void> {
    const stored = textKey(key)
    await this.#changes.put(() => {
      if (value === undefined) this.#tables.state.removeSync(stored)
      else this.#tables.state.putSync(stored, value)
    })
    if (value === undefined) this.#stateKeys.delete(stored)
    else this.#stateKeys.add(stored)
  }

  async *dump(): AsyncGenerator<StoreItem, void, void> {
    this.checkOpen()
    using state = this.#committed.hold()
    yield* dumpTables(this.#tables, this.#bodies, state)
  }

  async restore(items: StoreItems): Promise<void> {
    this.#changes.checkWritable()
    this.folders.checkEmpty()
    const incoming = new Incoming(
      this.#bodies,
      (work, octets) => this.#changes.run(work, { octets, purpose: 'adds' }),
      this.#maxOctets,
    )
    try {
      await restoreTables(items, {
        incoming,
        change: (work, octets, alone) => this.#changes.run(work, { octets, kept: octets, alone, purpose: 'adds' }),
      })
    } finally {
      incoming.end()
      this.#count.forget()
      this.#stateKeys = this.#readStateKeys()
    }
  }

  async clear(): Promise<void> {
    await this.#changes.run(
      (changeSet) => {
        for (const { folder } of [...this.folders.all]) changeSet.deleteFolder(folder.id)
        changeSet.clearTables()
      },
      { ...ALONE, ...FREES },
    )
    this.#stateKeys.clear()
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
    await this.#space.close()
    await this.#unlock()
  }

  #readStateKeys(): Set<string> {
    return new Set(this.#tables.state.getKeys(this.#committed.now))
  }

  #find(folderId: string, uid: number): MessageEntry | undefined {
    this.checkOpen()
    return this.#entries.find(folderId, uid)
  }
}
