import { randomBytes } from 'node:crypto'
import type { Logger } from 'pino'
import type { Pieces } from '../../../../core/octets/pieces.ts'
import type { Clock } from '../../../../core/time/clock.ts'
import { isSliceOver, nextSlice } from '../../../../core/time/time-slice.ts'
import { type Overview, overview } from '../../../../mail/format/overview.ts'
import type { CopyableStore, StoreItem, StoreItems } from '../../copy/types.ts'
import { uidSteps } from '../../entries/uid-order.ts'
import type { Folder, FolderSettings, Owner } from '../../folder.ts'
import { folderName } from '../../mailboxes.ts'
import type { MessageEntry, StoredMessage } from '../../message-entry.ts'
import type { Origin } from '../../origin.ts'
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
import { BaseStore } from '../base-store.ts'
import { newFolder, withSettings } from '../folder-registry.ts'
import { DropOldest } from '../full/drop-oldest.ts'
import type { StoreLimits } from '../full/limits.ts'
import { textKey } from '../text-key.ts'
import { Blobs, collectPieces, defaultMaxOctets } from './blobs.ts'
import { MemoryChangeSet } from './change-set.ts'
import { dumpParts, type MemoryParts, restoreParts } from './copy.ts'
import { ArticleHistory, MemoryFolder } from './indexes.ts'

interface MemoryStoreOptions {
  readonly clock: Clock
  /** Receives errors that listeners throw. Without it they become process warnings. */
  readonly log?: Logger | undefined
  /** Default: half of the memory, at most 1 GiB. */
  readonly limits?: StoreLimits | undefined
}

const PIECE_OCTETS = 64 * 1024

/** A store in the memory of its process. Every change is one synchronous step, so no session sees a part of it. */
export class MemoryStore extends BaseStore<MemoryFolder, MemoryChangeSet> implements CopyableStore {
  #tag = randomBytes(4).toString('hex')
  readonly #blobs: Blobs
  readonly #history = new ArticleHistory()
  readonly #subscriptions = new Map<Owner, Set<string>>()
  readonly #state = new Map<string, string>()
  /** The next uid of deleted folders, so that a new folder of the same name never reuses a uid. */
  readonly #retiredUids = new Map<string, number>()
  #lastFolder = 0
  #lastUidValidity = 0
  readonly #changes: MemoryChangeSet

  constructor({ clock, log, limits = {} }: MemoryStoreOptions) {
    super(clock, (error) => {
      if (log) log.error({ err: error }, 'a listener of the store failed')
      else process.emitWarning(error instanceof Error ? error : String(error))
    })
    const octets = limits.octets ?? defaultMaxOctets()
    this.#blobs = new Blobs(this.#tag, octets)
    this.#changes = new MemoryChangeSet({
      folders: this.folders,
      blobs: this.#blobs,
      history: this.#history,
      maxMessages: limits.messages,
      emit: (event) => this.emit(event),
    })
    if (limits.whenFull === 'drop-oldest') this.dropOldest = new DropOldest(this, { ...limits, octets }, { log })
  }

  async room(): Promise<StoreRoom> {
    this.checkOpen()
    const { usedOctets, freeOctets } = this.#blobs
    return { usedOctets, freeOctets: Math.max(0, freeOctets) }
  }

  async createFolder(owner: Owner, name: string, settings: FolderSettings = {}): Promise<Folder> {
    this.checkOpen()
    this.folders.checkFree(owner, name)
    const folder = newFolder(owner, name, settings, {
      tag: this.#tag,
      number: ++this.#lastFolder,
      lastUidValidity: this.#lastUidValidity,
      now: this.clock.now(),
    })
    this.#lastUidValidity = folder.uidValidity
    this.folders.add(new MemoryFolder(folder, this.#retiredUids.get(retiredKey(folder)) ?? 1))
    this.#retiredUids.delete(retiredKey(folder))
    this.emit({ type: 'folder-created', folder })
    return folder
  }

  async deleteFolder(folderId: string, { onlyIfEmpty = false } = {}): Promise<void> {
    const state = this.need(folderId)
    if (!onlyIfEmpty || state.index.status().exists === 0) this.#deleteFolder(state)
  }

  async renameFolder(folderId: string, name: string): Promise<Folder> {
    const state = this.need(folderId)
    const plan = this.folders.planRename(folderId, name)
    this.folders.replace(plan.map(({ folder }) => folder))
    for (const renaming of plan) this.emit({ type: 'folder-changed', ...renaming })
    return state.folder
  }

  async updateFolder(folderId: string, settings: FolderSettings): Promise<Folder> {
    const folder = withSettings(this.need(folderId).folder, settings)
    this.folders.replace([folder])
    this.emit({ type: 'folder-changed', folder, previousName: folder.name })
    return folder
  }

  async status(folderId: string): Promise<FolderStatus> {
    return this.need(folderId).index.status()
  }

  async snapshot(folderId: string): Promise<FolderSnapshot> {
    return this.need(folderId).index.snapshot()
  }

  async subscriptions(owner: Owner): Promise<readonly string[]> {
    return [...(this.#subscriptions.get(owner) ?? [])].sort()
  }

  async setSubscribed(owner: Owner, name: string, subscribed: boolean): Promise<void> {
    this.checkOpen()
    const names = this.#subscriptions.get(owner) ?? new Set()
    if (subscribed) names.add(folderName(owner, name))
    else names.delete(folderName(owner, name))
    if (names.size > 0) this.#subscriptions.set(owner, names)
    else this.#subscriptions.delete(owner)
  }

  async append(batch: readonly NewMessage[], origin?: Origin): Promise<readonly StoredMessage[]> {
    for (const { targets } of batch) for (const { folderId } of targets) this.need(folderId)
    const raws: Pieces[] = []
    const maxOctets = this.dropOldest ? this.#blobs.maxOctets : this.#blobs.freeOctets
    for (const { raw } of batch) {
      const pieces = collectPieces(raw, maxOctets)
      raws.push(pieces instanceof Promise ? await pieces : pieces)
    }
    return this.withRoom(() => this.#changes.append(batch, raws, this.clock.now(), origin))
  }

  async list(folderId: string, range?: UidRange): Promise<readonly MessageEntry[]> {
    return this.need(folderId).index.list(range)
  }

  async entry(folderId: string, uid: number): Promise<MessageEntry | undefined> {
    return this.#find(folderId, uid)
  }

  async read(folderId: string, uid: number, start?: number, end?: number): Promise<Buffer | undefined> {
    const octets = this.#octets(folderId, uid)
    return start === undefined && end === undefined ? octets : octets?.subarray(start, end)
  }

  async *stream(folderId: string, uid: number, start?: number, end?: number): AsyncGenerator<Buffer, void, void> {
    const octets = this.#octets(folderId, uid)?.subarray(start, end)
    for (let at = 0; octets && at < octets.length; at += PIECE_OCTETS) yield octets.subarray(at, at + PIECE_OCTETS)
  }

  async overview(folderId: string, uid: number): Promise<Overview | undefined> {
    const octets = this.#octets(folderId, uid)
    return octets && overview(octets)
  }

  async copy(
    folderId: string,
    uids: readonly number[],
    targetFolderId: string,
    origin?: Origin,
    limit?: HoldLimit,
  ): Promise<CopyResult> {
    this.checkOpen()
    return this.withRoom(() =>
      this.#changes.copy(folderId, uids, targetFolderId, { now: this.clock.now(), origin, limit }),
    )
  }

  protected override async inSteps<T>(
    _folderIds: readonly string[],
    uids: readonly number[],
    change: (changes: MemoryChangeSet, some: readonly number[]) => T,
  ): Promise<readonly T[]> {
    const results: T[] = []
    for (const some of uidSteps(uids)) {
      if (results.length > 0 && isSliceOver()) await nextSlice()
      this.checkOpen()
      results.push(change(this.#changes, some))
    }
    return results
  }

  async changedSince(folderId: string, modSeq: number): Promise<readonly MessageEntry[]> {
    return this.need(folderId).index.changedSince(modSeq)
  }

  async vanishedSince(folderId: string, modSeq: number): Promise<readonly number[]> {
    return this.need(folderId).vanishedSince(modSeq)
  }

  async locate(messageId: string): Promise<readonly Location[]> {
    return this.#history
      .places(messageId)
      .map(({ folderId, uid }) => ({ folder: this.folders.need(folderId).folder, uid }))
  }

  async knows(messageId: string): Promise<boolean> {
    return this.#history.has(messageId)
  }

  async remember(messageId: string): Promise<void> {
    this.checkOpen()
    this.#history.remember(messageId)
  }

  async values(space: ValueSpace): Promise<Values> {
    this.checkOpen()
    return this.#changes.valuesOf(space).in(space)
  }

  async changeValues(
    space: ValueSpace,
    change: (current: Values, modSeq: number) => ValueChanges,
    origin?: Origin,
  ): Promise<void> {
    this.checkOpen()
    await this.withRoom(() => this.#changes.changeValues(space, change, origin))
  }

  async getState(key: string): Promise<string | undefined> {
    return this.#state.get(textKey(key))
  }

  hasState(key: string): boolean {
    return this.#state.size > 0 && this.#state.has(textKey(key))
  }

  async setState(key: string, value: string | undefined): Promise<void> {
    this.checkOpen()
    if (value === undefined) this.#state.delete(textKey(key))
    else this.#state.set(textKey(key), value)
  }

  dump(): AsyncGenerator<StoreItem, void, void> {
    this.checkOpen()
    return dumpParts(this.#parts())
  }

  async restore(items: StoreItems): Promise<void> {
    this.checkOpen()
    this.folders.checkEmpty()
    const parts = this.#parts()
    await restoreParts(parts, items, (folder) => this.#changes.countRestored(folder))
    this.#tag = parts.tag
    this.#lastFolder = parts.lastFolder
    this.#lastUidValidity = parts.lastUidValidity
  }

  async clear(): Promise<void> {
    this.checkOpen()
    for (const state of [...this.folders.all]) this.#deleteFolder(state)
    this.#history.clear()
    this.#subscriptions.clear()
    this.#state.clear()
    this.#changes.clearValues()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isClosed = true
    this.folders.clear()
    this.#blobs.clear()
    this.#history.clear()
  }

  #parts(): MemoryParts {
    return {
      folders: this.folders,
      blobs: this.#blobs,
      history: this.#history,
      subscriptions: this.#subscriptions,
      state: this.#state,
      values: this.#changes.values,
      retiredUids: this.#retiredUids,
      tag: this.#tag,
      lastFolder: this.#lastFolder,
      lastUidValidity: this.#lastUidValidity,
    }
  }

  #deleteFolder(state: MemoryFolder): void {
    const { folder, index } = state
    if (index.uidNext > 1) this.#retiredUids.set(retiredKey(folder), index.uidNext)
    this.#changes.deleteFolder(state)
  }

  #find(folderId: string, uid: number): MessageEntry | undefined {
    return this.folders.get(folderId)?.index.find(uid)
  }

  #octets(folderId: string, uid: number): Buffer | undefined {
    const entry = this.#find(folderId, uid)
    return entry && this.#blobs.get(entry.blob)
  }
}

const retiredKey = ({ owner, name }: Folder): string => `${owner}\n${textKey(name)}`
