import { type BlockCounts, blockOf } from '../../entries/entry-block.ts'
import { DELETED, FlagTable, SEEN } from '../../entries/flags.ts'
import { FolderCounts, FolderIndex, type StoredFolder } from '../../entries/folder-index.ts'
import type { Folder } from '../../folder.ts'
import type { MessageEntry } from '../../message-entry.ts'
import type { StoreEvent } from '../../store-events.ts'
import type { FolderStatus } from '../../types.ts'
import type { ChangeableFolder } from '../change-set.ts'
import type { ReadOptions } from './committed.ts'
import {
  type BlockRecord,
  type CountsRecord,
  combinationKey,
  firstKey,
  fromRecord,
  LAST_TEXT,
  lastKey,
  type NumbersRecord,
  type Tables,
} from './tables.ts'
import { removeValues } from './values.ts'

/** The numbers of an empty folder. */
const FIRST_NUMBERS: NumbersRecord = [1, 1, 0, 0, 0, 0, 0]

/** A folder of the LMDB store. It has an index after it was opened, and in the index the entries that were needed. */
export class LmdbFolder {
  folder: Folder
  #flags: FlagTable | undefined
  #index: FolderIndex | undefined

  constructor(folder: Folder) {
    this.folder = folder
  }

  /** Returns the index if the folder was opened. */
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

  /** Returns the index, which is read if the folder was not opened yet. */
  index(tables: Tables, source: StoredFolder['source'], options: ReadOptions): FolderIndex {
    if (this.#index) return this.#index
    const { id } = this.folder
    const [uidNext, highestModSeq, ...counts] = numbersOf(tables, id, options)
    const { canonical } = this.flags(tables, options)
    const combinations = Array.from(
      combinationsOf(tables, id, options),
      ([flags, messages]) => [canonical(flags), messages] as const,
    )
    this.#index = new FolderIndex({
      uidNext,
      highestModSeq,
      counts: folderCounts(counts),
      combinations,
      blocks: blocksOf(tables, id, options),
      source,
    })
    return this.#index
  }

  close(): void {
    this.#index = undefined
  }

  /** Reads the entries that a committed change is about to replace. Call it before the change is visible. */
  prepare(event: StoreEvent): void {
    if (event.type === 'appended' || event.type === 'flags') this.#index?.pin(event.entries.map(({ uid }) => uid))
    else if (event.type === 'expunged') this.#index?.pin(event.uids)
  }

  /** Applies a committed change to the index. */
  apply(event: StoreEvent): void {
    if (this.#index) applyTo(this.#index, event)
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
export class ChangedFolder implements ChangeableFolder {
  readonly folder: Folder
  readonly flags: FlagTable
  uidNext: number
  highestModSeq: number
  /** The entries that the transaction wrote, if they cannot be read. */
  readonly unreadable: Map<number, MessageEntry> | undefined
  readonly #tables: Tables
  readonly #state: ReadOptions
  readonly #counts = new FolderCounts()
  /** By how much the number of messages with each combination of flags changed. */
  readonly #combinations = new Map<readonly string[], number>()
  /** By how much the counts of blocks changed. */
  readonly #blocks = new Map<number, BlockRecord>()

  /** @param state the committed state, if the writes of the transaction cannot be read */
  constructor(tables: Tables, folder: LmdbFolder, state?: ReadOptions) {
    this.#tables = tables
    this.#state = state ?? {}
    this.unreadable = state && new Map()
    this.folder = folder.folder
    this.flags = folder.flags(tables, this.#state)
    const [uidNext, highestModSeq, ...counts] = numbersOf(tables, folder.folder.id, this.#state)
    this.uidNext = uidNext
    this.highestModSeq = highestModSeq
    Object.assign(this.#counts, folderCounts(counts))
  }

  get counts(): Pick<FolderStatus, 'exists' | 'sizeOctets'> {
    return this.#counts
  }

  add(entry: MessageEntry): void {
    this.#counts.add(entry)
    this.#countFlags(entry, 1)
  }

  remove(entry: MessageEntry): void {
    this.#counts.remove(entry)
    this.#countFlags(entry, -1)
  }

  replace(before: MessageEntry, after: MessageEntry): void {
    this.remove(before)
    this.add(after)
  }

  /** Writes the changed numbers, combinations and blocks. */
  finish(): void {
    const { exists, sizeOctets, unseen, deleted, deletedOctets, withoutLineEnd } = this.#counts
    const { id } = this.folder
    const counts = [exists, sizeOctets, unseen, deleted, deletedOctets] as const
    // Nearly no folder has such a message.
    const last = withoutLineEnd > 0 ? ([withoutLineEnd] as const) : ([] as const)
    const record: NumbersRecord = [this.uidNext, this.highestModSeq, ...counts, ...last]
    const { combinations, blocks, numbers, writes } = this.#tables
    writes.put(numbers, id, record)
    for (const [flags, difference] of this.#combinations) {
      if (difference === 0) continue
      const key: [string, string] = [id, combinationKey(flags)]
      const messages = (combinations.get(key, this.#state)?.[1] ?? 0) + difference
      if (messages > 0) writes.put(combinations, key, [flags, messages])
      else writes.remove(combinations, key)
    }
    for (const [block, difference] of this.#blocks) {
      const key: [string, number] = [id, block]
      const sum = sumOf(blocks.get(key, this.#state) ?? NO_MESSAGES, difference)
      if (sum[0] > 0) writes.put(blocks, key, sum)
      else writes.remove(blocks, key)
    }
  }

  #countFlags({ uid, flags }: MessageEntry, sign: 1 | -1): void {
    const block = blockOf(uid)
    this.#blocks.set(block, sumOf(this.#blocks.get(block) ?? NO_MESSAGES, blockRecord(flags, sign)))
    if (flags.length > 0) this.#combinations.set(flags, (this.#combinations.get(flags) ?? 0) + sign)
  }
}

const NO_MESSAGES: BlockRecord = [0, 0, 0]

/** Returns what a message with these flags adds to the counts of its block, or takes from them. */
const blockRecord = (flags: readonly string[], sign: 1 | -1): BlockRecord => [
  sign,
  flags.includes(SEEN) ? 0 : sign,
  flags.includes(DELETED) ? sign : 0,
]

const sumOf = (a: BlockRecord, b: BlockRecord): BlockRecord => [a[0] + b[0], a[1] + b[1], a[2] + b[2]]

/** Returns the counts of the blocks of these entries, by number. */
export function countBlocks(entries: Iterable<MessageEntry>): Map<number, BlockRecord> {
  const blocks = new Map<number, BlockRecord>()
  for (const { uid, flags } of entries) {
    blocks.set(blockOf(uid), sumOf(blocks.get(blockOf(uid)) ?? NO_MESSAGES, blockRecord(flags, 1)))
  }
  return blocks
}

/** Yields the counts of a folder's blocks in ascending order. */
export function* blocksOf(tables: Tables, folderId: string, options?: ReadOptions): Generator<BlockCounts, void, void> {
  const range = { start: firstKey(folderId), end: lastKey(folderId), ...options }
  for (const { key, value } of tables.blocks.getRange(range)) {
    yield { number: key[1], size: value[0], unseen: value[1], deleted: value[2] }
  }
}

/** Returns the counts of a folder by name. */
export const folderCounts = (counts: CountsRecord): StoredFolder['counts'] => {
  const [exists, sizeOctets, unseen, deleted, deletedOctets, withoutLineEnd = 0] = counts
  return { exists, sizeOctets, unseen, deleted, deletedOctets, withoutLineEnd }
}

/** Returns a folder's next uid, modSeq and counts. */
export const numbersOf = (tables: Tables, folderId: string, options?: ReadOptions): NumbersRecord =>
  (tables.numbers.get(folderId, options) as NumbersRecord | undefined) ?? FIRST_NUMBERS

/** Returns a folder's counts. */
export function countsIn(tables: Tables, folderId: string, options?: ReadOptions): StoredFolder['counts'] {
  const [, , ...counts] = numbersOf(tables, folderId, options)
  return folderCounts(counts)
}

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
  const { vanished, changed, combinations, blocks } = tables
  removeValues(tables, folderId)
  const [first, last] = [firstKey(folderId), lastKey(folderId)]
  for (const key of [...vanished.getKeys({ start: first, end: last })]) vanished.removeSync(key)
  for (const key of [...changed.getKeys({ start: [...first, 0], end: [...last, 0] })]) changed.removeSync(key)
  for (const key of [...combinations.getKeys(combinationsIn(folderId))]) combinations.removeSync(key)
  for (const key of [...blocks.getKeys({ start: first, end: last })]) blocks.removeSync(key)
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
