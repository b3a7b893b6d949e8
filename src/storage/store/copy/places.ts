import { existsSync, readdirSync, renameSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { systemClock } from '../../../core/time/clock.ts'
import { type BucketSettings, type Database, loadDatabase, type Queries, serverOf } from '../../index.ts'
import { StoreError } from '../errors.ts'
import { openStore, type StoreSetting } from '../open.ts'
import type { MessageStore } from '../types.ts'
import type { CopyTarget } from './copy-store.ts'
import { DumpFile } from './dump-file.ts'
import type { CopyableStore, StoreItems } from './types.ts'

/** Where a whole store is read from or written to. */
export interface CopyPlace {
  /** Its name, without a password. */
  readonly label: string
  /** Passes everything to `work`. @throws StoreError `not-found`, `in-use` if a lab uses it */
  read<T>(work: (items: StoreItems) => Promise<T>): Promise<T>
  /**
   * Lets `work` write to a place beside this one, which becomes this one when `work` has resolved. So nobody sees a part of a
   * copy. What an interrupted copy has left is removed.
   * @throws StoreError `exists` if this place is not empty
   */
  write<T>(work: (target: CopyTarget) => Promise<T>): Promise<T>
}

const log = pino({ level: 'silent' })
const partialPath = (path: string): string => `${path}.partial`

/** A file that `DumpFile` writes. */
export const filePlace = (path: string): CopyPlace => ({
  label: path,
  async read(work) {
    if (!existsSync(path)) throw new StoreError('not-found', `${path} does not exist`)
    return work(new DumpFile(path).dump())
  },
  async write(work) {
    if (existsSync(path))
      throw new StoreError('exists', `${path} exists already; choose another name, or delete it first`)
    rmSync(partialPath(path), { force: true })
    try {
      const result = await work(new DumpFile(partialPath(path)))
      renameSync(partialPath(path), path)
      return result
    } catch (error) {
      rmSync(partialPath(path), { force: true })
      throw error
    }
  },
})

/** The folder of an LMDB store. */
export const lmdbPlace = (folder: string): CopyPlace => ({
  label: folder,
  async read(work) {
    if (!existsSync(join(folder, 'messages.mdb')))
      throw new StoreError('not-found', `${folder} contains no store; check the path`)
    await using store = await openCopyable({ lmdb: folder })
    return await work(store.dump())
  },
  async write(work) {
    if (existsSync(folder) && readdirSync(folder).length > 0)
      throw new StoreError('exists', `${folder} is not empty; choose an empty or new folder`)
    rmSync(partialPath(folder), { recursive: true, force: true })
    try {
      const result = await withStore({ lmdb: partialPath(folder) }, work)
      if (existsSync(folder)) rmdirSync(folder)
      renameSync(partialPath(folder), folder)
      return result
    } catch (error) {
      rmSync(partialPath(folder), { recursive: true, force: true })
      throw error
    }
  },
})

interface PostgresPlace {
  readonly url: string
  readonly password?: string | undefined
  readonly schema: string
  /** The bucket for the octets of large messages. */
  readonly bodies?: BucketSettings | undefined
}

/** A schema of a PostgreSQL database. */
export function postgresPlace({ url, password, schema, bodies }: PostgresPlace): CopyPlace {
  const label = `postgres://${serverOf(url)}#${schema}`
  const setting = { postgres: url, bodies }
  const open = async (name: string, isReader = false): Promise<Database> => {
    const { openDatabase } = await loadDatabase()
    return openDatabase({ url, password, pool: 4, schema: name, node: `copy-${process.pid}`, isReader }, { log })
  }
  const beside = `${schema}_partial`
  const assertFree = async (queries: Queries): Promise<void> => {
    const [node] = await queries.query<{ readonly name: string }>(
      `SELECT name FROM ${quoteIdentifier(schema)}.nodes WHERE state <> 'gone' AND seen_at > clock_timestamp() - interval '10 seconds'`,
    )
    if (node) throw new StoreError('in-use', `${label} is used by the running node ${node.name}; stop it first`)
    const table = await filledTable(queries, schema)
    if (table !== undefined)
      throw new StoreError(
        'exists',
        `${label} is not empty: the table ${table} has rows; copy to another name (#NAME), or drop the schema ${schema}`,
      )
  }
  return {
    label,
    async read(work) {
      await using database = await open(schema, true)
      await using store = await openCopyable(setting, database)
      return await work(store.dump())
    },
    async write(work) {
      {
        await using database = await open(schema)
        await assertFree(database)
        await database.query(`DROP SCHEMA IF EXISTS ${quoteIdentifier(beside)} CASCADE`)
      }
      try {
        await using database = await open(beside)
        const result = await withStore(setting, work, database)
        await database.transaction(async (transaction) => {
          // A lab may have been started meanwhile. From here on it can store nothing.
          for (const table of LOCKED) await transaction.query(`LOCK TABLE ${quoteIdentifier(schema)}.${table}`)
          await assertFree(transaction)
          await transaction.query(`DROP SCHEMA ${quoteIdentifier(schema)} CASCADE`)
          await transaction.query(`ALTER SCHEMA ${quoteIdentifier(beside)} RENAME TO ${quoteIdentifier(schema)}`)
        })
        return result
      } catch (error) {
        await using database = await open(schema)
        await database.query(`DROP SCHEMA IF EXISTS ${quoteIdentifier(beside)} CASCADE`)
        throw error
      }
    },
  }
}

/** Tables whose rows are not what a lab has stored. */
const BOOKKEEPING = [
  ...['migrations', 'lab', 'nodes', 'leases', 'requests', 'answers', 'shared_spaces', 'commits'],
  ...['certificate_versions', 'certificate_locks', 'object_space'],
]
/** Rows that a table has even if the lab has stored nothing. */
const OWN_ROWS: Readonly<Record<string, string>> = { folders: 'id < 0' }

/** The tables that every node writes to before it stores anything: its own row, then folders, shared values or certificates. */
const LOCKED = ['nodes', 'shared_spaces', 'lab', 'folders', 'certificate_versions']

/** Returns the first table with rows in a schema. */
async function filledTable(queries: Queries, schema: string): Promise<string | undefined> {
  const tables = await queries.query<{ readonly name: string }>(
    'SELECT tablename AS name FROM pg_tables WHERE schemaname = $1 ORDER BY 1',
    [schema],
  )
  for (const { name } of tables) {
    if (BOOKKEEPING.includes(name)) continue
    const [row] = await queries.query<{ readonly filled: boolean }>(
      `SELECT EXISTS (SELECT FROM ${quoteIdentifier(schema)}.${quoteIdentifier(name)} WHERE NOT coalesce(${OWN_ROWS[name] ?? 'false'}, false)) AS filled`,
    )
    if (row?.filled) return name
  }
  return undefined
}

const quoteIdentifier = (name: string): string => `"${name.replaceAll('"', '""')}"`

async function withStore<T>(
  setting: StoreSetting,
  work: (target: CopyTarget) => Promise<T>,
  database?: Database,
): Promise<T> {
  await using store = await openCopyable(setting, database)
  return await work(store)
}

async function openCopyable(setting: StoreSetting, database?: Database): Promise<CopyableStore> {
  const store = await openStore(setting, { clock: systemClock, log, database })
  if (isCopyable(store)) return store
  await store[Symbol.asyncDispose]()
  throw new StoreError('failed', 'stores of this kind cannot be copied yet')
}

/** Returns whether a store can be copied. */
export const isCopyable = (store: MessageStore): store is CopyableStore => 'dump' in store && 'restore' in store
