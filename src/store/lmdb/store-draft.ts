import { ascending } from '../folder-index.ts'
import { folderName } from '../mailboxes.ts'
import { copiedEntries, newEntry, type PlannedMessage, planAppend, planFlags, prefixed } from '../plan.ts'
import {
  type CopyResult,
  type FlagChange,
  type FlagChangeResult,
  type Folder,
  type MessageEntry,
  type NewMessage,
  type Origin,
  PUBLIC_OWNER,
  type StoredMessage,
  type StoreEvent,
} from '../types.ts'
import { Articles } from './articles.ts'
import type { Bodies, StreamedBlob } from './bodies.ts'
import type { Draft } from './commits.ts'
import { clearIndexes, FolderDraft, type LmdbFolder } from './lmdb-folder.ts'
import { firstKey, fromRecord, LAST_BLOB, lastKey, type Tables, textKey, toRecord } from './tables.ts'

/** The changes of one transaction. Reads what earlier operations of the same transaction wrote. */
export class StoreDraft implements Draft<StoreEvent> {
  writes = 0
  readonly #tables: Tables
  readonly #bodies: Bodies
  readonly #articles: Articles
  readonly #folderOf: (folderId: string) => LmdbFolder
  readonly #folders = new Map<string, FolderDraft>()
  #effects: StoreEvent[] = []
  readonly #firstBlob: number
  #lastBlob: number

  /** `folderOf` throws StoreError `not-found`. */
  constructor(tables: Tables, bodies: Bodies, folderOf: (folderId: string) => LmdbFolder) {
    this.#tables = tables
    this.#bodies = bodies
    this.#articles = new Articles(tables, bodies)
    this.#folderOf = folderOf
    this.#firstBlob = Number(tables.numbers.get(LAST_BLOB) ?? 0)
    this.#lastBlob = this.#firstBlob
  }

  takeEffects(): readonly StoreEvent[] {
    const effects = this.#effects
    this.#effects = []
    return effects
  }

  finish(): void {
    for (const folder of this.#folders.values()) folder.finish()
    if (this.#lastBlob > this.#firstBlob) this.#tables.numbers.putSync(LAST_BLOB, this.#lastBlob)
  }

  folder(folderId: string): FolderDraft {
    const known = this.#folders.get(folderId)
    if (known) return known
    const draft = new FolderDraft(this.#tables, this.#folderOf(folderId))
    this.#folders.set(folderId, draft)
    return draft
  }

  append(
    batch: readonly NewMessage[],
    raws: readonly (Buffer | StreamedBlob)[],
    now: number,
    origin?: Origin,
  ): StoredMessage[] {
    const added = new Map<FolderDraft, MessageEntry[]>()
    const stored = planAppend(batch, (folderId) => this.folder(folderId)).flatMap((planned, i) => {
      const kept = this.#keep(planned, raws[i] as Buffer | StreamedBlob)
      return planned.places.map((place) => {
        const entry = newEntry(planned, place, kept, now)
        const entries = added.get(place.state)
        if (entries) entries.push(entry)
        else added.set(place.state, [entry])
        return { folder: place.folder, entry }
      })
    })
    for (const [folder, entries] of added) this.#add(folder, entries, origin)
    return stored
  }

  /** Octets of a message that has not come to its end, as a new blob's or after what is there of it. Returns its number. */
  putUnfinished(blob: number | undefined, firstPiece: number, octets: Buffer): number {
    this.writes++
    const number = blob ?? ++this.#lastBlob
    if (blob === undefined) this.#tables.doomed.putSync(number, true)
    this.#bodies.putPieces(number, firstPiece, octets)
    return number
  }

  setFlags(folderId: string, uids: readonly number[], change: FlagChange, origin?: Origin): FlagChangeResult {
    const folder = this.folder(folderId)
    const found = this.#pick(folder, uids)
    const { entries, modified, changed } = planFlags(found, folder, change)
    if (changed.length === 0) return { entries, modified }
    const before = new Map(found.map((entry) => [entry.uid, entry]))
    for (const entry of changed) {
      const old = before.get(entry.uid) as MessageEntry
      folder.replace(old, entry)
      this.#put(folder, entry)
      this.#tables.changed.removeSync([folderId, old.modSeq, old.uid])
      this.#tables.changed.putSync([folderId, entry.modSeq, entry.uid], true)
    }
    folder.highestModSeq++
    this.effect({ type: 'flags', folder: folder.folder, entries: changed, ...(origin && { origin }) })
    return { entries, modified }
  }

  copy(folderId: string, uids: readonly number[], targetFolderId: string, now: number, origin?: Origin): CopyResult {
    const from = this.#pick(this.folder(folderId), uids)
    const target = this.folder(targetFolderId)
    if (from.length === 0) return { from: [], to: [] }
    const entries = copiedEntries(from, target, now)
    for (const { blob } of entries) this.#bodies.hold(this.#bodies.numberOf(blob))
    this.#add(target, entries, origin)
    return { from: from.map(({ uid }) => uid), to: entries.map(({ uid }) => uid) }
  }

  move(folderId: string, uids: readonly number[], targetFolderId: string, now: number, origin?: Origin): CopyResult {
    const result = this.copy(folderId, uids, targetFolderId, now, origin)
    this.expunge(folderId, result.from, origin)
    return result
  }

  expunge(folderId: string, uids: readonly number[], origin?: Origin): readonly number[] {
    const folder = this.folder(folderId)
    const gone = this.#pick(folder, uids)
    if (gone.length === 0) return []
    for (const entry of gone) this.#drop(folder, entry)
    const modSeq = ++folder.highestModSeq
    const uidsGone = gone.map(({ uid }) => uid)
    this.#tables.vanished.putSync([folderId, modSeq], uidsGone)
    this.effect({ type: 'expunged', folder: folder.folder, uids: uidsGone, modSeq, ...(origin && { origin }) })
    return uidsGone
  }

  createFolder(folder: Folder): void {
    const { retired, folders, numbers } = this.#tables
    const key = retiredKey(folder)
    this.writes++
    folders.putSync(folder.id, folder)
    numbers.putSync(folder.id, [retired.get(key) ?? 1, 1, 0, 0, 0, 0, 0])
    retired.removeSync(key)
    this.effect({ type: 'folder-created', folder })
  }

  changeFolder(folder: Folder, previousName: string): void {
    this.writes++
    this.#tables.folders.putSync(folder.id, folder)
    this.effect({ type: 'folder-changed', folder, previousName })
  }

  deleteFolder(folderId: string): void {
    const { entries, folders, numbers, retired } = this.#tables
    const draft = this.folder(folderId)
    for (const { key, value } of [...entries.getRange({ start: firstKey(folderId), end: lastKey(folderId) })]) {
      this.#drop(draft, fromRecord(key[1], value, this.#bodies))
    }
    this.writes++
    this.#folders.delete(folderId)
    retired.putSync(retiredKey(draft.folder), draft.uidNext)
    folders.removeSync(folderId)
    numbers.removeSync(folderId)
    clearIndexes(this.#tables, folderId)
    this.effect({ type: 'folder-deleted', folder: draft.folder })
  }

  effect(event: StoreEvent): void {
    this.#effects.push(event)
  }

  #pick(folder: FolderDraft, uids: readonly number[]): MessageEntry[] {
    const found: MessageEntry[] = []
    for (const uid of ascending(uids)) {
      const record = this.#tables.entries.get([folder.folder.id, uid])
      if (!record) continue
      found.push(fromRecord(uid, record, { nameOf: this.#bodies.nameOf, canonical: folder.flags.canonical }))
    }
    return found
  }

  /** Keeps the octets of a message, whatever way they came. */
  #keep(
    { prefix, places }: PlannedMessage<FolderDraft>,
    raw: Buffer | StreamedBlob,
  ): Pick<MessageEntry, 'blob' | 'sizeOctets'> {
    this.writes++
    const holders = places.length
    if (!Buffer.isBuffer(raw)) {
      // A message for nobody stays doomed.
      const sizeOctets = holders > 0 ? this.#bodies.adopt(raw, prefix, holders) : raw.sizeOctets
      return { blob: this.#bodies.nameOf(raw.blob), sizeOctets }
    }
    const blob = ++this.#lastBlob
    const octets = prefixed(prefix, raw)
    if (holders > 0) this.#bodies.put(blob, octets, holders)
    if (places.some(({ folder }) => folder.owner === PUBLIC_OWNER)) this.#articles.describe(blob, octets)
    return { blob: this.#bodies.nameOf(blob), sizeOctets: octets.length }
  }

  #add(folder: FolderDraft, entries: readonly MessageEntry[], origin: Origin | undefined): void {
    for (const entry of entries) {
      folder.add(entry)
      this.#put(folder, entry)
      this.#articles.add(folder.folder, entry)
    }
    folder.uidNext += entries.length
    folder.highestModSeq++
    this.effect({ type: 'appended', folder: folder.folder, entries, ...(origin && { origin }) })
  }

  #put(folder: FolderDraft, entry: MessageEntry): void {
    this.writes++
    this.#tables.entries.putSync([folder.folder.id, entry.uid], toRecord(entry, this.#bodies.numberOf(entry.blob)))
  }

  #drop(folder: FolderDraft, entry: MessageEntry): void {
    this.writes++
    folder.remove(entry)
    this.#tables.entries.removeSync([folder.folder.id, entry.uid])
    this.#tables.changed.removeSync([folder.folder.id, entry.modSeq, entry.uid])
    this.#bodies.release(this.#bodies.numberOf(entry.blob))
    this.#articles.remove(folder.folder, entry)
  }
}

const retiredKey = ({ owner, name }: Folder): [string, string] => [owner, textKey(folderName(owner, name))]
