import { FlagTable } from '../flags.ts'
import { FolderCounts, type FolderIndex } from '../folder-index.ts'
import type { FolderNumbers } from '../plan.ts'
import type { Folder, FolderStatus, MessageEntry, StoreEvent } from '../types.ts'
import type { ReadOptions } from './committed.ts'
import { combinationKey, firstKey, fromRecord, LAST_TEXT, lastKey, type NumbersRecord, type Tables } from './tables.ts'

const FIRST_NUMBERS: NumbersRecord = [1, 1, 0, 0, 0, 0, 0]

/** A folder of the LMDB store. Its entries are in memory only once all of them were asked for. */
export class LmdbFolder {
  folder: Folder
  #flags: FlagTable | undefined
  #index: FolderIndex | undefined
  #loading: Promise<FolderIndex> | undefined
  /** What happened while the entries were being read. */
  #missed: StoreEvent[] = []

  constructor(folder: Folder) {
    this.folder = folder
  }

  /** The entries in memory, if they are there. */
  get loaded(): FolderIndex | undefined {
    return this.#index
  }

  /** The keywords in the spelling that came first, without looking at the messages. */
  flags(tables: Tables, options?: ReadOptions): FlagTable {
    if (this.#flags) return this.#flags
    const flags = new FlagTable()
    for (const [combination] of combinationsOf(tables, this.folder.id, options)) flags.canonical(combination)
    this.#flags = flags
    return flags
  }

  /** The entries in memory, read by `read` if they are not there. */
  load(read: () => Promise<FolderIndex>): Promise<FolderIndex> {
    this.#loading ??= this.#load(read).finally(() => {
      this.#loading = undefined
      this.#missed = []
    })
    return this.#loading
  }

  async #load(read: () => Promise<FolderIndex>): Promise<FolderIndex> {
    const index = await read()
    for (const event of this.#missed) change(index, event)
    this.#index = index
    return index
  }

  unload(): void {
    this.#index = undefined
  }

  /** Makes true in memory what a commit changed. */
  take(event: StoreEvent): void {
    if (this.#index) change(this.#index, event)
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

function change(index: FolderIndex, event: StoreEvent): void {
  if (event.type === 'appended') index.append(event.entries)
  else if (event.type === 'flags') index.replace(event.entries)
  else if (event.type === 'expunged') index.remove(event.uids, event.modSeq)
}

/** The numbers and counts of a folder while a transaction changes it. */
export class FolderDraft implements FolderNumbers {
  readonly folder: Folder
  readonly flags: FlagTable
  uidNext: number
  highestModSeq: number
  readonly #tables: Tables
  readonly #counts = new FolderCounts()
  /** How many messages more have a combination of flags. */
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
    this.#combine(entry.flags, 1)
  }

  remove(entry: MessageEntry): void {
    this.#counts.remove(entry)
    this.#combine(entry.flags, -1)
  }

  replace(before: MessageEntry, after: MessageEntry): void {
    this.remove(before)
    this.add(after)
  }

  /** Writes what was gathered. */
  finish(): void {
    const { exists, sizeOctets, unseen, deleted, deletedOctets } = this.#counts
    const { id } = this.folder
    const record: NumbersRecord = [this.uidNext, this.highestModSeq, exists, sizeOctets, unseen, deleted, deletedOctets]
    this.#tables.numbers.putSync(id, record)
    const { combinations } = this.#tables
    for (const [flags, more] of this.#combinations) {
      if (more === 0) continue
      const key: [string, string] = [id, combinationKey(flags)]
      const messages = (combinations.get(key)?.[1] ?? 0) + more
      if (messages > 0) combinations.putSync(key, [flags, messages])
      else combinations.removeSync(key)
    }
  }

  #combine(flags: readonly string[], more: 1 | -1): void {
    if (flags.length > 0) this.#combinations.set(flags, (this.#combinations.get(flags) ?? 0) + more)
  }
}

/** A folder's numbers and counts; those of an empty one where none are noted. */
export const numbersOf = (tables: Tables, folderId: string, options?: ReadOptions): NumbersRecord =>
  (tables.numbers.get(folderId, options) as NumbersRecord | undefined) ?? FIRST_NUMBERS

/** As they are on disk, in uid order, with the numbers of their blobs for names. */
export function* entriesOf(tables: Tables, folderId: string): Generator<MessageEntry, void, void> {
  const range = tables.entries.getRange({ start: firstKey(folderId), end: lastKey(folderId) })
  for (const { key, value } of range) yield fromRecord(key[1], value, { nameOf: String })
}

/** Every combination of flags that messages of a folder have, and how many have it. */
export function* combinationsOf(
  tables: Tables,
  folderId: string,
  options?: ReadOptions,
): Generator<readonly [flags: readonly string[], messages: number], void, void> {
  for (const { value } of tables.combinations.getRange({ ...combinationsIn(folderId), ...options })) yield value
}

/** Within a transaction: nothing but the entries is left of a folder. */
export function clearIndexes({ vanished, changed, combinations }: Tables, folderId: string): void {
  const [first, last] = [firstKey(folderId), lastKey(folderId)]
  for (const key of [...vanished.getKeys({ start: first, end: last })]) vanished.removeSync(key)
  for (const key of [...changed.getKeys({ start: [...first, 0], end: [...last, 0] })]) changed.removeSync(key)
  for (const key of [...combinations.getKeys(combinationsIn(folderId))]) combinations.removeSync(key)
}

const combinationsIn = (folderId: string): { start: [string, string]; end: [string, string] } => ({
  start: [folderId, ''],
  end: [folderId, LAST_TEXT],
})
