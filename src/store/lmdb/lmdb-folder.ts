import { FlagTable } from '../flags.ts'
import { FolderCounts, type FolderIndex } from '../folder-index.ts'
import type { FolderNumbers } from '../plan.ts'
import type { Folder, FolderStatus, MessageEntry, StoreEvent } from '../types.ts'
import type { ReadOptions } from './committed.ts'
import { combinationKey, firstKey, fromRecord, LAST_TEXT, lastKey, type NumbersRecord, type Tables } from './tables.ts'
import { removeValues } from './values.ts'

/** The numbers of an empty folder. */
const FIRST_NUMBERS: NumbersRecord = [1, 1, 0, 0, 0, 0, 0]

/** A folder of the LMDB store. Its entries are in memory only after all of them were needed. */
export class LmdbFolder {
  folder: Folder
  #flags: FlagTable | undefined
  #index: FolderIndex | undefined
  #loading: Promise<FolderIndex> | undefined
  /** Changes that were committed while the entries were being read. */
  #missed: StoreEvent[] = []

  constructor(folder: Folder) {
    this.folder = folder
  }

  /** Returns the entries if they are in memory. */
  get loaded(): FolderIndex | undefined {
    return this.#index
  }

  /** Returns the folder's flags with the first spelling of each keyword. Reads them from an index, not from the messages. */
  flags(tables: Tables, options?: ReadOptions): FlagTable {
    if (this.#flags) return this.#flags
    const flags = new FlagTable()
    for (const [combination] of combinationsOf(tables, this.folder.id, options)) flags.canonical(combination)
    this.#flags = flags
    return flags
  }

  /** Loads the entries with `read`. Concurrent calls share one load. */
  load(read: () => Promise<FolderIndex>): Promise<FolderIndex> {
    this.#loading ??= this.#load(read).finally(() => {
      this.#loading = undefined
      this.#missed = []
    })
    return this.#loading
  }

  async #load(read: () => Promise<FolderIndex>): Promise<FolderIndex> {
    const index = await read()
    for (const event of this.#missed) applyTo(index, event)
    this.#index = index
    return index
  }

  unload(): void {
    this.#index = undefined
  }

  /** Applies a committed change to the entries in memory. */
  apply(event: StoreEvent): void {
    if (this.#index) applyTo(this.#index, event)
    else if (this.#loading) this.#missed.push(event)
  }

  status(tables: Tables, options: ReadOptions): FolderStatus {
    if (this.#index) return this.#index.status()
    const { id } = this.folder
    const numbers = numbersOf(tables, id, options)
    const [uidNext, highestModSeq, exists, sizeOctets, unseen, deleted, deletedOctets] = numbers
    const [start, end] = [firstKey(id), lastKey(id)]
    const ends = [
      { start, end, limit: 1 },
      { start: end, end: start, limit: 1, reverse: true },
    ]
    const [lowestUid = 0, highestUid = 0] = ends.flatMap((range) =>
      Array.from(tables.entries.getKeys({ ...range, ...options }), ([, uid]) => uid),
    )
    return { exists, uidNext, highestModSeq, sizeOctets, unseen, deleted, deletedOctets, lowestUid, highestUid }
  }
}

function applyTo(index: FolderIndex, event: StoreEvent): void {
  if (event.type === 'appended') index.append(event.entries)
  else if (event.type === 'flags') index.replace(event.entries)
  else if (event.type === 'expunged') index.remove(event.uids, event.modSeq)
  else if (event.type === 'values') index.highestModSeq = Math.max(index.highestModSeq, event.modSeq ?? 0)
}

/** The uids, modSeq and counts of a folder while a transaction changes it. */
export class FolderDraft implements FolderNumbers {
  readonly folder: Folder
  readonly flags: FlagTable
  uidNext: number
  highestModSeq: number
  readonly #tables: Tables
  readonly #counts = new FolderCounts()
  /** By how much the number of messages with each combination of flags changed. */
  readonly #combinations = new Map<readonly string[], number>()

  constructor(tables: Tables, folder: LmdbFolder) {
    this.#tables = tables
    this.folder = folder.folder
    this.flags = folder.flags(tables)
    const numbers = numbersOf(tables, folder.folder.id)
    const [uidNext, highestModSeq, exists, sizeOctets, unseen, deleted, deletedOctets] = numbers
    this.uidNext = uidNext
    this.highestModSeq = highestModSeq
    Object.assign(this.#counts, { exists, sizeOctets, unseen, deleted, deletedOctets })
  }

  add(entry: MessageEntry): void {
    this.#counts.add(entry)
    this.#countFlags(entry.flags, 1)
  }

  remove(entry: MessageEntry): void {
    this.#counts.remove(entry)
    this.#countFlags(entry.flags, -1)
  }

  replace(before: MessageEntry, after: MessageEntry): void {
    this.remove(before)
    this.add(after)
  }

  /** Writes the changed numbers and combinations. */
  finish(): void {
    const { exists, sizeOctets, unseen, deleted, deletedOctets } = this.#counts
    const { id } = this.folder
    const record: NumbersRecord = [this.uidNext, this.highestModSeq, exists, sizeOctets, unseen, deleted, deletedOctets]
    this.#tables.numbers.putSync(id, record)
    const { combinations } = this.#tables
    for (const [flags, difference] of this.#combinations) {
      if (difference === 0) continue
      const key: [string, string] = [id, combinationKey(flags)]
      const messages = (combinations.get(key)?.[1] ?? 0) + difference
      if (messages > 0) combinations.putSync(key, [flags, messages])
      else combinations.removeSync(key)
    }
  }

  #countFlags(flags: readonly string[], sign: 1 | -1): void {
    if (flags.length > 0) this.#combinations.set(flags, (this.#combinations.get(flags) ?? 0) + sign)
  }
}

/** Returns a folder's next uid, modSeq and counts. */
export const numbersOf = (tables: Tables, folderId: string, options?: ReadOptions): NumbersRecord =>
  (tables.numbers.get(folderId, options) as NumbersRecord | undefined) ?? FIRST_NUMBERS

/** Yields a folder's entries on disk in uid order. `blob` is the blob's number. */
export function* entriesOf(tables: Tables, folderId: string): Generator<MessageEntry, void, void> {
  const range = tables.entries.getRange({ start: firstKey(folderId), end: lastKey(folderId) })
  for (const { key, value } of range) yield fromRecord(key[1], value, { nameOf: String })
}

/** Yields every combination of flags in a folder with its number of messages. */
export function* combinationsOf(
  tables: Tables,
  folderId: string,
  options?: ReadOptions,
): Generator<readonly [flags: readonly string[], messages: number], void, void> {
  for (const { value } of tables.combinations.getRange({ ...combinationsIn(folderId), ...options })) yield value
}

/** Deletes everything about a folder except its entries and numbers. Call it within a transaction. */
export function clearIndexes(tables: Tables, folderId: string): void {
  const { vanished, changed, combinations } = tables
  removeValues(tables, folderId)
  const [first, last] = [firstKey(folderId), lastKey(folderId)]
  for (const key of [...vanished.getKeys({ start: first, end: last })]) vanished.removeSync(key)
  for (const key of [...changed.getKeys({ start: [...first, 0], end: [...last, 0] })]) changed.removeSync(key)
  for (const key of [...combinations.getKeys(combinationsIn(folderId))]) combinations.removeSync(key)
}

/** Returns the uids expunged after `modSeq`, in ascending order. */
export function vanishedSince({ vanished }: Tables, folderId: string, modSeq: number, state: ReadOptions): number[] {
  const start: [string, number] = [folderId, modSeq + 1]
  const rows = vanished.getRange({ start, end: lastKey(folderId), ...state })
  return Array.from(rows, ({ value }) => value)
    .flat()
    .sort((a, b) => a - b)
}

const combinationsIn = (folderId: string): { start: [string, string]; end: [string, string] } => ({
  start: [folderId, ''],
  end: [folderId, LAST_TEXT],
})
