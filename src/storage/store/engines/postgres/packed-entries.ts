import type { Database } from '../../../database/database-types.ts'
import { BLOCK_UIDS, type Block, type BlockCounts, type BlockSource } from '../../entries/entry-block.ts'
import { DELETED, SEEN } from '../../entries/flags.ts'
import { FolderIndex } from '../../entries/folder-index.ts'
import type { MessageEntry } from '../../message-entry.ts'
import type { PostgresFolder } from './postgres-folder.ts'
import { type Details, flagsText, LACKS_LINE_END, type Names } from './records.ts'

/** Entries as objects in memory, of all folders together. One takes about 500 octets of the heap. */
const MAX_UNPACKED = 500_000
/** Entries that are read at a time. Other sessions get their turn in between. */
const ROWS = 2_048
/** Reads the next entries of a folder. The server packs them: a row for each would cost the node several times as much. */
export const READ_ENTRIES = `
  select uid / ${BLOCK_UIDS} as block, flags, count(*) as size, sum(size)::bigint as octets, max(uid) as last,
    max(mod_seq) as mod_seq, count(*) filter (where ${LACKS_LINE_END}) as without_line_end,
    string_agg('[' || concat_ws(',', uid, blob, size, internal_date, saved_at, mod_seq, details) || ']', ',') as entries
  from (select e.* from entries e where e.folder = $1 and e.uid > $2 order by e.uid limit ${ROWS}) e
  group by block, flags order by block`

interface GroupRow {
  readonly block: number
  readonly flags: string
  readonly size: number
  readonly octets: number
  readonly last: number
  readonly mod_seq: number
  readonly without_line_end: number
  /** Arrays in JSON, of which each is a `PackedEntry`. */
  readonly entries: string
}

type PackedEntry = readonly [
  uid: number,
  blob: number,
  size: number,
  internalDate: number,
  savedAt: number,
  modSeq: number,
  details?: Details,
]

/** The entries of a block that have the same flags. A block is an array of these in JSON. */
type PackedGroup = readonly [flags: string, entries: readonly PackedEntry[]]

const groupText = (flags: string, entries: string): string => `[${JSON.stringify(flags)},[${entries}]]`

/** Blocks of entries as objects, in the order in which they were unpacked. Beyond the limit, the oldest are packed again. */
export class UnpackedBlocks {
  /** The number of their entries when they were last added, and where they are packed. */
  readonly #blocks = new Map<Block, { readonly size: number; readonly entries: PackedEntries }>()
  readonly #most: number
  #size = 0

  constructor(most = MAX_UNPACKED) {
    this.#most = most
  }

  /** Adds a block, or counts its entries again. */
  add(block: Block, entries: PackedEntries): void {
    this.#size += block.size - (this.#blocks.get(block)?.size ?? 0)
    this.#blocks.set(block, { size: block.size, entries })
    if (this.#size <= this.#most) return
    for (const [oldest, place] of this.#blocks) {
      if (this.#size <= this.#most) break
      if (oldest === block) continue
      this.delete(oldest)
      place.entries.pack(oldest)
    }
  }

  /** Forgets the blocks of a folder whose index is forgotten. */
  forget(entries: PackedEntries): void {
    for (const [block, place] of this.#blocks) if (place.entries === entries) this.delete(block)
  }

  delete(block: Block): void {
    this.#size -= this.#blocks.get(block)?.size ?? 0
    this.#blocks.delete(block)
  }
}

/** The entries of a folder in blocks of octets outside the heap, about 200 for each. They are unpacked when they are needed. */
export class PackedEntries implements BlockSource {
  readonly #packed = new Map<number, Buffer>()
  /** Blocks whose entries differ from the packed ones. */
  readonly #changed = new Set<Block>()
  readonly #state: PostgresFolder
  readonly #names: Names
  readonly #unpacked: UnpackedBlocks

  constructor(state: PostgresFolder, names: Names, unpacked: UnpackedBlocks) {
    this.#state = state
    this.#names = names
    this.#unpacked = unpacked
  }

  /** @param groups of the block, as `groupText` returns them */
  put(block: number, groups: readonly string[]): void {
    this.#packed.set(block, Buffer.from(`[${groups.join(',')}]`))
  }

  read(block: number): readonly MessageEntry[] {
    const entries: MessageEntry[] = []
    for (const [text, packed] of JSON.parse(this.#packed.get(block)?.toString() ?? '[]') as readonly PackedGroup[]) {
      const flags = this.#state.flagsOf(text)
      for (const [uid, blob, sizeOctets, internalDate, savedAt, modSeq, details] of packed) {
        entries.push({
          uid,
          blob: this.#names.blob(blob),
          sizeOctets,
          internalDate,
          savedAt,
          flags,
          modSeq,
          ...details,
        })
      }
    }
    return entries.sort((a, b) => a.uid - b.uid)
  }

  mayHave(block: number, flag: string): boolean {
    return this.#packed.get(block)?.includes(JSON.stringify(flag).slice(1, -1)) ?? true
  }

  holds(block: Block, isChanged: boolean): void {
    if (isChanged) this.#changed.add(block)
    this.#unpacked.add(block, this)
  }

  leaves(block: Block): void {
    this.#packed.delete(block.number)
    this.#changed.delete(block)
    this.#unpacked.delete(block)
  }

  /** Forgets the objects of a block. */
  pack(block: Block): void {
    if (this.#changed.delete(block)) {
      const groups = new Map<readonly string[], PackedEntry[]>()
      for (const entry of block.entries) {
        const group = groups.get(entry.flags)
        if (group) group.push(this.#packedOf(entry))
        else groups.set(entry.flags, [this.#packedOf(entry)])
      }
      const texts = [...groups].map(([flags, entries]) =>
        groupText(flagsText(flags), JSON.stringify(entries).slice(1, -1)),
      )
      this.put(block.number, texts)
    }
    block.drop()
  }

  #packedOf(entry: MessageEntry): PackedEntry {
    const { uid, blob, sizeOctets, internalDate, savedAt, modSeq, messageId, envelope, lacksLineEnd } = entry
    const numbers = [uid, this.#names.blobNumber(blob), sizeOctets, internalDate, savedAt, modSeq] as const
    if (messageId === undefined && envelope === undefined && !lacksLineEnd) return numbers
    const details: Details = {
      ...(messageId !== undefined && { messageId }),
      ...(envelope && { envelope }),
      ...(lacksLineEnd && { lacksLineEnd }),
    }
    return [...numbers, details]
  }
}

/** The entries of a folder in memory. */
export interface LoadedFolder {
  readonly index: FolderIndex
  /** Where its entries are packed. */
  readonly source: PackedEntries
}

/**
 * Reads all entries of a folder, some at a time: each as it is at some moment after the call. What changes meanwhile may be
 * missing or not. @throws DatabaseError
 */
export async function readIndex(
  database: Database,
  state: PostgresFolder,
  names: Names,
  unpacked: UnpackedBlocks,
): Promise<LoadedFolder> {
  const source = new PackedEntries(state, names, unpacked)
  const counts = { exists: 0, sizeOctets: 0, unseen: 0, deleted: 0, deletedOctets: 0, withoutLineEnd: 0 }
  const combinations = new Map<readonly string[], number>()
  const blocks: BlockCounts[] = []
  let [last, highestModSeq] = [0, 1]
  let block = { number: -1, size: 0, unseen: 0, deleted: 0 }
  let groups: string[] = []
  const endBlock = (): void => {
    if (block.size === 0) return
    source.put(block.number, groups)
    blocks.push(block)
  }
  for (let read = ROWS; read === ROWS; ) {
    read = 0
    for (const row of await database.query<GroupRow>(READ_ENTRIES, [state.key, last])) {
      if (row.block !== block.number) {
        endBlock()
        block = { number: row.block, size: 0, unseen: 0, deleted: 0 }
        groups = []
      }
      const flags = state.flagsOf(row.flags)
      const [isSeen, isDeleted] = [flags.includes(SEEN), flags.includes(DELETED)]
      for (const sum of [block, counts]) {
        if (!isSeen) sum.unseen += row.size
        if (isDeleted) sum.deleted += row.size
      }
      block.size += row.size
      counts.exists += row.size
      counts.sizeOctets += row.octets
      counts.withoutLineEnd += row.without_line_end
      if (isDeleted) counts.deletedOctets += row.octets
      combinations.set(flags, (combinations.get(flags) ?? 0) + row.size)
      groups.push(groupText(row.flags, row.entries))
      read += row.size
      last = Math.max(last, row.last)
      highestModSeq = Math.max(highestModSeq, row.mod_seq)
    }
  }
  endBlock()
  return { index: new FolderIndex({ uidNext: last + 1, highestModSeq, counts, combinations, blocks, source }), source }
}
