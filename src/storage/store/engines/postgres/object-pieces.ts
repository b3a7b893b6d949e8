import { randomUUID } from 'node:crypto'
import { sha256Hex } from '../../../../core/network/signature-v4.ts'
import type { MemoryBudget } from '../../../../core/octets/memory-budget.ts'
import type { Database, Queries, Transaction } from '../../../database/database-types.ts'
import { StoreError } from '../../errors.ts'
import { BodyCache } from './body-cache.ts'
import { type Bucket, BucketError } from './bucket.ts'
import { PIECE_OCTETS } from './records.ts'

/** Octets of an object, except the first and the last one of a message: a number of pieces. */
export const OBJECT_OCTETS = 16 * PIECE_OCTETS
/** Octets that a stream passes on together. */
const YIELDED_OCTETS = 4 * PIECE_OCTETS
/** Objects that are removed at the same time. */
const REMOVALS = 8

/** An object with octets of a message. */
export interface ObjectRow {
  /** The last piece in it. The first one follows that of the object before, or of the table `pieces`. */
  readonly piece: number
  readonly octets: number
  readonly name: string
  readonly sha256: string
}

/** Returns where an object begins in its message, without a prefix. */
export const startOf = ({ piece, octets }: ObjectRow): number =>
  (piece + 1 - Math.ceil(octets / PIECE_OCTETS)) * PIECE_OCTETS

const OF_BLOB = 'select piece, octets, name, sha256 from objects where blob = $1 order by piece'

/** One node removes objects each hour. An object without a row may be new, and its row not committed yet. */
const SWEEP_AGE_MS = 3_600_000
const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/
/** The service may be slow. */
const LONG = { isLong: true }
const CLAIM_SWEEP = `
  update object_space set swept_at = now() where swept_at < now() - interval '1 hour' returning id`

/** The lock by which a copy of the store keeps its objects. */
const LOCK = `hashtextextended(current_schema() || '/objects', 0)`

/** Keeps all objects until the transaction ends. */
export const keepObjects = (transaction: Transaction): Promise<unknown> =>
  transaction.query(`select pg_advisory_xact_lock_shared(${LOCK})`)

/** The pieces of large messages that are objects in a bucket. Their names are random, so none is ever written again. */
export class ObjectPieces {
  readonly bucket: Bucket
  readonly #database: Database
  readonly #prefix: string
  readonly #memory: MemoryBudget
  readonly #cache: BodyCache
  #ownPrefix: Promise<string> | undefined

  /** @param memory counts the objects that are read or written */
  constructor(database: Database, bucket: Bucket, prefix: string, memory: MemoryBudget) {
    this.bucket = bucket
    this.#database = database
    this.#prefix = prefix
    this.#memory = memory
    this.#cache = new BodyCache(memory, OBJECT_OCTETS)
  }

  /** Writes octets to an object. No row has it yet. @throws StoreError */
  async put(octets: Buffer, lastPiece: number): Promise<ObjectRow> {
    const name = `${await this.#start()}${randomUUID()}`
    await this.#holding(octets.length, () => this.bucket.put(name, octets)).catch((error: unknown) => {
      throw bucketStoreError(error, 'the octets of the message cannot be written to the object storage')
    })
    return { piece: lastPiece, octets: octets.length, name, sha256: sha256Hex(octets) }
  }

  /** Returns the objects of a message. @throws DatabaseError */
  of(database: Queries, blob: number): Promise<readonly ObjectRow[]> {
    return database.query<ObjectRow>(OF_BLOB, [blob])
  }

  /** Yields octets of a message. Reads the next object while the caller uses one. @throws StoreError */
  async *stream(rows: readonly ObjectRow[], from: number, to: number): AsyncGenerator<Buffer, void, void> {
    const wanted = rows.filter((row) => startOf(row) < to && startOf(row) + row.octets > from)
    let next = this.#read(wanted[0])
    for (const [i, row] of wanted.entries()) {
      const octets = (await next) as Buffer
      next = this.#read(wanted[i + 1])
      // The caller may have stopped before it is needed.
      next.catch(() => {})
      const start = startOf(row)
      const part = octets.subarray(Math.max(0, from - start), to - start)
      for (let at = 0; at < part.length; at += YIELDED_OCTETS) yield part.subarray(at, at + YIELDED_OCTETS)
    }
  }

  /** Removes objects that no message has, if no node has done so in the last hour. @throws DatabaseError, BucketError */
  async sweep(): Promise<void> {
    const [claimed] = await this.#database.query(CLAIM_SWEEP)
    if (!claimed) return
    const prefix = await this.#start()
    for (let after = ''; ; ) {
      const listed = await this.bucket.list(prefix, after)
      const last = listed.at(-1)
      if (!last) return
      const isOwn = (name: string): boolean => name.startsWith(prefix) && UUID.test(name.slice(prefix.length))
      const old = listed.filter(({ name, ageMs }) => isOwn(name) && ageMs > SWEEP_AGE_MS).map(({ name }) => name)
      if (old.length > 0) await this.#database.transaction((transaction) => this.#removeUnused(transaction, old), LONG)
      after = last.name
    }
  }

  /** Returns how the names of this store's objects begin: stores that share a bucket do not remove each other's objects. */
  #start(): Promise<string> {
    this.#ownPrefix ??= this.#database
      .query<{ id: string }>('select id from object_space')
      .then(([space]) => `${this.#prefix}${space?.id ?? ''}/`)
    this.#ownPrefix.catch(() => {
      this.#ownPrefix = undefined
    })
    return this.#ownPrefix
  }

  async #removeUnused(transaction: Transaction, names: readonly string[]): Promise<void> {
    const [lock] = await transaction.query<{ free: boolean }>(`select pg_try_advisory_xact_lock(${LOCK}) as free`)
    if (!lock?.free) return
    const rows = await transaction.query<{ name: string }>('select name from objects where name = any($1)', [names])
    const used = new Set(rows.map(({ name }) => name))
    const unused = names.filter((name) => !used.has(name))
    for (let at = 0; at < unused.length; at += REMOVALS) {
      await Promise.all(unused.slice(at, at + REMOVALS).map((name) => this.bucket.remove(name)))
    }
  }

  async #read(row: ObjectRow | undefined): Promise<Buffer | undefined> {
    const kept = row && this.#cache.get(row.name)
    if (!row || kept) return kept
    const octets = await this.#holding(row.octets, () => this.bucket.get(row.name, row)).catch((error: unknown) => {
      throw bucketStoreError(
        error,
        `the octets of the message cannot be read from the object storage, object ${row.name}`,
      )
    })
    this.#cache.put(row.name, octets)
    return octets
  }

  async #holding<T>(octets: number, work: () => Promise<T>): Promise<T> {
    this.#memory.hold('messages', octets)
    try {
      return await work()
    } finally {
      this.#memory.give('messages', octets)
    }
  }
}

/** Returns a bucket's error as one of the store. */
function bucketStoreError(error: unknown, what: string): Error {
  if (!(error instanceof BucketError)) return error as Error
  return new StoreError('failed', `${what} (${error.message}); try again later`, { cause: error })
}
