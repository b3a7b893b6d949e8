import type { Database, Transaction } from '../../../database/database-types.ts'
import { type StoreItem, WHOLE_OCTETS } from '../../copy/types.ts'
import { StoreError } from '../../errors.ts'
import type { Owner } from '../../folder.ts'
import type { ValueKind } from '../../value-types.ts'
import { textKey } from '../text-key.ts'
import { keepObjects, type ObjectPieces } from './object-pieces.ts'
import { folderOfRow } from './postgres-folder.ts'
import {
  columnsOf,
  ENTRY_COLUMNS,
  type EntryRow,
  entryOf,
  FOLDER_COLUMNS,
  type FolderRow,
  flagsFrom,
  type Names,
  PIECE_OCTETS,
} from './records.ts'
import { Rendezvous } from './rendezvous.ts'

/** Rows that are read at a time. */
const ROWS = 1_000
/** Messages that are read at a time with their octets, of at most `WHOLE_OCTETS` each. */
const MESSAGES = 32

interface DumpParts {
  readonly database: Database
  readonly names: Names
  readonly objects: ObjectPieces | undefined
}

/** Yields everything in the tables, in one transaction that sees one moment. @throws DatabaseError, StoreError */
export async function* dumpDatabase(parts: DumpParts): AsyncGenerator<StoreItem, void, void> {
  const { database } = parts
  const rendezvous = new Rendezvous<StoreItem>()
  let isSecond = false
  const reading = database.transaction(
    async (transaction) => {
      // Items that were handed over cannot be taken back.
      if (isSecond) throw new StoreError('failed', 'the connection to the database was lost')
      isSecond = true
      for await (const item of itemsOf(transaction, parts)) await rendezvous.put(item)
    },
    { isLong: true },
  )
  reading.then(
    () => rendezvous.end(),
    (error: unknown) => rendezvous.fail(error),
  )
  try {
    yield* rendezvous.items()
  } finally {
    rendezvous.abandon()
    await reading.catch(() => {})
  }
}

interface LabRow {
  readonly tag: string
  readonly last_folder: number
  readonly last_uid_validity: number
}

async function* itemsOf(
  transaction: Transaction,
  { names, objects }: DumpParts,
): AsyncGenerator<StoreItem, void, void> {
  if (objects) await keepObjects(transaction)
  const [lab] = await transaction.query<LabRow>('select tag, last_folder, last_uid_validity from lab')
  const [blobs] = await transaction.query<{ last: number }>('select last_value as last from blob_numbers')
  const folders = await transaction.query<FolderRow & { readonly messages: number }>(
    `select ${FOLDER_COLUMNS}, messages from folders where id > 0 order by id`,
  )
  yield {
    type: 'store',
    tag: lab?.tag ?? '',
    lastFolder: lab?.last_folder ?? 0,
    lastBlob: blobs?.last ?? 0,
    lastUidValidity: lab?.last_uid_validity ?? 0,
    folders: folders.length,
    messages: folders.reduce((sum, { messages }) => sum + messages, 0),
  }
  const written = new Set<number>()
  for (const row of folders) {
    const folder = folderOfRow(row, names)
    yield { type: 'folder', folder, uidNext: row.uid_next, highestModSeq: row.mod_seq }
    yield* messagesOf(transaction, row.id, { folderId: folder.id, names, objects, written })
    const vanished = await transaction.query<{ mod_seq: number; uids: readonly (number | string)[] }>(
      'select mod_seq, uids from vanished where folder = $1 order by mod_seq',
      [row.id],
    )
    for (const { mod_seq, uids } of vanished) {
      yield { type: 'vanished', folderId: folder.id, modSeq: mod_seq, uids: uids.map(Number) }
    }
    yield* valuesOf(transaction, 'folder = $1', [row.id], folder.id)
  }
  yield* valuesOf(transaction, 'folder < 0', [])
  for (const { owner, name } of await transaction.query<{ owner: Owner; name: string }>(
    'select distinct owner, name from subscriptions',
  )) {
    yield { type: 'subscription', owner, name }
  }
  for (const { key, value } of await transaction.query<{ key: string; value: string }>(
    'select key, value from state',
  )) {
    yield { type: 'state', key, value }
  }
  yield* knownMessageIds(transaction)
  for (const { owner, name, uid_next } of await transaction.query<{ owner: Owner; name: string; uid_next: number }>(
    `select owner, name, max(uid_next) as uid_next from deleted_folders d
     where not exists (select from folders f where f.owner = d.owner and f.name = d.name)
     group by owner, name having max(uid_next) > 1`,
  )) {
    yield { type: 'retired', owner, name: textKey(name), uidNext: uid_next }
  }
}

interface MessageContext {
  readonly folderId: string
  readonly names: Names
  readonly objects: ObjectPieces | undefined
  /** Shared blobs whose octets were yielded. */
  readonly written: Set<number>
}

type MessageRow = EntryRow & { readonly is_shared: boolean }

async function* messagesOf(
  transaction: Transaction,
  folder: number,
  { folderId, names, objects, written }: MessageContext,
): AsyncGenerator<StoreItem, void, void> {
  const wholeOctets = objects ? PIECE_OCTETS : WHOLE_OCTETS
  for (let after = 0; ; ) {
    const rows = await transaction.query<MessageRow>(
      `select ${ENTRY_COLUMNS}, exists (select from holders h where h.blob = e.blob) as is_shared
       from entries e where e.folder = $1 and e.uid > $2 order by e.uid limit $3`,
      [folder, after, MESSAGES],
    )
    const small = rows.filter(({ blob, size }) => size <= wholeOctets && !written.has(blob)).map(({ blob }) => blob)
    const bodies = await bodiesOf(transaction, small)
    for (const row of rows) {
      const { blob, is_shared: isShared } = row
      const entry = entryOf(columnsOf(row), names, { flagsOf: flagsFrom })
      const isKnown = written.has(blob)
      if (isShared) written.add(blob)
      const raw = row.size <= wholeOctets ? (bodies.get(blob) ?? Buffer.alloc(0)) : pieces(transaction, row, objects)
      yield { type: 'message', folderId, entry, isShared, ...(!isKnown && { raw }) }
    }
    if (rows.length < MESSAGES) return
    after = rows.at(-1)?.uid ?? 0
  }
}

async function bodiesOf(transaction: Transaction, blobs: readonly number[]): Promise<ReadonlyMap<number, Buffer>> {
  const found = new Map<number, Buffer[]>()
  if (blobs.length === 0) return new Map()
  const rows = await transaction.query<{ blob: number; octets: Buffer }>(
    'select blob, octets from pieces where blob = any($1::bigint[]) order by blob, piece',
    [[...new Set(blobs)]],
  )
  for (const { blob, octets } of rows) found.set(blob, [...(found.get(blob) ?? []), octets])
  return new Map(Array.from(found, ([blob, parts]) => [blob, Buffer.concat(parts)]))
}

async function* pieces(
  transaction: Transaction,
  { blob, size }: MessageRow,
  objects: ObjectPieces | undefined,
): AsyncGenerator<Buffer, void, void> {
  for (let after = -2; ; ) {
    const [row] = await transaction.query<{ piece: number; octets: Buffer }>(
      'select piece, octets from pieces where blob = $1 and piece > $2 order by piece limit 1',
      [blob, after],
    )
    if (!row) break
    yield row.octets
    after = row.piece
  }
  if (objects) yield* objects.stream(await objects.of(transaction, blob), 0, size)
}

interface ValueRow {
  readonly kind: ValueKind
  readonly reader: string
  readonly name: string
  readonly content: Buffer
}

async function* valuesOf(
  transaction: Transaction,
  where: string,
  parameters: readonly number[],
  folderId?: string,
): AsyncGenerator<StoreItem, void, void> {
  const rows = await transaction.query<ValueRow>(
    `select kind, reader, name, content from "values" where ${where}`,
    parameters,
  )
  for (const { kind, reader, name, content } of rows) {
    yield { type: 'value', ...(folderId !== undefined && { folderId }), kind, reader, name, content }
  }
}

async function* knownMessageIds(transaction: Transaction): AsyncGenerator<StoreItem, void, void> {
  for (let after = ''; ; ) {
    const rows = await transaction.query<{ message_id: string }>(
      'select message_id from history where message_id > $1 order by message_id limit $2',
      [after, ROWS],
    )
    for (const { message_id: messageId } of rows) yield { type: 'known', messageId }
    if (rows.length < ROWS) return
    after = rows.at(-1)?.message_id ?? ''
  }
}
