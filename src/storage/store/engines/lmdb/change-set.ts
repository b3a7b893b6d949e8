import type { FolderItem, MessageItem, StoreItem } from '../../copy/types.ts'
import { ascending } from '../../entries/uid-order.ts'
import { StoreError } from '../../errors.ts'
import { type Folder, type Owner, PUBLIC_OWNER } from '../../folder.ts'
import { folderName } from '../../mailboxes.ts'
import type { MessageEntry } from '../../message-entry.ts'
import type { StoreEvent } from '../../store-events.ts'
import type { ValueChanges, ValueSpace, Values } from '../../value-types.ts'
import { BaseChangeSet } from '../change-set.ts'
import type { FolderNumbering } from '../folder-registry.ts'
import { isCounted } from '../full/limits.ts'
import { type Held, sumFolders } from '../full/owner-limits.ts'
import type { NewBlob, PlannedMessage } from '../plan.ts'
import { lacksLineEnd } from '../take-octets.ts'
import { textKey } from '../text-key.ts'
import type { Articles } from './articles.ts'
import type { Bodies, StreamedBlob } from './bodies.ts'
import type { TransactionChanges } from './commits.ts'
import type { ReadOptions } from './committed.ts'
import { ChangedFolder, clearIndexes, countsIn, type LmdbFolder } from './lmdb-folder.ts'
import { firstKey, fromRecord, LAST_BLOB, lastKey, type Tables, toRecord, type ValueKey } from './tables.ts'
import { putValues, valuesIn } from './values.ts'

/** An item that can be written: the octets of a message have arrived. */
export type ReadyItem =
  | Exclude<StoreItem, MessageItem>
  | (Omit<MessageItem, 'raw'> & { readonly raw: Buffer | StreamedBlob | undefined })

/** The changes of one transaction. Reads see what earlier operations of the same transaction wrote. */
export class ChangeSet
  extends BaseChangeSet<ChangedFolder, Buffer | StreamedBlob>
  implements TransactionChanges<StoreEvent>
{
  writes = 0
  /** By how many messages the store grows. */
  growth = 0
  readonly #tables: Tables
  readonly #bodies: Bodies
  readonly #articles: Articles
  readonly #folderOf: (folderId: string) => LmdbFolder
  readonly #foldersOf: (owner: Owner) => readonly Folder[]
  /** The committed state, if the writes of the transaction cannot be read. */
  readonly #state: ReadOptions | undefined
  readonly #folders = new Map<string, ChangedFolder>()
  /** Message-IDs of new articles. */
  readonly #messageIds = new Set<string>()
  #effects: StoreEvent[] = []
  readonly #firstBlob: number
  #lastBlob: number

  /**
   * @param folderOf returns a folder, and throws StoreError `not-found` if it does not exist
   * @param foldersOf returns the folders of an owner
   * @param state the committed state, if the writes of the transaction cannot be read
   */
  constructor(
    tables: Tables,
    bodies: Bodies,
    articles: Articles,
    folderOf: (folderId: string) => LmdbFolder,
    foldersOf: (owner: Owner) => readonly Folder[],
    state?: ReadOptions,
  ) {
    super()
    this.#tables = tables
    this.#state = state
    this.#bodies = bodies
    this.#articles = articles
    this.#folderOf = folderOf
    this.#foldersOf = foldersOf
    this.#firstBlob = Number(tables.numbers.get(LAST_BLOB, state ?? {}) ?? 0)
    this.#lastBlob = this.#firstBlob
  }

  takeEffects(): readonly StoreEvent[] {
    const effects = this.#effects
    this.#effects = []
    return effects
  }

  finish(): void {
    for (const folder of this.#folders.values()) folder.finish()
    const { numbers, writes } = this.#tables
    if (this.#lastBlob > this.#firstBlob) writes.put(numbers, LAST_BLOB, this.#lastBlob)
  }

  /** Writes octets of an arriving message: to a new blob, or after the pieces it has. Returns the blob's number. */
  putUnfinished(blob: number | undefined, firstPiece: number, octets: Buffer): number {
    this.writes++
    const number = blob ?? ++this.#lastBlob
    if (blob === undefined) this.#tables.doomed.putSync(number, true)
    this.#bodies.putPieces(number, firstPiece, octets)
    return number
  }

  /** Creates the folder that `create` returns for the next number. */
  createFolder(create: (numbering: Omit<FolderNumbering, 'now'>) => Folder): Folder {
    const { meta, retired, folders, numbers } = this.#tables
    const number = Number(meta.get('lastFolder') ?? 0) + 1
    const lastUidValidity = Number(meta.get('lastUidValidity') ?? 0)
    const folder = create({ tag: String(meta.get('tag')), number, lastUidValidity })
    const key = retiredKey(folder)
    this.writes++
    meta.putSync('lastFolder', number)
    meta.putSync('lastUidValidity', folder.uidValidity)
    folders.putSync(folder.id, folder)
    numbers.putSync(folder.id, [retired.get(key) ?? 1, 1, 0, 0, 0, 0, 0])
    retired.removeSync(key)
    this.#effects.push({ type: 'folder-created', folder })
    return folder
  }

  changeFolder(folder: Folder, previousName: string): void {
    this.writes++
    this.#tables.folders.putSync(folder.id, folder)
    this.#effects.push({ type: 'folder-changed', folder, previousName })
  }

  deleteFolder(folderId: string, { onlyIfEmpty = false } = {}): void {
    const { entries, folders, numbers, retired } = this.#tables
    const folder = this.need(folderId)
    const found = [...entries.getRange({ start: firstKey(folderId), end: lastKey(folderId) })]
    if (onlyIfEmpty && found.length > 0) return
    for (const { key, value } of found) {
      this.#removeEntry(folder, fromRecord(key[1], value, this.#bodies))
    }
    this.writes++
    this.#folders.delete(folderId)
    if (folder.uidNext > 1) retired.putSync(retiredKey(folder.folder), folder.uidNext)
    folders.removeSync(folderId)
    numbers.removeSync(folderId)
    clearIndexes(this.#tables, folderId)
    this.#effects.push({ type: 'folder-deleted', folder: folder.folder })
  }

  /** Deletes everything that does not belong to a folder. */
  clearTables(): void {
    this.writes++
    const { history, places, subscriptions, state, values } = this.#tables
    for (const table of [history, places, subscriptions, state, values]) table.clearSync()
  }

  restoreFolder({ folder, uidNext, highestModSeq }: FolderItem): void {
    this.writes++
    this.#tables.folders.putSync(folder.id, folder)
    this.#tables.numbers.putSync(folder.id, [uidNext, highestModSeq, 0, 0, 0, 0, 0])
    this.#effects.push({ type: 'folder-created', folder })
  }

  /** Writes items of a copy. @param blobs the numbers of shared blobs by their names in the copied store */
  restore(items: readonly ReadyItem[], blobs: Map<string, number>): void {
    this.writes++
    const { meta, vanished, values, subscriptions, state, history, retired } = this.#tables
    for (const item of items) {
      if (item.type === 'message') this.#restoreMessage(item, blobs)
      else if (item.type === 'vanished') vanished.putSync([item.folderId, item.modSeq], item.uids)
      else if (item.type === 'value') {
        const key: ValueKey = [item.folderId ?? '', item.kind, item.reader, textKey(item.name)]
        values.putSync(key, [item.name, item.content])
      } else if (item.type === 'subscription') subscriptions.putSync([item.owner, textKey(item.name)], item.name)
      else if (item.type === 'state') state.putSync(item.key, item.value)
      else if (item.type === 'known') history.putSync(item.messageId, true)
      else if (item.type === 'retired') retired.putSync([item.owner, item.name], item.uidNext)
      else if (item.type === 'store') {
        meta.putSync('tag', item.tag)
        meta.putSync('lastFolder', item.lastFolder)
        meta.putSync('lastUidValidity', item.lastUidValidity)
        this.#lastBlob = Math.max(this.#lastBlob, item.lastBlob)
        this.#bodies.useTag(item.tag)
      } else this.restoreFolder(item)
    }
  }

  #restoreMessage(
    { folderId, entry, raw, isShared }: Extract<ReadyItem, { type: 'message' }>,
    blobs: Map<string, number>,
  ): void {
    const folder = this.need(folderId)
    const known = raw === undefined ? blobs.get(entry.blob) : undefined
    if (raw === undefined && known === undefined) {
      throw new StoreError('failed', `the octets of message ${entry.uid} are missing`)
    }
    const blob = known ?? this.#restoreBlob(raw as Buffer | StreamedBlob)
    if (known !== undefined) this.#bodies.hold(known)
    else if (isShared) blobs.set(entry.blob, blob)
    const restored = { ...entry, blob: this.#bodies.nameOf(blob), flags: folder.flags.canonical(entry.flags) }
    folder.add(restored)
    this.#putEntry(folder, restored)
    this.#articles.add(folder.folder, restored)
    if (isCounted(folder.folder)) this.growth++
  }

  #restoreBlob(raw: Buffer | StreamedBlob): number {
    if (!Buffer.isBuffer(raw)) {
      this.#bodies.adopt(raw, undefined, 1)
      return raw.blob
    }
    this.#bodies.put(++this.#lastBlob, raw, 1)
    return this.#lastBlob
  }

  /** Notes which entries of a folder have a modSeq that does not ascend with the uid: see `Tables.changed`. */
  indexChanged(folderId: string): void {
    this.writes++
    const { entries, changed } = this.#tables
    let least = Number.POSITIVE_INFINITY
    for (const { key, value } of entries.getRange({
      start: lastKey(folderId),
      end: firstKey(folderId),
      reverse: true,
    })) {
      const modSeq = value[5]
      if (modSeq > least) changed.putSync([folderId, modSeq, key[1]], true)
      else least = modSeq
    }
  }

  need(folderId: string): ChangedFolder {
    const known = this.#folders.get(folderId)
    if (known) return known
    const folder = new ChangedFolder(this.#tables, this.#folderOf(folderId), this.#state)
    this.#folders.set(folderId, folder)
    return folder
  }

  protected readonly heldBy = (owner: Owner): Held =>
    sumFolders(
      this.#foldersOf(owner).map(({ id }) => this.#folders.get(id)?.counts ?? countsIn(this.#tables, id, this.#state)),
    )

  protected knows(messageId: string): boolean {
    return this.#messageIds.has(messageId) || this.#articles.knows(messageId, this.#state)
  }

  protected sizeOf(raw: Buffer | StreamedBlob): number {
    return Buffer.isBuffer(raw) ? raw.length : raw.sizeOctets
  }

  protected pick(folder: ChangedFolder, uids: readonly number[]): MessageEntry[] {
    const found: MessageEntry[] = []
    for (const uid of ascending(uids)) {
      const written = folder.unreadable?.get(uid)
      if (written) found.push(written)
      const record = written ? undefined : this.#tables.entries.get([folder.folder.id, uid], this.#state ?? {})
      if (!record) continue
      found.push(fromRecord(uid, record, { nameOf: this.#bodies.nameOf, canonical: folder.flags.canonical }))
    }
    return found
  }

  /** Writes a message's octets, or adopts the blob that was written while it arrived. */
  protected putBlob({ prefix, places }: PlannedMessage<ChangedFolder>, raw: Buffer | StreamedBlob): NewBlob {
    this.writes++
    const holders = places.length
    if (!Buffer.isBuffer(raw)) {
      // Without a target the blob stays doomed.
      const sizeOctets = holders > 0 ? this.#bodies.adopt(raw, prefix, holders) : raw.sizeOctets
      return { blob: this.#bodies.nameOf(raw.blob), sizeOctets, lacksLineEnd: lacksLineEnd([raw.ending]) }
    }
    const blob = ++this.#lastBlob
    const octets = prefix ? Buffer.concat([prefix, raw]) : raw
    if (holders > 0) this.#bodies.put(blob, octets, holders)
    if (places.some(({ folder }) => folder.owner === PUBLIC_OWNER)) this.#articles.putOverview(blob, octets)
    return { blob: this.#bodies.nameOf(blob), sizeOctets: octets.length, lacksLineEnd: lacksLineEnd([octets]) }
  }

  protected share(_target: ChangedFolder, entries: readonly MessageEntry[]): void {
    for (const { blob } of entries) this.#bodies.hold(this.#bodies.numberOf(blob))
  }

  protected addEntries(folder: ChangedFolder, entries: readonly MessageEntry[]): void {
    for (const entry of entries) {
      folder.add(entry)
      this.#putEntry(folder, entry)
      this.#articles.add(folder.folder, entry)
      if (entry.messageId !== undefined && folder.folder.owner === PUBLIC_OWNER) this.#messageIds.add(entry.messageId)
    }
    folder.uidNext += entries.length
    folder.highestModSeq++
    if (isCounted(folder.folder)) this.growth += entries.length
  }

  protected replaceEntries(
    folder: ChangedFolder,
    before: readonly MessageEntry[],
    after: readonly MessageEntry[],
  ): void {
    const { changed, writes } = this.#tables
    const { id } = folder.folder
    for (const [i, entry] of after.entries()) {
      const old = before[i] as MessageEntry
      folder.replace(old, entry)
      this.#putEntry(folder, entry)
      writes.remove(changed, [id, old.modSeq, old.uid])
      writes.put(changed, [id, entry.modSeq, entry.uid], true)
    }
    folder.highestModSeq++
  }

  protected removeEntries(folder: ChangedFolder, entries: readonly MessageEntry[], modSeq: number): void {
    for (const entry of entries) this.#removeEntry(folder, entry)
    folder.highestModSeq = modSeq
    this.#tables.vanished.putSync(
      [folder.folder.id, modSeq],
      entries.map(({ uid }) => uid),
    )
  }

  protected valuesIn(space: ValueSpace): Values {
    return valuesIn(this.#tables, space)
  }

  protected putValues(space: ValueSpace, changes: ValueChanges): void {
    this.writes++
    putValues(this.#tables, space, changes)
  }

  protected emit(_folder: ChangedFolder, event: StoreEvent): void {
    this.#effects.push(event)
  }

  #putEntry(folder: ChangedFolder, entry: MessageEntry): void {
    this.writes++
    const { entries, writes } = this.#tables
    writes.put(entries, [folder.folder.id, entry.uid], toRecord(entry, this.#bodies.numberOf(entry.blob)))
    folder.unreadable?.set(entry.uid, entry)
  }

  #removeEntry(folder: ChangedFolder, entry: MessageEntry): void {
    this.writes++
    folder.remove(entry)
    if (isCounted(folder.folder)) this.growth--
    this.#tables.entries.removeSync([folder.folder.id, entry.uid])
    this.#tables.changed.removeSync([folder.folder.id, entry.modSeq, entry.uid])
    this.#bodies.release(this.#bodies.numberOf(entry.blob))
    this.#articles.remove(folder.folder, entry)
  }
}

const retiredKey = ({ owner, name }: Folder): [string, string] => [owner, textKey(folderName(owner, name))]
