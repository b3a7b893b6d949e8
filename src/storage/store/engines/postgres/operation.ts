import type { Transaction } from '../../../database/database-types.ts'
import type { Owner } from '../../folder.ts'
import type { NewMessage } from '../../types.ts'
import type { ValueSpace, Values } from '../../value-types.ts'
import type { Held } from '../full/owner-limits.ts'
import { textKey } from '../text-key.ts'
import { hasPiece, lastPieceOf, type StreamedBlob } from './bodies.ts'
import type { ChangeSet, LockedRow } from './change-set.ts'
import type { MessageCount } from './message-count.ts'
import type { PostgresFolder } from './postgres-folder.ts'
import { ENTRY_COLUMNS, type EntryRow } from './records.ts'
import { valuesIn } from './value-rows.ts'

/** A change of messages or values. */
export interface Operation<T> {
  /** The folders that it changes or copies from. */
  readonly folders: readonly PostgresFolder[]
  /** The entries that it changes, by folder. */
  readonly uids?: ReadonlyMap<PostgresFolder, readonly number[]>
  /** The values that it changes, in a folder of `folders`. */
  readonly space?: { readonly folder: PostgresFolder; readonly space: ValueSpace }
  /** Numbers of new blobs that it takes. */
  readonly blobs?: number
  /** Streamed blobs that it adopts. */
  readonly adopts?: readonly StreamedBlob[]
  /** Keys of Message-IDs that no newsgroup may know. */
  readonly once?: readonly string[]
  /** Messages that count against the limit. */
  readonly messages?: number
  /** Octets that it writes. */
  readonly octets?: number
  /** Whether it adds messages, for which the reserve on the disk is not given up. */
  readonly adds?: boolean
  /** Owners that have a limit for what they hold. */
  readonly limited?: readonly Owner[]
  /** Whether it needs nothing of the rows of its folders except their numbers. */
  readonly isPlain?: boolean
  /** Computes the change. May run more than once. @throws StoreError and has changed nothing then */
  readonly apply: (changeSet: ChangeSet) => T
}

/** Returns the traits of an operation that adds messages. @param messages how many of them count against the limit */
export function additionOf(
  batch: readonly NewMessage[],
  raws: readonly (Buffer | StreamedBlob)[],
  folders: readonly PostgresFolder[],
  messages: number,
): Omit<Operation<never>, 'apply'> {
  const adopts = raws.flatMap((raw) => (Buffer.isBuffer(raw) ? [] : [raw]))
  const targets = batch.flatMap((message) => message.targets)
  const limited = new Set(targets.flatMap(({ folderId, limit }) => (limit ? folderId : [])))
  return {
    folders,
    blobs: raws.length - adopts.length,
    adopts,
    once: batch.flatMap(({ once, messageId }) => (once && messageId !== undefined ? [textKey(messageId)] : [])),
    messages,
    octets: raws.reduce((sum, raw) => sum + (Buffer.isBuffer(raw) ? raw.length : 0), 0),
    adds: true,
    limited: folders.flatMap(({ folder }) => (limited.has(folder.id) ? folder.owner : [])),
    isPlain: true,
  }
}

type Batch = readonly Operation<unknown>[]

type FolderEntryRow = EntryRow & { readonly folder: number }

/** The rows that a transaction has locked and read for its operations. */
export interface BatchRows {
  readonly folders: readonly LockedRow[]
  /** The entries that change, of folders whose entries are not in memory. */
  readonly entries: readonly FolderEntryRow[]
  /** The content of the folders of owners with a limit. */
  readonly held: ReadonlyMap<Owner, Held>
  /** The Message-IDs of `once` that were new, and are in the history now. */
  readonly fresh: Set<string>
  /** The streamed blobs that are complete, and adopted now. */
  readonly adopted: ReadonlySet<number>
  /** Number of all messages, if it has a limit. */
  readonly messages: number
  /** The values of each operation. */
  readonly values: readonly Values[]
}

const LOCK = `
  select id, uid_next, mod_seq, value_seq, keywords, lock_token, locked_until > clock_timestamp() as is_locked
  from unnest($1::bigint[]) c (id) join folders using (id) order by id for no key update of folders`
const READ_ENTRIES = `
  select e.folder, ${ENTRY_COLUMNS} from entries e join unnest($1::bigint[], $2::bigint[]) c (folder, uid)
  on e.folder = c.folder and e.uid = c.uid`
const LOCK_OWNERS = `
  select pg_advisory_xact_lock(hashtextextended(current_schema() || '/' || owner, 0))
  from (select owner from unnest($1::text[]) o (owner) order by owner) o`
/** Its own statement: it sees what those have committed for whom the lock waited. */
const HOLDINGS = `
  select owner, sum(octets)::bigint as octets, sum(messages)::bigint as messages
  from folders where owner = any($1::text[]) group by owner`
/** Waits for other transactions that remember the same. */
const REMEMBER = `
  insert into history (message_id) select * from unnest($1::text[]) on conflict do nothing returning message_id`
/** Only blobs that are complete. */
const ADOPT = `
  delete from incoming i using unnest($1::bigint[], $2::integer[]) c (blob, piece)
  where i.blob = c.blob and ${hasPiece('c.blob', 'c.piece')}
  returning i.blob`

/** Locks and reads everything that operations need, in one round trip. @throws DatabaseError */
export async function readBatch(
  transaction: Transaction,
  batch: Batch,
  folders: Iterable<number>,
  count: MessageCount,
): Promise<BatchRows> {
  const [held, fresh, rows, entries, adopted, messages, values] = await Promise.all([
    holdingsOf(transaction, batch),
    rememberAll(transaction, batch),
    transaction.query<LockedRow>(LOCK, [[...folders]]),
    readEntries(transaction, batch),
    adopt(transaction, batch),
    count.read(transaction),
    Promise.all(batch.map(({ space }) => (space ? valuesIn(transaction, space.folder.key, space.space) : NO_VALUES))),
  ])
  return { folders: rows, entries, held, fresh, adopted, messages, values }
}

export const NO_VALUES: Values = new Map()

/**
 * Returns what owners with a limit have. Nobody else adds messages within their limits until the transaction ends. Must be the
 * first to wait for others: transactions that lock owners after folders could wait for each other.
 */
async function holdingsOf(transaction: Transaction, batch: Batch): Promise<ReadonlyMap<Owner, Held>> {
  const owners = [...new Set(batch.flatMap(({ limited }) => limited ?? []))].sort()
  if (owners.length === 0) return new Map()
  const [, rows] = await Promise.all([
    transaction.query(LOCK_OWNERS, [owners]),
    transaction.query<{ owner: Owner } & Held>(HOLDINGS, [owners]),
  ])
  return new Map(rows.map(({ owner, ...held }) => [owner, held]))
}

/** Adds the Message-IDs of messages that are stored once to the history. Returns those that it did not have. */
async function rememberAll(transaction: Transaction, batch: Batch): Promise<Set<string>> {
  const keys = [...new Set(batch.flatMap(({ once }) => once ?? []))].sort()
  if (keys.length === 0) return new Set()
  const rows = await transaction.query<{ message_id: string }>(REMEMBER, [keys])
  return new Set(rows.map(({ message_id }) => message_id))
}

async function readEntries(transaction: Transaction, batch: Batch): Promise<readonly FolderEntryRow[]> {
  const keys: number[] = []
  const all: number[] = []
  for (const { uids } of batch) {
    for (const [folder, some] of uids ?? []) {
      if (folder.index) continue
      for (const uid of some) {
        keys.push(folder.key)
        all.push(uid)
      }
    }
  }
  return keys.length === 0 ? [] : transaction.query<FolderEntryRow>(READ_ENTRIES, [keys, all])
}

async function adopt(transaction: Transaction, batch: Batch): Promise<ReadonlySet<number>> {
  const blobs = batch.flatMap(({ adopts }) => adopts ?? [])
  if (blobs.length === 0) return new Set()
  const columns = [blobs.map(({ blob }) => blob), blobs.map(lastPieceOf)]
  const rows = await transaction.query<{ blob: number }>(ADOPT, columns)
  return new Set(rows.map(({ blob }) => blob))
}
