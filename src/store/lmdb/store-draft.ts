import { ascending } from '../folder-index.ts'
import { folderName } from '../names.ts'
import { copiedEntries, newEntry, planAppend, planFlags } from '../plan.ts'
import type {
  CopyResult,
  FlagChange,
  FlagChangeResult,
  Folder,
  MessageEntry,
  NewMessage,
  Origin,
  StoredMessage,
  StoreEvent,
} from '../types.ts'
import { PUBLIC_OWNER } from '../types.ts'
import type { Bodies } from './bodies.ts'
import type { Draft } from './commits.ts'
import { entriesOf, FolderDraft, firstKey, type LmdbFolder, lastKey } from './lmdb-folder.ts'
import { fromRecord, type Tables, textKey, toRecord } from './tables.ts'

/** The changes of one transaction. Reads what earlier operations of the same transaction wrote. */
export class StoreDraft implements Draft<StoreEvent> {
  writes = 0
  readonly #tables: Tables
  readonly #bodies: Bodies
  readonly #folderOf: (folderId: string) => LmdbFolder
  readonly #folders = new Map<string, FolderDraft>()
  #effects: StoreEvent[] = []
  #lastBlob: number

  /** `folderOf` throws StoreError `not-found`. */
  constructor(tables: Tables, bodies: Bodies, folderOf: (folderId: string) => LmdbFolder) {
    this.#tables = tables
    this.#bodies = bodies
    this.#folderOf = folderOf
    this.#lastBlob = (tables.meta.get('lastBlob') as number | undefined) ?? 0
  }

  takeEffects(): readonly StoreEvent[] {
    const effects = this.#effects
    this.#effects = []
    return effects
  }

  finish(): void {
    for (const folder of this.#folders.values()) this.#tables.numbers.putSync(folder.folder.id, folder.record())
    if (this.#lastBlob > 0) this.#tables.meta.putSync('lastBlob', this.#lastBlob)
  }

  folder(folderId: string): FolderDraft {
    const known = this.#folders.get(folderId)
    if (known) return known
    const draft = new FolderDraft(this.#tables, this.#folderOf(folderId))
    this.#folders.set(folderId, draft)
    return draft
  }

  append(batch: readonly NewMessage[], raws: readonly Buffer[], now: number, origin?: Origin): StoredMessage[] {
    const added = new Map<FolderDraft, MessageEntry[]>()
    const stored = planAppend(batch, raws, (folderId) => this.folder(folderId)).flatMap((planned) => {
      this.writes++
      const blob = ++this.#lastBlob
      if (planned.places.length > 0) this.#bodies.put(blob, planned.octets, planned.places.length)
      return planned.places.map((place) => {
        const entry = newEntry(planned, place, this.#bodies.nameOf(blob), now)
        added.set(place.state, [...(added.get(place.state) ?? []), entry])
        return { folder: place.folder, entry }
      })
    })
    for (const [folder, entries] of added) this.#add(folder, entries, origin)
    return stored
  }

  setFlags(folderId: string, uids: readonly number[], change: FlagChange, origin?: Origin): FlagChangeResult {
    const folder = this.folder(folderId)
    const found = this.#pick(folder, uids)
    const { entries, modified, changed } = planFlags(found, folder, change)
    if (changed.length === 0) return { entries, modified }
    const before = new Map(found.map((entry) => [entry.uid, entry]))
    for (const entry of changed) {
      folder.counts.replace(before.get(entry.uid) as MessageEntry, entry)
      this.#put(folder, entry)
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
    numbers.putSync(folder.id, [retired.get(key) ?? 1, 1, 0, 0, 0, 0])
    retired.removeSync(key)
    this.effect({ type: 'folder-created', folder })
  }

  changeFolder(folder: Folder, previousName: string): void {
    this.writes++
    this.#tables.folders.putSync(folder.id, folder)
    this.effect({ type: 'folder-changed', folder, previousName })
  }

  deleteFolder(folderId: string): void {
    const { folders, numbers, vanished, retired } = this.#tables
    const draft = this.folder(folderId)
    for (const entry of [...entriesOf(this.#tables, folderId, this.#bodies.nameOf)]) this.#drop(draft, entry)
    this.writes++
    this.#folders.delete(folderId)
    retired.putSync(retiredKey(draft.folder), draft.uidNext)
    folders.removeSync(folderId)
    numbers.removeSync(folderId)
    const range = { start: firstKey(folderId), end: lastKey(folderId) }
    for (const key of [...vanished.getKeys(range)]) vanished.removeSync(key)
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
      const entry = fromRecord(uid, record, this.#bodies.nameOf)
      found.push({ ...entry, flags: folder.flags.canonical(entry.flags) })
    }
    return found
  }

  #add(folder: FolderDraft, entries: readonly MessageEntry[], origin: Origin | undefined): void {
    for (const entry of entries) {
      folder.counts.add(entry)
      this.#put(folder, entry)
      if (entry.messageId && folder.folder.owner === PUBLIC_OWNER) {
        const key = textKey(entry.messageId)
        this.#tables.places.putSync([key, folder.folder.id, entry.uid], true)
        this.#tables.history.putSync(key, true)
      }
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
    folder.counts.remove(entry)
    this.#tables.entries.removeSync([folder.folder.id, entry.uid])
    this.#bodies.release(this.#bodies.numberOf(entry.blob), entry.sizeOctets)
    if (entry.messageId && folder.folder.owner === PUBLIC_OWNER) {
      this.#tables.places.removeSync([textKey(entry.messageId), folder.folder.id, entry.uid])
    }
  }
}

export const retiredKey = ({ owner, name }: Folder): [string, string] => [owner, textKey(folderName(owner, name))]
