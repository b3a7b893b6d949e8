import { createHash, randomBytes } from 'node:crypto'
import type { Database, RootDatabase, RootDatabaseOptionsWithPath } from 'lmdb'
import { type DeliveryEnvelope, type Folder, type MessageEntry, StoreError } from '../types.ts'

/** The version of what is written below; a folder with an older one is upgraded, with a newer one not opened. */
export const FORMAT = 2

/** An entry without its uid, which is in the key. */
type EntryRecord = readonly [
  blob: number,
  sizeOctets: number,
  internalDate: number,
  savedAt: number,
  flags: readonly string[],
  modSeq: number,
  messageId: string | null,
  envelope: DeliveryEnvelope | null,
]

/** A folder's numbers and counts. */
export type NumbersRecord = readonly [
  uidNext: number,
  highestModSeq: number,
  exists: number,
  sizeOctets: number,
  unseen: number,
  deleted: number,
  deletedOctets: number,
]

/** How many messages of a folder have a combination of flags. */
export type CombinationRecord = readonly [flags: readonly string[], messages: number]

/** An article's overview, in the order of `overviewFields`. */
export type OverviewRecord = readonly (string | number)[]

/** The key in `numbers` of the last blob's number: there because that page is written with each append anyway. */
export const LAST_BLOB = 'lastBlob'

/** Everything the store has on disk, a table each. Blobs are numbered; a message id is kept by its key (`textKey`). */
export interface Tables {
  readonly env: RootDatabase
  readonly readOnly: boolean
  /** `format`, `tag`, `lastFolder`, `lastUidValidity`. */
  readonly meta: Database<number | string, string>
  readonly folders: Database<Folder, string>
  /** A folder's by its id; and `LAST_BLOB`. */
  readonly numbers: Database<NumbersRecord | number, string>
  readonly entries: Database<EntryRecord, [folderId: string, uid: number]>
  /** Every combination of flags that messages have, but for no flags at all; by `combinationKey`. */
  readonly combinations: Database<CombinationRecord, [folderId: string, combination: string]>
  /**
   * Entries whose last change was one of their flags. The modSeq of all others ascends with their uid, so what changed
   * after one of them is found at the end of the folder and here.
   */
  readonly changed: Database<true, [folderId: string, modSeq: number, uid: number]>
  /** What vanished with a change: its modSeq and the uids. */
  readonly vanished: Database<readonly number[], [folderId: string, modSeq: number]>
  /** Octets of a blob in pieces of `PIECE_OCTETS`; in front of them, as piece -1, what a streamed one's prefix was. */
  readonly bodies: Database<Buffer, [blob: number, piece: number]>
  /** How many entries hold a blob, where it is more than one. */
  readonly holders: Database<number, number>
  /** Blobs that no entry holds: someone was still reading them, or they never came to their end. Gone with the next start at the latest. */
  readonly doomed: Database<true, number>
  /** What OVER tells of a blob that public folders hold. */
  readonly overviews: Database<OverviewRecord, number>
  /** Where the public folders hold a message id. */
  readonly places: Database<true, [messageId: string, folderId: string, uid: number]>
  /** Every message id the public folders ever had. */
  readonly history: Database<true, string>
  readonly subscriptions: Database<string, [owner: string, name: string]>
  readonly state: Database<string, string>
  /** The next number of folders that were deleted. */
  readonly retired: Database<number, [owner: string, name: string]>
}

/** Tables of all formats together, and some to spare. */
const MAX_TABLES = 24

/** States of the tables that can be looked at at the same time: by folders being read, and streams. */
const MAX_VIEWS = 1024

/** So much that a piece with its header fills whole pages. */
export const PIECE_OCTETS = 16 * 4096 - 16

export interface OpenTablesOptions {
  readonly file: string
  readonly readOnly: boolean
}

/** @throws StoreError `not-found` where the package lmdb is not installed; `read-only` for a format of another version */
export async function openTables({ file, readOnly }: OpenTablesOptions): Promise<Tables> {
  const { open } = await import('lmdb').catch((cause: unknown) => {
    throw new StoreError('not-found', 'messages on disk need the package lmdb: npm install lmdb', { cause })
  })
  // Batches of its own (`eventTurnBatching`) leave a rejected promise to nobody when a commit fails.
  const options = {
    path: file,
    noSubdir: true,
    maxDbs: MAX_TABLES,
    maxReaders: MAX_VIEWS,
    overlappingSync: !readOnly,
    eventTurnBatching: false,
    readOnly,
  } as const
  const env = open(options satisfies RootDatabaseOptionsWithPath)
  try {
    return { env, readOnly, ...openEach(env, readOnly) }
  } catch (error) {
    await env.close()
    throw error
  }
}

function openEach(env: RootDatabase, readOnly: boolean): Omit<Tables, 'env' | 'readOnly'> {
  const meta = env.openDB<number | string, string>({ name: 'meta' })
  // A read-only environment gives nothing for a table that was never made.
  const format = Number(meta?.get('format') ?? FORMAT)
  if (format > FORMAT) {
    throw new StoreError('read-only', `the store was written in format ${format}; this version knows format ${FORMAT}`)
  }
  if (format < FORMAT && readOnly) {
    throw new StoreError(
      'read-only',
      `the store was written in format ${format} and is to be upgraded to ${FORMAT}: open it once where it can be written to`,
    )
  }
  const tables = {
    meta,
    folders: env.openDB<Folder, string>({ name: 'folders' }),
    numbers: env.openDB<NumbersRecord | number, string>({ name: 'numbers' }),
    entries: env.openDB<EntryRecord, [string, number]>({ name: 'entries' }),
    combinations: env.openDB<CombinationRecord, [string, string]>({ name: 'combinations' }),
    changed: env.openDB<true, [string, number, number]>({ name: 'changed' }),
    vanished: env.openDB<readonly number[], [string, number]>({ name: 'vanished' }),
    bodies: env.openDB<Buffer, [number, number]>({ name: 'bodies', encoding: 'binary' }),
    holders: env.openDB<number, number>({ name: 'holders' }),
    doomed: env.openDB<true, number>({ name: 'doomed' }),
    overviews: env.openDB<OverviewRecord, number>({ name: 'overviews' }),
    places: env.openDB<true, [string, string, number]>({ name: 'places' }),
    history: env.openDB<true, string>({ name: 'history' }),
    subscriptions: env.openDB<string, [string, string]>({ name: 'subscriptions' }),
    state: env.openDB<string, string>({ name: 'state' }),
    retired: env.openDB<number, [string, string]>({ name: 'retired' }),
  }
  if (!readOnly && meta.get('format') === undefined) {
    env.transactionSync(() => {
      meta.putSync('format', FORMAT)
      meta.putSync('tag', randomBytes(4).toString('hex'))
    })
  }
  return tables
}

/** A text of any length as part of a key: LMDB's keys are short. */
export function textKey(text: string): string {
  if (Buffer.byteLength(text) <= 200) return text
  return `#${createHash('sha256').update(text).digest('base64url')}`
}

/** Behind every text in a key, which are in the order of their code points: the last of these is no character. */
export const LAST_TEXT = '\u{10ffff}'

/** Flags in their one order as a part of a key. */
export const combinationKey = (flags: readonly string[]): string => textKey(flags.join(' '))

export const firstKey = (folderId: string): [string, number] => [folderId, 0]
export const lastKey = (folderId: string): [string, number] => [folderId, Number.MAX_SAFE_INTEGER]

export const toRecord = (entry: MessageEntry, blob: number): EntryRecord => [
  blob,
  entry.sizeOctets,
  entry.internalDate,
  entry.savedAt,
  entry.flags,
  entry.modSeq,
  entry.messageId ?? null,
  entry.envelope ?? null,
]

/** How the names and flags of entries are made of what is in their records. */
export interface EntryForms {
  /** The name of a blob of its number. */
  readonly nameOf: (blob: number) => string
  /** The one array of these flags: see `FlagTable`. */
  readonly canonical?: (flags: readonly string[]) => readonly string[]
}

export function fromRecord(uid: number, record: EntryRecord, { nameOf, canonical }: EntryForms): MessageEntry {
  const [blob, sizeOctets, internalDate, savedAt, flags, modSeq, messageId, envelope] = record
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
  }
}

/**
 * What the system says where a write found no room. LMDB gives EIO for a write that the system took in part only, as it
 * does when a disk runs full in the middle of one.
 */
const noSpaceCodes = new Set<unknown>([5, 27, 28, 122, -30792, 'EIO', 'EFBIG', 'ENOSPC', 'EDQUOT'])
const readOnlyCodes = new Set<unknown>([1, 13, 30, 'EPERM', 'EACCES', 'EROFS'])

/** An error of LMDB or of the system as the store's own; any other is returned as it is. */
export function storeError(error: unknown): Error {
  if (error instanceof StoreError) return error
  const { code, message } = error as NodeJS.ErrnoException
  if (noSpaceCodes.has(code)) {
    return new StoreError('no-space', `the store's disk takes no more: ${message}`, { cause: error })
  }
  if (readOnlyCodes.has(code)) {
    return new StoreError('read-only', `the store's folder cannot be written to: ${message}`, { cause: error })
  }
  return error instanceof Error ? error : new Error(String(error))
}
