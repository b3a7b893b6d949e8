import { randomBytes } from 'node:crypto'
import type { Logger } from 'pino'
import { countOctets, type Pieces } from '../../../../core/octets/pieces.ts'
import type { Clock } from '../../../../core/time/clock.ts'
import { isSliceOver, nextSlice } from '../../../../core/time/time-slice.ts'
import { type Overview, overview } from '../../../../mail/format/overview.ts'
import type { CopyableStore, StoreItem, StoreItems } from '../../copy/types.ts'
import { uidSteps } from '../../entries/uid-order.ts'
import { folderName } from '../../mailboxes.ts'
import type {
  CopyResult,
  FlagChange,
  FlagChangeResult,
  Folder,
  FolderSettings,
  FolderSnapshot,
  FolderStatus,
  HoldLimit,
  Location,
  MessageEntry,
  NewMessage,
  Origin,
  Owner,
  StoredMessage,
  StoreRoom,
  UidRange,
} from '../../types.ts'
import type { ValueChanges, ValueSpace, Values } from '../../value-types.ts'
import { BaseStore } from '../base-store.ts'
import { newFolder, withSettings } from '../folder-registry.ts'
import { DropOldest } from '../full/drop-oldest.ts'
import { checkFits, isCounted, type StoreLimits } from '../full/limits.ts'
import { additionsTo, checkLimit, checkLimits, type Held, heldIn } from '../full/owner-limits.ts'
import {
  type AddedEntries,
  assertNew,
  copiedEntries,
  copyResult,
  createEntries,
  planAppend,
  planFlags,
} from '../plan.ts'
import { lacksLineEnd } from '../take-octets.ts'
import { textKey } from '../text-key.ts'
import { modSeqOfChange, valuesEvent } from '../values.ts'
import { Blobs, collectPieces, defaultMaxOctets } from './blobs.ts'
import { dumpParts, type MemoryParts, restoreParts } from './copy.ts'
import { ArticleHistory, MemoryFolder } from './indexes.ts'
import { MemoryValues } from './values.ts'

interface MemoryStoreOptions {
  readonly clock: Clock
  /** Receives errors that listeners throw. Without it they become process warnings. */
  readonly log?: Logger | undefined
  /** Default: half of the memory, at most 1 GiB. */
  readonly limits?: StoreLimits | undefined
}

const PIECE_OCTETS = 64 * 1024

/** The octets of a message that is being stored. */
interface Content {
  readonly pieces: Pieces
  readonly sizeOctets: number
  readonly lacksLineEnd: boolean
}

const contentOf = (pieces: Pieces): Content => ({
  pieces,
  sizeOctets: countOctets(pieces),
  lacksLineEnd: lacksLineEnd(pieces),
})

/** A store in the memory of its process. Every change is one synchronous step, so no session sees a part of it. */
export class MemoryStore extends BaseStore<MemoryFolder> implements CopyableStore {
  #tag = randomBytes(4).toString('hex')
  readonly #blobs: Blobs
  readonly #history = new ArticleHistory()
  readonly #subscriptions = new Map<Owner, Set<string>>()
  readonly #state = new Map<string, string>()
  #values = new MemoryValues()
  /** The next uid of deleted folders, so that a new folder of the same name never reuses a uid. */
  readonly #retiredUids = new Map<string, number>()
  #lastFolder = 0
  #lastUidValidity = 0
  readonly #limits: StoreLimits
  readonly #dropOldest: DropOldest | undefined
  /** Number of messages, without the queue of outgoing mail. */
  #messages = 0

  constructor({ clock, log, limits = {} }: MemoryStoreOptions) {
    super(clock, (error) => {
      if (log) log.error({ err: error }, 'a listener of the store failed')
      else process.emitWarning(error instanceof Error ? error : String(error))
    })
    const octets = limits.octets ?? defaultMaxOctets()
    this.#blobs = new Blobs(this.#tag, octets)
    this.#limits = limits
    if (limits.whenFull === 'drop-oldest') this.#dropOldest = new DropOldest(this, { ...limits, octets }, { log })
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
    const maxOctets = this.#dropOldest ? this.#blobs.maxOctets : this.#blobs.freeOctets
    for (const { raw } of batch) {
      const pieces = collectPieces(raw, maxOctets)
      raws.push(pieces instanceof Promise ? await pieces : pieces)
    }
    return this.#withRoom(() => this.#append(batch, raws, origin))
  }

  #append(batch: readonly NewMessage[], raws: readonly Pieces[], origin: Origin | undefined): readonly StoredMessage[] {
    assertNew(batch, (messageId) => this.#history.has(messageId))
    const planned = planAppend(batch, (folderId) => this.need(folderId))
    let octets = 0
    let copies = 0
    const contents: Content[] = []
    for (let i = 0; i < planned.length; i++) {
      const { prefix, places } = planned[i] as (typeof planned)[number]
      const raw = raws[i] ?? []
      const content = contentOf(prefix ? [prefix, ...raw] : raw)
      contents.push(content)
      octets += content.sizeOctets
      copies += places.length
    }
    checkLimits(planned, (i) => countOctets(raws[i] ?? []), this.#heldBy)
    this.#checkCount(() => planned.flatMap(({ places }) => places))
    this.#blobs.reserve(octets, copies)
    const now = this.clock.now()
    const added: AddedEntries<MemoryFolder> = new Map()
    const stored: StoredMessage[] = []
    for (let i = 0; i < planned.length; i++) {
      const message = planned[i] as (typeof planned)[number]
      const { pieces, ...facts } = contents[i] as Content
      const blob = this.#blobs.add(pieces, message.places.length)
      for (const one of createEntries(message, { blob, ...facts }, now, added)) stored.push(one)
    }
    for (const [state, entries] of added) this.#appendTo(state, entries, origin)
    return stored
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

  async setFlags(
    folderId: string,
    uids: readonly number[],
    change: FlagChange,
    origin?: Origin,
  ): Promise<FlagChangeResult> {
    const results = await this.#inSteps(uids, (some) => {
      const state = this.need(folderId)
      const { folder, index } = state
      const { entries, modified, changed } = planFlags(index.pick(some), state, change)
      if (changed.length > 0) {
        index.replace(changed)
        this.emit({ type: 'flags', folder, entries: changed, ...(origin && { origin }) })
      }
      return { entries, modified }
    })
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
    return this.#withRoom(() => {
      const from = this.need(folderId).index.pick(uids)
      const target = this.need(targetFolderId)
      checkLimit(additionsTo(target, from), limit, this.#heldBy)
      this.#checkCount(() => from.map(() => target))
      this.#blobs.reserve(0, from.length)
      return this.#copyTo(target, from, origin)
    })
  }

  async move(
    folderId: string,
    uids: readonly number[],
    targetFolderId: string,
    origin?: Origin,
    limit?: HoldLimit,
  ): Promise<CopyResult> {
    const results = await this.#inSteps(uids, (some) => {
      const source = this.need(folderId)
      const target = this.need(targetFolderId)
      const moving = source.index.pick(some)
      checkLimit(additionsTo(target, moving), limit, this.#heldBy)
      this.#blobs.reserveForMove(moving.length)
      const result = this.#copyTo(target, moving, origin)
      this.#expunge(source, moving, origin)
      return result
    })
    return { from: results.flatMap(({ from }) => from), to: results.flatMap(({ to }) => to) }
  }

  async expunge(folderId: string, uids: readonly number[], origin?: Origin): Promise<readonly number[]> {
    const expunged = await this.#inSteps(uids, (some) => {
      const state = this.need(folderId)
      return this.#expunge(state, state.index.pick(some), origin)
    })
    return expunged.flat()
  }

  /** Changes many messages, and lets other sessions run meanwhile. Returns the results in uid order. */
  async #inSteps<T>(uids: readonly number[], change: (some: readonly number[]) => T): Promise<readonly T[]> {
    const results: T[] = []
    for (const some of uidSteps(uids)) {
      if (results.length > 0 && isSliceOver()) await nextSlice()
      results.push(change(some))
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
    return this.#valuesOf(space).in(space)
  }

  async changeValues(
    space: ValueSpace,
    change: (current: Values, modSeq: number) => ValueChanges,
    origin?: Origin,
  ): Promise<void> {
    await this.#withRoom(() => this.#changeValues(space, change, origin))
  }

  #changeValues(
    space: ValueSpace,
    change: (current: Values, modSeq: number) => ValueChanges,
    origin: Origin | undefined,
  ): void {
    this.checkOpen()
    const values = this.#valuesOf(space)
    const state = space.folderId === undefined ? undefined : this.need(space.folderId)
    const changes = change(values.in(space), (state?.highestModSeq ?? 0) + 1)
    if (changes.size === 0) return
    const growth = values.growth(space, changes)
    if (growth > 0) this.#blobs.reserve(growth, 0)
    else this.#blobs.free(-growth)
    values.change(space, changes)
    if (!state) return
    const modSeq = modSeqOfChange(space, state.highestModSeq + 1)
    if (modSeq !== undefined) state.index.highestModSeq = modSeq
    this.emit(valuesEvent(state.folder, space, { changes, modSeq, origin }))
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
    await restoreParts(parts, items, (state) => {
      this.#checkCount(() => [state])
      if (isCounted(state.folder)) this.#messages++
    })
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
    this.#blobs.free(this.#values.octets)
    this.#values = new MemoryValues()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isClosed = true
    this.folders.clear()
    this.#blobs.clear()
    this.#history.clear()
  }

  /** Runs a change that needs room. If it does not fit and `whenFull` says so, the oldest messages are deleted first. */
  #withRoom<T>(change: () => T): T | Promise<T> {
    return this.#dropOldest ? this.#dropOldest.run(change) : change()
  }

  /** Checks the number of messages that a change adds to these folders. @throws StoreError `no-space` */
  #checkCount(added: () => readonly { readonly folder: Folder }[]): void {
    if (this.#limits.messages === undefined) return
    const messages = added().filter(({ folder }) => isCounted(folder)).length
    checkFits({ octets: 0, messages: this.#messages }, { octets: 0, messages }, { messages: this.#limits.messages })
  }

  readonly #heldBy = (owner: Owner): Held =>
    heldIn(this.folders.list(owner).map(({ id }) => this.need(id).index.status()))

  #appendTo({ folder, index }: MemoryFolder, entries: readonly MessageEntry[], origin: Origin | undefined): void {
    index.append(entries)
    if (isCounted(folder)) this.#messages += entries.length
    this.#history.add(folder, entries)
    this.emit(origin ? { type: 'appended', folder, entries, origin } : { type: 'appended', folder, entries })
  }

  #copyTo(target: MemoryFolder, from: readonly MessageEntry[], origin: Origin | undefined): CopyResult {
    if (from.length === 0) return copyResult([], [])
    const entries = copiedEntries(from, target, this.clock.now())
    for (const { blob } of entries) this.#blobs.hold(blob)
    this.#appendTo(target, entries, origin)
    return copyResult(from, entries)
  }

  #expunge(state: MemoryFolder, entries: readonly MessageEntry[], origin: Origin | undefined): readonly number[] {
    if (entries.length === 0) return []
    const { folder } = state
    const modSeq = state.highestModSeq + 1
    const uids = entries.map(({ uid }) => uid)
    state.expunge(uids, modSeq)
    this.#release(folder, entries)
    this.emit({ type: 'expunged', folder, uids, modSeq, ...(origin && { origin }) })
    return uids
  }

  #release(folder: Folder, entries: readonly MessageEntry[]): void {
    for (const { blob } of entries) this.#blobs.release(blob)
    if (isCounted(folder)) this.#messages -= entries.length
    this.#history.remove(folder, entries)
  }

  #parts(): MemoryParts {
    return {
      folders: this.folders,
      blobs: this.#blobs,
      history: this.#history,
      subscriptions: this.#subscriptions,
      state: this.#state,
      values: this.#values,
      retiredUids: this.#retiredUids,
      tag: this.#tag,
      lastFolder: this.#lastFolder,
      lastUidValidity: this.#lastUidValidity,
    }
  }

  #valuesOf({ folderId }: ValueSpace): MemoryValues {
    return folderId === undefined ? this.#values : this.need(folderId).values
  }

  #deleteFolder(state: MemoryFolder): void {
    const { folder, index, values } = state
    this.#release(folder, index.list())
    this.#blobs.free(values.octets)
    if (index.uidNext > 1) this.#retiredUids.set(retiredKey(folder), index.uidNext)
    this.folders.remove(state)
    this.emit({ type: 'folder-deleted', folder })
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
