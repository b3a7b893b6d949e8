import { randomBytes } from 'node:crypto'
import { existsSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Database, RootDatabase, RootDatabaseOptionsWithPath } from 'lmdb'
import { version } from '../../../../core/text/version.ts'
import type { DeliveryEnvelope } from '../../delivery-envelope.ts'
import { StoreError } from '../../errors.ts'
import type { Folder } from '../../folder.ts'
import type { MessageEntry } from '../../message-entry.ts'
import { textKey } from '../text-key.ts'
import { loadLmdb } from './addon.ts'
import { assertNotLost, checkDataFile } from './file-check.ts'
import { openSealed } from './sealed-tables.ts'
import { currentFormat } from './upgrade-steps.ts'
import { Writes } from './writes.ts'

/** An entry without its uid, which is part of the key. */
type EntryRecord = readonly [
  blob: number,
  sizeOctets: number,
  internalDate: number,
  savedAt: number,
  flags: readonly string[],
  modSeq: number,
  messageId: string | null,
  envelope: DeliveryEnvelope | null,
  lacksLineEnd?: true,
]

/** The counts of a folder. */
export type CountsRecord = readonly [
  exists: number,
  sizeOctets: number,
  unseen: number,
  deleted: number,
  deletedOctets: number,
  withoutLineEnd?: number,
]

/** A folder's next uid, modSeq and counts. */
export type NumbersRecord = readonly [uidNext: number, highestModSeq: number, ...counts: CountsRecord]

/** Number of messages of a folder that have a combination of flags. */
type CombinationRecord = readonly [flags: readonly string[], messages: number]

/** Counts of the messages in one block of uids: see `entry-list.ts`. */
export type BlockRecord = readonly [messages: number, unseen: number, deleted: number]

/** The key of a value. The folder's id is '' for values of the whole store, the reader '' for shared ones. */
export type ValueKey = [folderId: string, kind: string, reader: string, name: string]
/** A value with its name, which the key may contain as a hash. */
type ValueRecord = readonly [name: string, content: Buffer]

/** An article's overview, in the order of `overviewFields`. */
export type OverviewRecord = readonly (string | number)[]

/** Key of the last blob's number. It is in the table `numbers` because every append writes that page anyway. */
export const LAST_BLOB = 'lastBlob'

/** Everything the store has on disk. Blobs are numbered. Message-IDs and names in keys are written with `textKey`. */
export interface Tables {
  readonly env: RootDatabase
  readonly readOnly: boolean
  /** Opens the file again, in one step. Replaces all fields of this object. Earlier read transactions cannot be used. */
  reopen(): void
  /** Where operations write. */
  readonly writes: Writes
  /** `format`, `tag`, `lastFolder`, `lastUidValidity`. */
  readonly meta: Database<number | string, string>
  readonly folders: Database<Folder, string>
  /** By folder id, and `LAST_BLOB`. */
  readonly numbers: Database<NumbersRecord | number, string>
  readonly entries: Database<EntryRecord, [folderId: string, uid: number]>
  /** The blocks of uids that have messages, so that a folder can be opened without reading its entries. */
  readonly blocks: Database<BlockRecord, [folderId: string, block: number]>
  /** The combinations of flags that messages have, except the empty one. The key is made by `combinationKey`. */
  readonly combinations: Database<CombinationRecord, [folderId: string, combination: string]>
  /**
   * Entries whose flags were changed after they were added. The modSeq of all other entries ascends with their uid. So
   * every change after a given modSeq is either at the end of the folder or in this table.
   */
  readonly changed: Database<true, [folderId: string, modSeq: number, uid: number]>
  /** The uids that were expunged with each modSeq. */
  readonly vanished: Database<readonly number[], [folderId: string, modSeq: number]>
  /** The octets of a blob in pieces of `PIECE_OCTETS`. Piece -1 is the prefix of a streamed blob. */
  readonly bodies: Database<Buffer, [blob: number, piece: number]>
  /** Number of entries that share a blob, if it is more than one. */
  readonly holders: Database<number, number>
  /**
   * Blobs without an entry: a session is still reading the deleted message, or the message is still arriving. They are
   * removed after that, or at the next start.
   */
  readonly doomed: Database<true, number>
  /** Overviews of blobs in public folders, for OVER. */
  readonly overviews: Database<OverviewRecord, number>
  /** Where public folders hold a Message-ID. */
  readonly places: Database<true, [messageId: string, folderId: string, uid: number]>
  /** Every Message-ID that public folders ever had. */
  readonly history: Database<true, string>
  readonly subscriptions: Database<string, [owner: string, name: string]>
  readonly state: Database<string, string>
  readonly values: Database<ValueRecord, ValueKey>
  /** The next uid of deleted folders. */
  readonly retired: Database<number, [owner: string, name: string]>
}

/** Number of tables of all formats, plus a reserve. */
const MAX_TABLES = 24

/** Most read transactions at a time. Every folder that is being loaded and every stream may have one. */
const MAX_VIEWS = 1024

/** Octets per piece. With LMDB's header of 24 octets and the checksums, they fill whole pages. */
export const PIECE_OCTETS = 16 * 4096 - 32

interface OpenTablesOptions {
  readonly file: string
  readonly readOnly: boolean
  /** Whether an older format can be opened without an upgrade. It may lack tables. */
  readonly anyOlder?: boolean
  /** Whether another process writes to the file. Then it cannot be checked before. */
  readonly isInUse?: boolean
}

/**
 * Opens the tables. Creates the file if there is none.
 * @throws StoreError `not-found` if the package lmdb is missing; `read-only` if the format cannot be opened; `failed` if the
 * file is damaged or lost
 */
export async function openTables(given: OpenTablesOptions): Promise<Tables> {
  const { file, readOnly, anyOlder = false, isInUse = false } = given
  const { open } = await loadLmdb(dirname(file))
  assertNotLost(file)
  if (existsSync(file)) await checkDataFile(file, { isInUse })
  else if (!readOnly) createFile(file, open)
  const options = {
    path: file,
    noSubdir: true,
    permissionsMode: 0o600,
    maxDbs: MAX_TABLES,
    maxReaders: MAX_VIEWS,
    // A commit flushes the pages before it writes the page that makes them valid. So a failed flush changes nothing.
    overlappingSync: false,
    // With the package's own batches, a failed commit causes an unhandled rejection.
    eventTurnBatching: false,
    readOnly,
  } as const
  if (!readOnly) fillLockFile(`${file}-lock`)
  const openAll = (): Omit<Tables, 'readOnly' | 'reopen' | 'writes'> => {
    const env = open(options satisfies RootDatabaseOptionsWithPath)
    try {
      return {
        env,
        ...(readOnly
          ? openEach(env, { readOnly, anyOlder })
          : env.transactionSync(() => openEach(env, { readOnly, anyOlder }))),
      }
    } catch (error) {
      closeNow(env)
      throw error
    }
  }
  const tables = {
    readOnly,
    writes: new Writes(),
    ...openAll(),
    reopen(): void {
      closeNow(tables.env)
      Object.assign(tables, openAll())
    },
  }
  return tables
}

/** Creates an empty file under another name first: if this is interrupted, no file without content is left. */
function createFile(file: string, open: (options: RootDatabaseOptionsWithPath) => RootDatabase): void {
  const path = `${file}.new`
  for (const name of [path, `${path}-lock`]) rmSync(name, { force: true })
  const options = { path, noSubdir: true, permissionsMode: 0o600, maxDbs: MAX_TABLES, overlappingSync: false }
  closeNow(open(options satisfies RootDatabaseOptionsWithPath))
  rmSync(`${path}-lock`, { force: true })
  renameSync(path, file)
}

/** LMDB has 64 octets for each reader, and a header of a few hundred octets. */
const LOCK_FILE_OCTETS = MAX_VIEWS * 64 + 4096

/**
 * Makes LMDB's lock file as long as it needs to be. LMDB would leave holes in it and write to them through its memory map,
 * which ends the process if the disk is full.
 */
function fillLockFile(file: string): void {
  const found = statSync(file, { throwIfNoEntry: false })
  if (found && found.size >= LOCK_FILE_OCTETS && found.blocks * 512 >= LOCK_FILE_OCTETS) return
  writeFileSync(file, Buffer.alloc(LOCK_FILE_OCTETS), { mode: 0o600 })
}

/** The object of the package's add-on behind an environment. */
interface NativeEnv {
  address: number
  info(): { readonly lastPageNumber: number; readonly lastTxnId: number }
  stat(): { readonly pageSize: number }
  close(): void
}

export const nativeOf = (env: RootDatabase): NativeEnv => (env as unknown as { env: NativeEnv }).env

/** Closes an environment immediately. The package's `close` ends its reads, but then waits for commits, also for failed ones. */
function closeNow(env: RootDatabase): void {
  const native = nativeOf(env)
  void env.close()
  if (native.address === 0) return
  native.address = 0
  native.close()
}

/** @throws StoreError `read-only` */
function assertFormat(format: number, { readOnly, anyOlder = false }: Omit<OpenTablesOptions, 'file'>): void {
  const current = currentFormat()
  if (format > current) {
    throw new StoreError(
      'read-only',
      `the store has format ${format}, but Sealpost ${version} supports only up to format ${current}; use a newer Sealpost`,
    )
  }
  if (format < current && readOnly && !anyOlder) {
    throw new StoreError(
      'read-only',
      `the store has format ${format} and must be upgraded to format ${current}: open it once with write access`,
    )
  }
}

function openEach(
  env: RootDatabase,
  options: Omit<OpenTablesOptions, 'file'>,
): Omit<Tables, 'env' | 'readOnly' | 'reopen' | 'writes'> {
  const meta = openSealed<number | string, string>(env, 'meta')
  // A read-only environment returns undefined for a table that does not exist.
  assertFormat(Number(meta?.get('format') ?? currentFormat()), options)
  const tables = {
    meta,
    folders: openSealed<Folder, string>(env, 'folders'),
    numbers: openSealed<NumbersRecord | number, string>(env, 'numbers'),
    entries: openSealed<EntryRecord, [string, number]>(env, 'entries'),
    blocks: openSealed<BlockRecord, [string, number]>(env, 'blocks'),
    combinations: openSealed<CombinationRecord, [string, string]>(env, 'combinations'),
    changed: openSealed<true, [string, number, number]>(env, 'changed'),
    vanished: openSealed<readonly number[], [string, number]>(env, 'vanished'),
    bodies: openSealed<Buffer, [number, number]>(env, 'bodies', true),
    holders: openSealed<number, number>(env, 'holders'),
    doomed: openSealed<true, number>(env, 'doomed'),
    overviews: openSealed<OverviewRecord, number>(env, 'overviews'),
    places: openSealed<true, [string, string, number]>(env, 'places'),
    history: openSealed<true, string>(env, 'history'),
    subscriptions: openSealed<string, [string, string]>(env, 'subscriptions'),
    state: openSealed<string, string>(env, 'state'),
    values: openSealed<ValueRecord, ValueKey>(env, 'values'),
    retired: openSealed<number, [string, string]>(env, 'retired'),
  }
  if (!options.readOnly && meta.get('format') === undefined) {
    meta.putSync('format', currentFormat())
    meta.putSync('tag', randomBytes(4).toString('hex'))
  }
  return tables
}

/** Sorts after every text in a key: keys are in code point order, and this code point is not a character. */
export const LAST_TEXT = '\u{10ffff}'

/** Returns flags, in their canonical order, as part of a key. */
export const combinationKey = (flags: readonly string[]): string => textKey(flags.join(' '))

export const firstKey = (folderId: string): [string, number] => [folderId, 0]
export const lastKey = (folderId: string): [string, number] => [folderId, Number.MAX_SAFE_INTEGER]

export function toRecord(entry: MessageEntry, blob: number): EntryRecord {
  const { sizeOctets, internalDate, savedAt, flags, modSeq, messageId = null, envelope = null, lacksLineEnd } = entry
  return lacksLineEnd
    ? [blob, sizeOctets, internalDate, savedAt, flags, modSeq, messageId, envelope, true]
    : [blob, sizeOctets, internalDate, savedAt, flags, modSeq, messageId, envelope]
}

/** Conversions from a record's blob number and flags to an entry's. */
export interface EntryForms {
  /** Returns the name of a blob. */
  readonly nameOf: (blob: number) => string
  /** Returns the shared array of these flags: see `FlagTable`. */
  readonly canonical?: (flags: readonly string[]) => readonly string[]
}

export function fromRecord(uid: number, record: EntryRecord, { nameOf, canonical }: EntryForms): MessageEntry {
  const [blob, sizeOctets, internalDate, savedAt, flags, modSeq, messageId, envelope, lacksLineEnd] = record
  return {
    uid,
    blob: nameOf(blob),
    sizeOctets,
    internalDate,
    savedAt,
    flags: canonical ? canonical(flags) : flags,
    modSeq,
    ...(messageId !== null && { messageId }),
    ...(envelope && { envelope }),
    ...(lacksLineEnd && { lacksLineEnd }),
  }
}
