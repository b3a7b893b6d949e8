import { createHash, randomBytes } from 'node:crypto'
import type { Database, RootDatabase, RootDatabaseOptionsWithPath } from 'lmdb'
import { StoreError } from '../errors.ts'
import type { DeliveryEnvelope, Folder, MessageEntry } from '../types.ts'

/** The version of what is written below; a folder with another one is not opened. */
const FORMAT = 1

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
]

/** Everything the store has on disk, a table each. Blobs are numbered; a message id is kept by its key (`textKey`). */
export interface Tables {
  readonly env: RootDatabase
  readonly readOnly: boolean
  /** `format`, `tag`, `lastFolder`, `lastUidValidity`, `lastBlob`. */
  readonly meta: Database<number | string, string>
  readonly folders: Database<Folder, string>
  readonly numbers: Database<NumbersRecord, string>
  readonly entries: Database<EntryRecord, [folderId: string, uid: number]>
  /** What vanished with a change: its modSeq and the uids. */
  readonly vanished: Database<readonly number[], [folderId: string, modSeq: number]>
  /** Octets of a blob in pieces of `PIECE_OCTETS`. */
  readonly bodies: Database<Buffer, [blob: number, piece: number]>
  /** How many entries hold a blob, where it is more than one. */
  readonly holders: Database<number, number>
  /** Blobs that no entry holds any more, but someone was reading: how many octets. Gone with the next start. */
  readonly doomed: Database<number, number>
  /** Where the public folders hold a message id. */
  readonly places: Database<true, [messageId: string, folderId: string, uid: number]>
  /** Every message id the public folders ever had. */
  readonly history: Database<true, string>
  readonly subscriptions: Database<string, [owner: string, name: string]>
  readonly state: Database<string, string>
  /** The next number of folders that were deleted. */
  readonly retired: Database<number, [owner: string, name: string]>
}

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
  const options = { path: file, noSubdir: true, maxDbs: 16, overlappingSync: !readOnly, readOnly } as const
  const env = open(options satisfies RootDatabaseOptionsWithPath)
  try {
    return { env, readOnly, ...openEach(env) }
  } catch (error) {
    await env.close()
    throw error
  }
}

function openEach(env: RootDatabase): Omit<Tables, 'env' | 'readOnly'> {
  const meta = env.openDB<number | string, string>({ name: 'meta' })
  // A read-only environment gives nothing for a table that was never made.
  const format = meta?.get('format')
  if (format !== undefined && format !== FORMAT) {
    throw new StoreError('read-only', `the store was written in format ${format}; this version knows format ${FORMAT}`)
  }
  const tables = {
    meta,
    folders: env.openDB<Folder, string>({ name: 'folders' }),
    numbers: env.openDB<NumbersRecord, string>({ name: 'numbers' }),
    entries: env.openDB<EntryRecord, [string, number]>({ name: 'entries' }),
    vanished: env.openDB<readonly number[], [string, number]>({ name: 'vanished' }),
    bodies: env.openDB<Buffer, [number, number]>({ name: 'bodies', encoding: 'binary' }),
    holders: env.openDB<number, number>({ name: 'holders' }),
    doomed: env.openDB<number, number>({ name: 'doomed' }),
    places: env.openDB<true, [string, string, number]>({ name: 'places' }),
    history: env.openDB<true, string>({ name: 'history' }),
    subscriptions: env.openDB<string, [string, string]>({ name: 'subscriptions' }),
    state: env.openDB<string, string>({ name: 'state' }),
    retired: env.openDB<number, [string, string]>({ name: 'retired' }),
  }
  if (format === undefined) {
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

/** `blobName` makes the name of a blob of its number. */
export function fromRecord(uid: number, record: EntryRecord, blobName: (blob: number) => string): MessageEntry {
  const [blob, sizeOctets, internalDate, savedAt, flags, modSeq, messageId, envelope] = record
  return {
    uid,
    blob: blobName(blob),
    sizeOctets,
    internalDate,
    savedAt,
    flags,
    modSeq,
    ...(messageId !== null && { messageId }),
    ...(envelope && { envelope }),
  }
}
