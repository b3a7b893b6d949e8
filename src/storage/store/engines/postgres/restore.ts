import { overview } from '../../../../mail/format/overview.ts'
import type { Database, Transaction } from '../../../database/database-types.ts'
import type { FolderItem, MessageItem, StoreHead, StoreItem, StoreItems, ValueItem } from '../../copy/types.ts'
import { StoreError } from '../../errors.ts'
import { type Folder, PUBLIC_OWNER } from '../../folder.ts'
import type { MessageEntry } from '../../message-entry.ts'
import type { ValueKind } from '../../value-types.ts'
import { textKey } from '../text-key.ts'
import { OBJECT_OCTETS, type ObjectPieces, type ObjectRow } from './object-pieces.ts'
import { detailsOf, flagsText, type Names, PIECE_OCTETS, settingsText } from './records.ts'

/** Limits of the items that share a transaction. */
const MAX_ITEMS = 500
const MAX_OCTETS = 8 << 20

interface RestoreParts {
  readonly database: Database
  readonly names: Names
  readonly objects: ObjectPieces | undefined
  /** The numbers below 0 that stand for the kinds of values without a folder. */
  readonly kinds: Readonly<Record<ValueKind, number>>
}

/** Writes everything to empty tables, many items in a transaction. @throws DatabaseError */
export async function restoreDatabase(parts: RestoreParts, items: StoreItems): Promise<void> {
  const { database } = parts
  const restoring = new Restoring(parts)
  let waiting: Row[] = []
  let octets = 0
  const flush = async (): Promise<void> => {
    const rows = waiting
    waiting = []
    octets = 0
    if (rows.length > 0) await database.transaction((transaction) => insertAll(transaction, rows))
  }
  for await (const item of items) {
    if (item.type === 'store') {
      await restoring.begin(item)
      continue
    }
    for await (const row of restoring.rowsOf(item)) {
      waiting.push(row)
      octets += row.octets ?? 0
      if (waiting.length >= MAX_ITEMS || octets >= MAX_OCTETS) await flush()
    }
  }
  await flush()
  await restoring.end()
}

/** A row of a table. Its values have the order of the table's columns in `TABLES`. */
interface Row {
  readonly table: Table
  readonly values: readonly unknown[]
  /** Octets of its largest value. */
  readonly octets?: number
}

/** The columns that are written, with their types, and how a column is computed from the parameter if it has another type. */
const TABLES = {
  folders: [
    'id bigint',
    'owner text',
    'name text',
    'uid_validity bigint',
    'settings text',
    'version bigint',
    'first_uid bigint',
    'uid_next bigint',
    'mod_seq bigint',
  ],
  entries: [
    'folder bigint',
    'uid bigint',
    'blob bigint',
    'size bigint',
    'internal_date bigint',
    'saved_at bigint',
    'flags text',
    'mod_seq bigint',
    'details text',
  ],
  vanished: ['folder bigint', 'mod_seq bigint', 'uids text ::bigint[]'],
  pieces: ['blob bigint', 'piece integer', 'octets bytea'],
  objects: ['blob bigint', 'piece integer', 'octets integer', 'name text', 'sha256 text'],
  holders: ['blob bigint', 'messages bigint'],
  overviews: ['blob bigint', 'overview text'],
  places: ['message_id text', 'folder bigint', 'uid bigint'],
  values: ['folder bigint', 'kind text', 'reader text', 'name_key text', 'name text', 'content bytea'],
  subscriptions: ['owner text', 'name text'],
  state: ['key text', 'value text'],
  history: ['message_id text'],
  deleted_folders: ['id bigint', 'owner text', 'name text', 'uid_next bigint', 'version bigint'],
} as const satisfies Readonly<Record<string, readonly string[]>>

type Table = keyof typeof TABLES

/** Returns the statement that inserts many rows, whose columns are the parameters. */
function insertOf(table: Table): string {
  const columns = TABLES[table].map((column) => column.split(' '))
  const names = columns.map(([name]) => name)
  const arrays = columns.map(([, type], i) => `$${i + 1}::${type}[]`)
  const values = columns.map(([name, , cast = '']) => `${name}${cast}`)
  return `insert into "${table}" (${names}) select ${values} from unnest(${arrays}) rows (${names}) on conflict do nothing`
}

async function insertAll(transaction: Transaction, rows: readonly Row[]): Promise<void> {
  for (const table of Object.keys(TABLES) as Table[]) {
    const some = rows.filter((row) => row.table === table)
    const columns = TABLES[table].map((_, i) => some.map(({ values }) => values[i]))
    if (some.length > 0) await transaction.query(insertOf(table), columns)
  }
}

/** Turns items into rows. Numbers of blobs continue those of the copied store. */
class Restoring {
  readonly #parts: RestoreParts
  readonly #folders = new Map<string, { readonly key: number; readonly folder: Folder }>()
  /** The numbers of shared blobs by their names in the copied store, and how many messages have them. */
  readonly #shared = new Map<string, { readonly blob: number; messages: number }>()
  #version = 0
  #lastFolder = 0
  #lastBlob = 0

  constructor(parts: RestoreParts) {
    this.#parts = parts
  }

  async begin({ tag, lastFolder, lastBlob, lastUidValidity }: StoreHead): Promise<void> {
    this.#lastFolder = lastFolder
    this.#lastBlob = lastBlob
    this.#parts.names.use(tag)
    await this.#parts.database.query('update lab set tag = $1, last_folder = $2, last_uid_validity = $3', [
      tag,
      lastFolder,
      lastUidValidity,
    ])
  }

  async *rowsOf(item: Exclude<StoreItem, StoreHead>): AsyncGenerator<Row, void, void> {
    if (item.type === 'message') yield* this.#message(item)
    else if (item.type === 'folder') yield this.#folder(item)
    else if (item.type === 'vanished') {
      const { key } = this.#need(item.folderId)
      yield { table: 'vanished', values: [key, item.modSeq, `{${item.uids.join(',')}}`] }
    } else if (item.type === 'value') yield this.#value(item)
    else if (item.type === 'subscription') yield { table: 'subscriptions', values: [item.owner, item.name] }
    else if (item.type === 'state') yield { table: 'state', values: [item.key, item.value] }
    else if (item.type === 'known') yield { table: 'history', values: [item.messageId] }
    else {
      const values = [++this.#lastFolder, item.owner, item.name, item.uidNext, ++this.#version]
      yield { table: 'deleted_folders', values }
    }
  }

  /** Writes what is known only at the end: how many messages share a blob, and the counts of folders. */
  async end(): Promise<void> {
    const { database } = this.#parts
    const holders = [...this.#shared.values()].map(
      (one): Row => ({ table: 'holders', values: [one.blob, one.messages] }),
    )
    await database.transaction(async (transaction) => {
      await insertAll(transaction, holders)
      await transaction.query(COUNT_MESSAGES, ['\\Seen', '\\Deleted', '\\'])
      await transaction.query('update lab set version = $1, last_folder = $2', [this.#version, this.#lastFolder])
      await transaction.query("select setval('blob_numbers', $1)", [Math.max(1, this.#lastBlob)])
    })
  }

  #need(folderId: string): { readonly key: number; readonly folder: Folder } {
    const found = this.#folders.get(folderId)
    if (!found) throw new StoreError('not-found', `folder ${folderId} does not exist`)
    return found
  }

  #folder({ folder, uidNext, highestModSeq }: FolderItem): Row {
    const key = this.#parts.names.folderKey(folder.id)
    if (this.#parts.names.folder(key) !== folder.id) {
      throw new StoreError('failed', `the id ${folder.id} of the folder ${folder.name} is not one of its store`)
    }
    this.#folders.set(folder.id, { key, folder })
    const { owner, name, uidValidity } = folder
    return {
      table: 'folders',
      values: [key, owner, name, uidValidity, settingsText(folder), ++this.#version, 1, uidNext, highestModSeq],
    }
  }

  #value({ folderId, kind, reader, name, content }: ValueItem): Row {
    const key = folderId === undefined ? this.#parts.kinds[kind] : this.#need(folderId).key
    return { table: 'values', values: [key, kind, reader, textKey(name), name, content], octets: content.length }
  }

  async *#message({ folderId, entry, raw, isShared }: MessageItem): AsyncGenerator<Row, void, void> {
    const { key, folder } = this.#need(folderId)
    const shared = this.#shared.get(entry.blob)
    if (raw === undefined && !shared) throw new StoreError('failed', `the octets of message ${entry.uid} are missing`)
    const blob = raw === undefined && shared ? shared.blob : ++this.#lastBlob
    if (shared) shared.messages++
    else if (isShared) this.#shared.set(entry.blob, { blob, messages: 1 })
    const isArticle = folder.owner === PUBLIC_OWNER
    if (raw !== undefined) yield* piecesOf(blob, raw, { isArticle, objects: this.#parts.objects })
    yield { table: 'entries', values: [key, ...columnsOfEntry(entry, blob)] }
    const { messageId, uid } = entry
    if (!isArticle || messageId === undefined) return
    yield { table: 'places', values: [textKey(messageId), key, uid] }
    yield { table: 'history', values: [textKey(messageId)] }
  }
}

const columnsOfEntry = (entry: MessageEntry, blob: number): readonly unknown[] => [
  entry.uid,
  blob,
  entry.sizeOctets,
  entry.internalDate,
  entry.savedAt,
  flagsText(entry.flags),
  entry.modSeq,
  detailsOf(entry),
]

interface PieceOptions {
  readonly isArticle: boolean
  readonly objects: ObjectPieces | undefined
}

/** Yields the rows of a message's octets, and its overview if it is an article. */
async function* piecesOf(
  blob: number,
  raw: Buffer | AsyncIterable<Buffer>,
  { isArticle, objects }: PieceOptions,
): AsyncGenerator<Row, void, void> {
  let rest: Buffer = Buffer.alloc(0)
  let piece = 0
  const kept: Buffer[] = []
  /** Yields the rows of what has arrived: whole pieces, and at the end the others. */
  const rows = async function* (isEnd: boolean): AsyncGenerator<Row, void, void> {
    while (rest.length > 0) {
      const most = objects && piece > 0 ? OBJECT_OCTETS : PIECE_OCTETS
      if (rest.length < most && !isEnd) return
      const octets = rest.subarray(0, most)
      rest = rest.subarray(most)
      const last = piece + Math.ceil(octets.length / PIECE_OCTETS) - 1
      yield objects && piece > 0 ? objectRow(blob, await objects.put(octets, last)) : pieceRow(blob, piece, octets)
      piece = last + 1
    }
  }
  for await (const part of Buffer.isBuffer(raw) ? [raw] : raw) {
    if (isArticle) kept.push(part)
    rest = rest.length === 0 ? part : Buffer.concat([rest, part])
    yield* rows(false)
  }
  yield* rows(true)
  if (isArticle) yield { table: 'overviews', values: [blob, JSON.stringify(overview(Buffer.concat(kept)))] }
}

const pieceRow = (blob: number, piece: number, octets: Buffer): Row => ({
  table: 'pieces',
  values: [blob, piece, octets],
  octets: octets.length,
})

const objectRow = (blob: number, { piece, octets, name, sha256 }: ObjectRow): Row => ({
  table: 'objects',
  values: [blob, piece, octets, name, sha256],
})

/** Parameters: the flags of messages that were seen and deleted, and what system flags begin with. */
const COUNT_MESSAGES = `
  update folders f set messages = c.messages, octets = c.octets, unseen = c.unseen, deleted = c.deleted,
    deleted_octets = c.deleted_octets, keywords = coalesce(c.keywords, '')
  from (
    select folder, count(*) as messages, sum(size) as octets,
      count(*) filter (where not $1 = any(string_to_array(flags, E'\\n'))) as unseen,
      count(*) filter (where $2 = any(string_to_array(flags, E'\\n'))) as deleted,
      coalesce(sum(size) filter (where $2 = any(string_to_array(flags, E'\\n'))), 0) as deleted_octets,
      (select string_agg(keyword, E'\\n') from (
        select distinct unnest(string_to_array(flags, E'\\n')) as keyword from entries where folder = e.folder
      ) k where left(keyword, 1) <> $3) as keywords
    from entries e group by folder
  ) c
  where f.id = c.folder`
