import { overview } from '../../../../mail/format/overview.ts'
import { FolderCounts } from '../../entries/folder-index.ts'
import { ascending } from '../../entries/uid-order.ts'
import { StoreError } from '../../errors.ts'
import { type Owner, PUBLIC_OWNER } from '../../folder.ts'
import type { MessageEntry } from '../../message-entry.ts'
import type { StoreEvent } from '../../store-events.ts'
import type { ValueChanges, ValueSpace, Values } from '../../value-types.ts'
import { BaseChangeSet, type ChangeableFolder } from '../change-set.ts'
import { isCounted } from '../full/limits.ts'
import { type Held, sumFolders } from '../full/owner-limits.ts'
import type { NewBlob, PlannedMessage } from '../plan.ts'
import { lacksLineEnd } from '../take-octets.ts'
import { textKey } from '../text-key.ts'
import type { StreamedBlob } from './bodies.ts'
import type { PostgresFolder } from './postgres-folder.ts'
import { flagsFrom, flagsText, type Names } from './records.ts'
import { valueRowId } from './value-rows.ts'
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
export class ChangedFolder implements ChangeableFolder {
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

/** An event of a transaction, which is emitted after the commit. */
interface ChangeSetEvent {
  readonly folder: ChangedFolder
  readonly event: StoreEvent
}

/**
 * The changes of one transaction: computed in memory from the locked rows of their folders, then written together. An
 * operation that throws has changed nothing.
 */
export class ChangeSet extends BaseChangeSet<ChangedFolder, Buffer | StreamedBlob> {
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
    super()
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

  /** Returns nothing: the transaction looks for the Message-IDs in the table, see `Operation.once`. */
  protected knows(): boolean {
    return false
  }

  protected sizeOf(raw: Buffer | StreamedBlob): number {
    return Buffer.isBuffer(raw) ? raw.length : raw.sizeOctets
  }

  protected readonly heldBy = (owner: Owner): Held => {
    const before = this.#held.get(owner)
    const changed = [...this.#folders.values()].filter(({ folder }) => folder.owner === owner)
    const { octets, messages } = sumFolders(changed.map(({ counts }) => counts))
    return { octets: octets + (before?.octets ?? 0), messages: messages + (before?.messages ?? 0) }
  }

  protected pick(folder: ChangedFolder, uids: readonly number[]): readonly MessageEntry[] {
    return folder.pick(uids)
  }

  protected putBlob({ prefix, places }: PlannedMessage<ChangedFolder>, raw: Buffer | StreamedBlob): NewBlob {
    const holders = places.length
    if (!Buffer.isBuffer(raw)) {
      this.writes.adoptBody(raw.blob, prefix, holders)
      const sizeOctets = raw.sizeOctets + (prefix?.length ?? 0)
      return { blob: this.#names.blob(raw.blob), sizeOctets, lacksLineEnd: lacksLineEnd([raw.ending]) }
    }
    const octets = prefix?.length ? Buffer.concat([prefix, raw]) : raw
    const blob = this.#numbers.next().value as number
    this.writes.addBody(blob, octets, holders)
    if (places.some(({ folder }) => folder.owner === PUBLIC_OWNER))
      this.writes.overviews.push({ blob, overview: JSON.stringify(overview(octets)) })
    return { blob: this.#names.blob(blob), sizeOctets: octets.length, lacksLineEnd: lacksLineEnd([octets]) }
  }

  protected share(_target: ChangedFolder, entries: readonly MessageEntry[]): void {
    for (const { blob } of entries) this.writes.hold(blob, 1)
  }

  protected addEntries(folder: ChangedFolder, entries: readonly MessageEntry[]): void {
    folder.add(entries)
    folder.highestModSeq++
    if (isCounted(folder.folder)) this.growth += entries.length
    for (const entry of entries) this.writes.add(folder.state.key, entry)
    if (folder.folder.owner === PUBLIC_OWNER) for (const place of placesOf(folder, entries)) this.writes.addPlace(place)
  }

  protected replaceEntries(
    folder: ChangedFolder,
    before: readonly MessageEntry[],
    after: readonly MessageEntry[],
  ): void {
    for (const [i, entry] of after.entries()) {
      folder.replace(before[i] as MessageEntry, entry)
      this.writes.change(folder.state.key, entry)
    }
    folder.highestModSeq++
  }

  protected removeEntries(folder: ChangedFolder, entries: readonly MessageEntry[], modSeq: number): void {
    const { key } = folder.state
    folder.highestModSeq = modSeq
    for (const entry of entries) {
      folder.remove(entry)
      this.writes.remove(key, entry.uid)
      this.writes.hold(entry.blob, -1)
    }
    if (isCounted(folder.folder)) this.growth -= entries.length
    if (folder.folder.owner === PUBLIC_OWNER)
      for (const place of placesOf(folder, entries)) this.writes.removePlace(place)
    this.writes.vanished.push({ folder: key, modSeq, uids: entries.map(({ uid }) => uid) })
  }

  /** Returns the values of a space with the changes of earlier operations. */
  protected valuesIn(space: ValueSpace): Values {
    const values = new Map(this.#readValues(space))
    for (const [name, content] of this.#changedValues.get(this.#keyOf(space)) ?? []) {
      if (space.names && !space.names.includes(name)) continue
      if (content) values.set(name, content)
      else values.delete(name)
    }
    return values
  }

  protected putValues(space: ValueSpace, changes: ValueChanges, modSeq: number | undefined): void {
    const { kind, reader } = space
    const folder = this.#folderOf(space)
    const spaceKey = this.#keyOf(space)
    const overlay = this.#changedValues.get(spaceKey) ?? new Map<string, Buffer | undefined>()
    this.#changedValues.set(spaceKey, overlay)
    for (const [name, content] of changes) {
      overlay.set(name, content)
      const key = textKey(name)
      const value = { folder: folder.state.key, kind, reader: textKey(reader ?? ''), key, name, content }
      this.writes.values.set(`${spaceKey}\n${key}`, value)
    }
    if (space.folderId === undefined) return
    this.writes.valueChanges.push({
      folder: folder.state.key,
      valueSeq: ++folder.valueSeq,
      kind,
      reader: reader ?? null,
      names: [...changes.keys()],
      modSeq: modSeq ?? null,
    })
  }

  protected emit(folder: ChangedFolder, event: StoreEvent): void {
    this.events.push({ folder, event })
  }

  #folderOf({ folderId, kind }: ValueSpace): ChangedFolder {
    return this.need(folderId ?? valueRowId(kind))
  }

  #keyOf(space: ValueSpace): string {
    return `${this.#folderOf(space).state.key}\n${space.kind}\n${space.reader ?? ''}`
  }
}

const placesOf = ({ state }: ChangedFolder, entries: readonly MessageEntry[]) =>
  entries.flatMap(({ messageId, uid }) =>
    messageId ? [{ messageId: textKey(messageId), folder: state.key, uid }] : [],
  )
