import { FlagTable } from '../flags.ts'
import { FolderCounts } from '../folder-counts.ts'
import { FolderIndex } from '../folder-index.ts'
import type { FolderNumbers } from '../plan.ts'
import type { Folder, FolderStatus, MessageEntry } from '../types.ts'
import { fromRecord, type NumbersRecord, type Tables } from './tables.ts'

const FIRST_NUMBERS: NumbersRecord = [1, 1, 0, 0, 0, 0]

/** A folder of the LMDB store as the last commit left it. Its entries come into memory when they are first asked for. */
export class LmdbFolder {
  folder: Folder
  readonly flags = new FlagTable()
  #index: FolderIndex | undefined

  constructor(folder: Folder) {
    this.folder = folder
  }

  /** The entries in memory, if they are there. */
  get loaded(): FolderIndex | undefined {
    return this.#index
  }

  load(tables: Tables, blobName: (blob: number) => string): FolderIndex {
    if (this.#index) return this.#index
    const index = new FolderIndex()
    index.append(
      [...entriesOf(tables, this.folder.id, blobName)].map((entry) => ({
        ...entry,
        flags: this.flags.canonical(entry.flags),
      })),
    )
    const [uidNext, highestModSeq] = numbersOf(tables, this.folder.id)
    index.uidNext = uidNext
    index.highestModSeq = highestModSeq
    this.#index = index
    return index
  }

  unload(): void {
    this.#index = undefined
  }

  /** Without loading the entries. */
  status(tables: Tables): FolderStatus {
    if (this.#index) return this.#index.status()
    const { id } = this.folder
    const [uidNext, highestModSeq, exists, sizeOctets, unseen, deleted] = numbersOf(tables, id)
    const end = (reverse: boolean): number => {
      const [start, end] = reverse ? [lastKey(id), firstKey(id)] : [firstKey(id), lastKey(id)]
      for (const [, uid] of tables.entries.getKeys({ start, end, reverse, limit: 1 })) return uid
      return 0
    }
    return {
      exists,
      uidNext,
      highestModSeq,
      sizeOctets,
      unseen,
      deleted,
      lowestUid: end(false),
      highestUid: end(true),
    }
  }
}

/** The numbers and counts of a folder while a transaction changes it. */
export class FolderDraft implements FolderNumbers {
  readonly folder: Folder
  readonly flags: FlagTable
  readonly counts = new FolderCounts()
  uidNext: number
  highestModSeq: number

  constructor(tables: Tables, { folder, flags }: LmdbFolder) {
    this.folder = folder
    this.flags = flags
    const [uidNext, highestModSeq, exists, sizeOctets, unseen, deleted] = numbersOf(tables, folder.id)
    this.uidNext = uidNext
    this.highestModSeq = highestModSeq
    Object.assign(this.counts, { exists, sizeOctets, unseen, deleted })
  }

  record(): NumbersRecord {
    const { exists, sizeOctets, unseen, deleted } = this.counts
    return [this.uidNext, this.highestModSeq, exists, sizeOctets, unseen, deleted]
  }
}

export const numbersOf = (tables: Tables, folderId: string): NumbersRecord =>
  tables.numbers.get(folderId) ?? FIRST_NUMBERS

/** As they are on disk, in uid order. */
export function* entriesOf(
  tables: Tables,
  folderId: string,
  blobName: (blob: number) => string,
): Generator<MessageEntry, void, void> {
  const range = tables.entries.getRange({ start: firstKey(folderId), end: lastKey(folderId) })
  for (const { key, value } of range) yield fromRecord(key[1], value, blobName)
}

export const firstKey = (folderId: string): [string, number] => [folderId, 0]
export const lastKey = (folderId: string): [string, number] => [folderId, Number.MAX_SAFE_INTEGER]
