import { randomBytes } from 'node:crypto'
import type { Logger } from 'pino'
import type { Clock } from '../../common/clock.ts'
import { countOctets, type Pieces } from '../../common/pieces.ts'
import { type Overview, overview } from '../../mail/overview.ts'
import { FolderRegistry, nextUidValidity, withSettings } from '../folder-registry.ts'
import { folderName } from '../mailboxes.ts'
import { copiedEntries, newEntry, type PlannedMessage, planAppend, planFlags } from '../plan.ts'
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
  PUBLIC_OWNER,
  type StoredMessage,
  StoreError,
  type StoreEvent,
  type UidRange,
} from '../types.ts'
import { Watchers } from '../watchers.ts'
import { Blobs, defaultMaxOctets, inPieces, noSpace } from './blobs.ts'
import { History, MemoryFolder } from './indexes.ts'

export interface MemoryStoreOptions {
  readonly clock: Clock
  /** Told of a watcher that throws; without it the process is warned. */
  readonly log?: Logger | undefined
  /** All messages together, each with `ENTRY_OCTETS` for its entries; beyond it `append` and `copy` answer `no-space`. */
  readonly maxOctets?: number | undefined
}

/** What an entry is counted with towards `maxOctets`, about what it takes beside the message's octets. */
export const ENTRY_OCTETS = 512
const PIECE_OCTETS = 64 * 1024

/** A store that lives as long as its process. Every change is made in one go, so no other sees half of it. */
export class MemoryStore implements MessageStore {
  readonly #clock: Clock
  readonly #maxOctets: number
  readonly #watchers: Watchers
  readonly #tag = randomBytes(4).toString('hex')
  readonly #blobs = new Blobs(`M${this.#tag}-`)
  readonly #folders = new FolderRegistry<MemoryFolder>()
  readonly #history = new History()
  readonly #subscriptions = new Map<Owner, Set<string>>()
  readonly #state = new Map<string, string>()
  /** The next number of folders that were deleted: a newsgroup made anew goes on where the old one ended. */
  readonly #retired = new Map<string, number>()
  #heldOctets = 0
  #lastFolder = 0
  #lastUidValidity = 0
  #closed = false

  constructor({ clock, log, maxOctets }: MemoryStoreOptions) {
    this.#clock = clock
    this.#maxOctets = maxOctets ?? defaultMaxOctets()
    this.#watchers = new Watchers((error) => {
      if (log) log.error({ err: error }, 'a watcher of the store failed')
      else process.emitWarning(error instanceof Error ? error : String(error))
    })
  }

  async createFolder(owner: Owner, name: string, settings: FolderSettings = {}): Promise<Folder> {
    this.#checkOpen()
    this.#folders.checkFree(owner, name)
    this.#lastUidValidity = nextUidValidity(this.#lastUidValidity, this.#clock.now())
    const folder: Folder = {
      id: `F${this.#tag}-${(++this.#lastFolder).toString(36)}`,
      owner,
      name: folderName(owner, name),
      uidValidity: this.#lastUidValidity,
      ...settings,
    }
    this.#folders.add(new MemoryFolder(folder, this.#retired.get(retiredKey(folder)) ?? 1))
    this.#retired.delete(retiredKey(folder))
    this.#emit({ type: 'folder-created', folder })
    return folder
  }

  async deleteFolder(folderId: string): Promise<void> {
    this.#dropFolder(this.#need(folderId))
  }

  async renameFolder(folderId: string, name: string): Promise<Folder> {
    const state = this.#need(folderId)
    const plan = this.#folders.planRename(folderId, name)
    this.#folders.replace(plan.map(({ folder }) => folder))
    for (const { folder, previousName } of plan) {
      if (folder.name !== previousName) this.#emit({ type: 'folder-changed', folder, previousName })
    }
    return state.folder
  }

  async updateFolder(folderId: string, settings: FolderSettings): Promise<Folder> {
    const folder = withSettings(this.#need(folderId).folder, settings)
    this.#folders.replace([folder])
    this.#emit({ type: 'folder-changed', folder, previousName: folder.name })
    return folder
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
    return this.#need(folderId).index.status()
  }

  async snapshot(folderId: string): Promise<FolderSnapshot> {
    return this.#need(folderId).index.snapshot()
  }

  async subscriptions(owner: Owner): Promise<readonly string[]> {
    return [...(this.#subscriptions.get(owner) ?? [])].sort()
  }

  async setSubscribed(owner: Owner, name: string, subscribed: boolean): Promise<void> {
    this.#checkOpen()
    const names = this.#subscriptions.get(owner) ?? new Set()
    if (subscribed) names.add(folderName(owner, name))
    else names.delete(folderName(owner, name))
    this.#subscriptions.set(owner, names)
  }

  async append(batch: readonly NewMessage[], origin?: Origin): Promise<readonly StoredMessage[]> {
    for (const { targets } of batch) for (const { folderId } of targets) this.#need(folderId)
    const raws: Pieces[] = []
    for (const { raw } of batch) raws.push(await inPieces(raw, this.#freeOctets))
    const planned = planAppend(batch, (folderId) => this.#need(folderId))
    const messages = planned.map(({ prefix }, i) => (prefix ? [prefix, ...(raws[i] ?? [])] : (raws[i] ?? [])))
    const octets = messages.map(countOctets)
    this.#claim(planned.reduce((sum, { places }, i) => sum + (octets[i] ?? 0) + places.length * ENTRY_OCTETS, 0))
    const stored: StoredMessage[] = []
    const added = new Map<MemoryFolder, MessageEntry[]>()
    for (const [i, message] of planned.entries()) {
      const kept = { blob: this.#blobs.add(messages[i] ?? [], message.places.length), sizeOctets: octets[i] ?? 0 }
      stored.push(...this.#enter(message, kept, added))
    }
    for (const [state, entries] of added) this.#appendTo(state, entries, origin)
    return stored
  }

  async list(folderId: string, range?: UidRange): Promise<readonly MessageEntry[]> {
    return this.#need(folderId).index.list(range)
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
    const state = this.#need(folderId)
    const { folder, index } = state
    const { entries, modified, changed } = planFlags(index.pick(uids), state, change)
    if (changed.length > 0) {
      index.replace(changed)
      this.#emit({ type: 'flags', folder, entries: changed, ...(origin && { origin }) })
    }
    return { entries, modified }
  }

  async copy(folderId: string, uids: readonly number[], targetFolderId: string, origin?: Origin): Promise<CopyResult> {
    const from = this.#need(folderId).index.pick(uids)
    const target = this.#need(targetFolderId)
    this.#claim(from.length * ENTRY_OCTETS)
    return this.#place(from, target, origin)
  }

  async move(folderId: string, uids: readonly number[], targetFolderId: string, origin?: Origin): Promise<CopyResult> {
    const source = this.#need(folderId)
    const target = this.#need(targetFolderId)
    const moving = source.index.pick(uids)
    // Not claimed: as many entries leave as come, so a full store can still move.
    this.#heldOctets += moving.length * ENTRY_OCTETS
    const result = this.#place(moving, target, origin)
    this.#expunge(source, moving, origin)
    return result
  }

  async expunge(folderId: string, uids: readonly number[], origin?: Origin): Promise<readonly number[]> {
    const state = this.#need(folderId)
    return this.#expunge(state, state.index.pick(uids), origin)
  }

  async changedSince(folderId: string, modSeq: number): Promise<readonly MessageEntry[]> {
    return this.#need(folderId).index.changedSince(modSeq)
  }

  async vanishedSince(folderId: string, modSeq: number): Promise<readonly number[]> {
    return this.#need(folderId).vanishedSince(modSeq)
  }

  async locate(messageId: string): Promise<readonly Location[]> {
    return this.#history
      .places(messageId)
      .map(({ folderId, uid }) => ({ folder: this.#folders.need(folderId).folder, uid }))
  }

  async knows(messageId: string): Promise<boolean> {
    return this.#history.has(messageId)
  }

  async remember(messageId: string): Promise<void> {
    this.#checkOpen()
    this.#history.remember(messageId)
  }

  async getState(key: string): Promise<string | undefined> {
    return this.#state.get(key)
  }

  async setState(key: string, value: string | undefined): Promise<void> {
    this.#checkOpen()
    if (value === undefined) this.#state.delete(key)
    else this.#state.set(key, value)
  }

  watch(listener: (event: StoreEvent) => void, folderId?: string): () => void {
    return this.#watchers.add(listener, folderId)
  }

  async clear(): Promise<void> {
    this.#checkOpen()
    for (const state of [...this.#folders.all]) this.#dropFolder(state)
    this.#history.clear()
    this.#subscriptions.clear()
    this.#state.clear()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    this.#folders.clear()
    this.#blobs.clear()
    this.#history.clear()
  }

  get #freeOctets(): number {
    return this.#maxOctets - this.#heldOctets
  }

  /** Takes room for so many octets. @throws StoreError `no-space` */
  #claim(octets: number): void {
    if (octets > this.#freeOctets) throw noSpace(this.#freeOctets)
    this.#heldOctets += octets
  }

  /** The entries of a message whose octets are kept. */
  #enter(
    planned: PlannedMessage<MemoryFolder>,
    kept: Pick<MessageEntry, 'blob' | 'sizeOctets'>,
    added: Map<MemoryFolder, MessageEntry[]>,
  ): StoredMessage[] {
    const now = this.#clock.now()
    return planned.places.map((place) => {
      const entry = newEntry(planned, place, kept, now)
      const entries = added.get(place.state)
      if (entries) entries.push(entry)
      else added.set(place.state, [entry])
      return { folder: place.folder, entry }
    })
  }

  #appendTo({ folder, index }: MemoryFolder, entries: readonly MessageEntry[], origin: Origin | undefined): void {
    index.append(entries)
    if (folder.owner === PUBLIC_OWNER) {
      for (const { messageId, uid } of entries) if (messageId) this.#history.add(messageId, { folder, uid })
    }
    this.#emit({ type: 'appended', folder, entries, ...(origin && { origin }) })
  }

  #place(from: readonly MessageEntry[], target: MemoryFolder, origin: Origin | undefined): CopyResult {
    if (from.length === 0) return { from: [], to: [] }
    const entries = copiedEntries(from, target, this.#clock.now())
    for (const { blob } of entries) this.#blobs.hold(blob)
    this.#appendTo(target, entries, origin)
    return { from: from.map(({ uid }) => uid), to: entries.map(({ uid }) => uid) }
  }

  #expunge(state: MemoryFolder, gone: readonly MessageEntry[], origin: Origin | undefined): readonly number[] {
    if (gone.length === 0) return []
    const { folder } = state
    const modSeq = state.highestModSeq + 1
    const uids = gone.map(({ uid }) => uid)
    state.expunge(uids, modSeq)
    this.#release(state, gone)
    this.#emit({ type: 'expunged', folder, uids, modSeq, ...(origin && { origin }) })
    return uids
  }

  #release({ folder }: MemoryFolder, entries: readonly MessageEntry[]): void {
    for (const { blob, messageId, uid } of entries) {
      this.#heldOctets -= this.#blobs.release(blob) + ENTRY_OCTETS
      if (messageId && folder.owner === PUBLIC_OWNER) this.#history.remove(messageId, folder.id, uid)
    }
  }

  #dropFolder(state: MemoryFolder): void {
    const { folder, index } = state
    this.#release(state, index.list())
    this.#retired.set(retiredKey(folder), index.uidNext)
    this.#folders.remove(state)
    this.#emit({ type: 'folder-deleted', folder })
  }

  #find(folderId: string, uid: number): MessageEntry | undefined {
    return this.#folders.get(folderId)?.index.find(uid)
  }

  #octets(folderId: string, uid: number): Buffer | undefined {
    const entry = this.#find(folderId, uid)
    return entry && this.#blobs.get(entry.blob)
  }

  #need(folderId: string): MemoryFolder {
    this.#checkOpen()
    return this.#folders.need(folderId)
  }

  #checkOpen(): void {
    if (this.#closed) throw new StoreError('closed', 'the store is closed')
  }

  #emit(event: StoreEvent): void {
    this.#watchers.emit(event)
  }
}

const retiredKey = ({ owner, name }: Folder): string => `${owner}\n${name}`
