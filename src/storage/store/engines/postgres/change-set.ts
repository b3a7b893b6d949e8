import { overview } from '../../../../mail/format/overview.ts'
import { FolderCounts } from '../../entries/folder-index.ts'
import { ascending } from '../../entries/uid-order.ts'
import {
  type CopyResult,
  type FlagChange,
  type FlagChangeResult,
  type HoldLimit,
  type MessageEntry,
  type NewMessage,
  type Origin,
  type Owner,
  PUBLIC_OWNER,
  type StoredMessage,
  StoreError,
  type StoreEvent,
} from '../../types.ts'
import type { ValueChanges, ValueSpace, Values } from '../../value-types.ts'
import { isCounted } from '../full/limits.ts'
import { additionsTo, checkLimit, checkLimits, type Held, heldIn } from '../full/owner-limits.ts'
import {
  type AddedEntries,
  copiedEntries,
  copyResult,
  createEntries,
  type FolderNumbers,
  planAppend,
  planFlags,
} from '../plan.ts'
import { lacksLineEnd } from '../take-octets.ts'
import { textKey } from '../text-key.ts'
import { modSeqOfChange, valuesEvent } from '../values.ts'
import type { StreamedBlob } from './bodies.ts'
import type { PostgresFolder } from './postgres-folder.ts'
import { flagsFrom, flagsText, type Names } from './records.ts'
import { Writes } from './writes.ts'

/** The columns of a folder that a transaction has locked. */
export interface LockedRow {
  readonly id: number
  readonly uid_next: number
  readonly mod_seq: number
  readonly value_seq: number
  readonly keywords: string
  readonly lock_token: string | null
  readonly is_locked: boolean | null
}

/** A folder within a transaction that has locked its row. */
export class ChangedFolder implements FolderNumbers {
  readonly state: PostgresFolder
  readonly row: LockedRow
  uidNext: number
  highestModSeq: number
  valueSeq: number
  /** The amounts to add to the counts. */
  readonly counts = new FolderCounts()
  readonly #keywords: Set<string>
  /** Entries that were read or changed. Undefined: deleted. */
  readonly #entries = new Map<number, MessageEntry | undefined>()

  constructor(state: PostgresFolder, row: LockedRow) {
    this.state = state
    this.row = row
    this.uidNext = row.uid_next
    this.highestModSeq = row.mod_seq
    this.valueSeq = row.value_seq
    const keywords = flagsFrom(row.keywords)
    this.#keywords = new Set(keywords)
    // The spelling that was first used on any node.
    state.flags.canonical(keywords)
  }

  get folder() {
    return this.state.folder
  }

  get flags() {
    return this.state.flags
  }

  get keywords(): string {
    return flagsText([...this.#keywords])
  }

  /** Null: as before. */
  get newKeywords(): string | null {
    const { keywords } = this
    return keywords === this.row.keywords ? null : keywords
  }

  /** Notes an entry as it is in the table. */
  know(entry: MessageEntry): void {
    this.#entries.set(entry.uid, entry)
  }

  /** Notes that messages were deleted by another node. */
  lose(uids: readonly number[]): void {
    for (const uid of uids) this.#entries.set(uid, undefined)
  }

  /** Returns the entries of those uids that exist, in uid order. */
  pick(uids: readonly number[]): MessageEntry[] {
    return ascending(uids).flatMap((uid) => {
      const entry = this.#entries.has(uid) ? this.#entries.get(uid) : this.state.index?.find(uid)
      return entry ?? []
    })
  }

  add(entries: readonly MessageEntry[]): void {
    for (const entry of entries) {
      this.#put(entry)
      this.counts.add(entry)
      this.uidNext = Math.max(this.uidNext, entry.uid + 1)
    }
  }

  replace(before: MessageEntry, after: MessageEntry): void {
    this.counts.replace(before, after)
    this.#put(after)
  }

  remove(entry: MessageEntry): void {
    this.counts.remove(entry)
    this.#entries.set(entry.uid, undefined)
  }

  #put(entry: MessageEntry): void {
    this.#entries.set(entry.uid, entry)
    for (const flag of entry.flags) if (!flag.startsWith('\\')) this.#keywords.add(flag)
  }
}

/** How messages are copied or moved. */
interface Transfer {
  readonly now: number
  readonly origin?: Origin | undefined
  /** The most that the owner of the target may have afterwards. */
  readonly limit?: HoldLimit | undefined
}

const sizeOf = (raw: Buffer | StreamedBlob): number => (Buffer.isBuffer(raw) ? raw.length : raw.sizeOctets)

/** An event of a transaction, which is emitted after the commit. */
interface ChangeSetEvent {
  readonly folder: ChangedFolder
  readonly event: StoreEvent
}

/**
 * The changes of one transaction: computed in memory from the locked rows of their folders, then written together. An
 * operation that throws has changed nothing.
 */
export class ChangeSet {
  readonly events: ChangeSetEvent[] = []
  readonly writes: Writes
  /** Messages that were added to folders whose messages are counted, less those removed. */
  growth = 0
  readonly #folders: ReadonlyMap<string, ChangedFolder>
  readonly #names: Names
  readonly #numbers: Iterator<number>
  readonly #readValues: (space: ValueSpace) => Values
  readonly #held: ReadonlyMap<Owner, Held>
  readonly #changedValues = new Map<string, Map<string, Buffer | undefined>>()

  /**
   * @param numbers of new blobs
   * @param readValues returns the values of a space as they are in the table
   * @param held what owners with a limit have before the transaction, which has locked them
   */
  constructor(
    folders: ReadonlyMap<string, ChangedFolder>,
    names: Names,
    numbers: readonly number[],
    readValues: (space: ValueSpace) => Values,
    held: ReadonlyMap<Owner, Held> = new Map(),
  ) {
    this.#folders = folders
    this.#names = names
    this.#numbers = numbers.values()
    this.#readValues = readValues
    this.#held = held
    this.writes = new Writes(names)
  }

  /** Returns a folder of the transaction. @throws StoreError `not-found` */
  need(folderId: string): ChangedFolder {
    const folder = this.#folders.get(folderId)
    if (!folder) throw new StoreError('not-found', `folder ${folderId} does not exist`)
    return folder
  }

  append(
    batch: readonly NewMessage[],
    raws: readonly (Buffer | StreamedBlob)[],
    now: number,
    origin: Origin | undefined,
  ): StoredMessage[] {
    const planned = planAppend(batch, (folderId) => this.need(folderId))
    checkLimits(planned, (i) => sizeOf(raws[i] as Buffer | StreamedBlob), this.#heldBy)
    const added: AddedEntries<ChangedFolder> = new Map()
    const stored = planned.flatMap((message, i) => {
      const { prefix, places } = message
      const raw = raws[i] as Buffer | StreamedBlob
      const holders = places.length
      let sizeOctets: number
      let end: Buffer
      let blob: number
      if (Buffer.isBuffer(raw)) {
        const octets = prefix?.length ? Buffer.concat([prefix, raw]) : raw
        blob = this.#numbers.next().value as number
        sizeOctets = octets.length
        end = octets
        this.writes.addBody(blob, octets, holders)
        if (places.some(({ folder }) => folder.owner === PUBLIC_OWNER)) this.#addOverview(blob, octets)
      } else {
        blob = raw.blob
        sizeOctets = raw.sizeOctets + (prefix?.length ?? 0)
        end = raw.ending
        this.writes.adoptBody(blob, prefix, holders)
      }
      const stored = { blob: this.#names.blob(blob), sizeOctets, lacksLineEnd: lacksLineEnd([end]) }
      return createEntries(message, stored, now, added)
    })
    for (const [folder, entries] of added) this.#addTo(folder, entries, origin)
    return stored
  }

  setFlags(
    folderId: string,
    uids: readonly number[],
    change: FlagChange,
    origin: Origin | undefined,
  ): FlagChangeResult {
    const folder = this.need(folderId)
    const found = folder.pick(uids)
    const { entries, modified, changed } = planFlags(found, folder, change)
    if (changed.length > 0) {
      const before = new Map(found.map((entry) => [entry.uid, entry]))
      for (const entry of changed) {
        folder.replace(before.get(entry.uid) as MessageEntry, entry)
        this.writes.change(folder.state.key, entry)
      }
      folder.highestModSeq++
      this.#emit(folder, { type: 'flags', folder: folder.folder, entries: changed, ...(origin && { origin }) })
    }
    return { entries, modified }
  }

  copy(
    folderId: string,
    uids: readonly number[],
    targetFolderId: string,
    { now, origin, limit }: Transfer,
  ): CopyResult {
    const target = this.need(targetFolderId)
    const from = this.need(folderId).pick(uids)
    checkLimit(additionsTo(target, from), limit, this.#heldBy)
    return this.#copyTo(target, from, now, origin)
  }

  move(folderId: string, uids: readonly number[], targetFolderId: string, transfer: Transfer): CopyResult {
    const result = this.copy(folderId, uids, targetFolderId, transfer)
    this.expunge(folderId, uids, transfer.origin)
    return result
  }

  expunge(folderId: string, uids: readonly number[], origin: Origin | undefined): readonly number[] {
    const folder = this.need(folderId)
    return this.#expunge(folder, folder.pick(uids), origin)
  }

  changeValues(
    folder: ChangedFolder,
    space: ValueSpace,
    change: (current: Values, modSeq: number) => ValueChanges,
    origin: Origin | undefined,
  ): void {
    const changes = change(this.#valuesIn(folder, space), folder.highestModSeq + 1)
    if (changes.size === 0) return
    const spaceKey = `${folder.state.key}\n${space.kind}\n${space.reader ?? ''}`
    const overlay = this.#changedValues.get(spaceKey) ?? new Map<string, Buffer | undefined>()
    this.#changedValues.set(spaceKey, overlay)
    const { kind, reader } = space
    for (const [name, content] of changes) {
      overlay.set(name, content)
      const key = textKey(name)
      const value = { folder: folder.state.key, kind, reader: textKey(reader ?? ''), key, name, content }
      this.writes.values.set(`${spaceKey}\n${key}`, value)
    }
    if (space.folderId === undefined) return
    const modSeq = modSeqOfChange(space, folder.highestModSeq + 1)
    if (modSeq !== undefined) folder.highestModSeq = modSeq
    const valueSeq = ++folder.valueSeq
    const names = [...changes.keys()]
    this.writes.valueChanges.push({
      folder: folder.state.key,
      valueSeq,
      kind,
      reader: reader ?? null,
      names,
      modSeq: modSeq ?? null,
    })
    this.#emit(folder, valuesEvent(folder.folder, space, { changes, modSeq, origin }))
  }

  /** Completes the writes. Returns the folders that have changed. */
  end(): readonly ChangedFolder[] {
    const changed = [...this.#folders.values()].filter(
      ({ row, uidNext, highestModSeq, valueSeq }) =>
        uidNext !== row.uid_next || highestModSeq !== row.mod_seq || valueSeq !== row.value_seq,
    )
    for (const { state, row, uidNext, highestModSeq, valueSeq, counts, newKeywords: keywords } of changed) {
      const { exists: messages, sizeOctets: octets, unseen, deleted, deletedOctets } = counts
      const numbers = { uidNext, modSeq: highestModSeq, valueSeq, keywords, before: row }
      this.writes.folders.push({ key: state.key, ...numbers, messages, octets, unseen, deleted, deletedOctets })
    }
    return changed
  }

  /** Returns the values of a space with the changes of earlier operations. */
  #valuesIn(folder: ChangedFolder, space: ValueSpace): Values {
    const values = new Map(this.#readValues(space))
    const overlay = this.#changedValues.get(`${folder.state.key}\n${space.kind}\n${space.reader ?? ''}`)
    for (const [name, content] of overlay ?? []) {
      if (space.names && !space.names.includes(name)) continue
      if (content) values.set(name, content)
      else values.delete(name)
    }
    return values
  }

  readonly #heldBy = (owner: Owner): Held => {
    const before = this.#held.get(owner)
    const changed = [...this.#folders.values()].filter(({ folder }) => folder.owner === owner)
    const { octets, messages } = heldIn(changed.map(({ counts }) => counts))
    return { octets: octets + (before?.octets ?? 0), messages: messages + (before?.messages ?? 0) }
  }

  #addTo(folder: ChangedFolder, entries: readonly MessageEntry[], origin: Origin | undefined): void {
    folder.add(entries)
    folder.highestModSeq++
    if (isCounted(folder.folder)) this.growth += entries.length
    for (const entry of entries) this.writes.add(folder.state.key, entry)
    if (folder.folder.owner === PUBLIC_OWNER) for (const place of placesOf(folder, entries)) this.writes.addPlace(place)
    this.#emit(folder, { type: 'appended', folder: folder.folder, entries, ...(origin && { origin }) })
  }

  #copyTo(target: ChangedFolder, from: readonly MessageEntry[], now: number, origin: Origin | undefined): CopyResult {
    if (from.length === 0) return copyResult([], [])
    const entries = copiedEntries(from, target, now)
    for (const { blob } of entries) this.writes.hold(blob, 1)
    this.#addTo(target, entries, origin)
    return copyResult(from, entries)
  }

  #expunge(folder: ChangedFolder, entries: readonly MessageEntry[], origin: Origin | undefined): readonly number[] {
    if (entries.length === 0) return []
    const { key } = folder.state
    const modSeq = ++folder.highestModSeq
    const uids = entries.map(({ uid }) => uid)
    for (const entry of entries) {
      folder.remove(entry)
      this.writes.remove(key, entry.uid)
      this.writes.hold(entry.blob, -1)
    }
    if (isCounted(folder.folder)) this.growth -= entries.length
    if (folder.folder.owner === PUBLIC_OWNER)
      for (const place of placesOf(folder, entries)) this.writes.removePlace(place)
    this.writes.vanished.push({ folder: key, modSeq, uids })
    this.#emit(folder, { type: 'expunged', folder: folder.folder, uids, entries, modSeq, ...(origin && { origin }) })
    return uids
  }

  #addOverview(blob: number, octets: Buffer): void {
    this.writes.overviews.push({ blob, overview: JSON.stringify(overview(octets)) })
  }

  #emit(folder: ChangedFolder, event: StoreEvent): void {
    this.events.push({ folder, event })
  }
}

const placesOf = ({ state }: ChangedFolder, entries: readonly MessageEntry[]) =>
  entries.flatMap(({ messageId, uid }) =>
    messageId ? [{ messageId: textKey(messageId), folder: state.key, uid }] : [],
  )
