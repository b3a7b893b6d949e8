import { coalesce } from '../../core/async/coalesce.ts'
import { OneAtATime } from '../../core/async/one-at-a-time.ts'
import type { LockedFiles, StoreFiles } from '../../tls/pki/certificate-store/files.ts'
import { PkiError } from '../../tls/pki/errors.ts'
import { databaseRecords } from './certificate-records.ts'
import type { Database, Queries } from './database-types.ts'
import { DatabaseError } from './errors.ts'

/** A file that is read often: the text that was read last, so that only a new one is sent. */
interface KnownText {
  readonly version: number
  readonly text: string | undefined
}

interface FileRow {
  readonly path: string
  readonly text: string | null
  readonly version: number
}

/** The version of a file that does not exist. */
const ABSENT = 0

/** How long a change waits for a change of another node. */
const LOCK_TIMEOUT = '60s'

/**
 * Each write takes the next number of the schema first. Its row stays locked until the commit. So the numbers become visible
 * in their order, and a reader of all files that are newer than a number misses none.
 */
const NEXT_VERSION = 'WITH next AS (UPDATE certificate_versions SET version = version + 1 RETURNING version)'

const statements = {
  read: 'SELECT path, CASE WHEN version = $2 THEN NULL ELSE text END AS text, version FROM certificate_files WHERE path = $1',
  version: 'SELECT version FROM certificate_files WHERE path = $1',
  write: `${NEXT_VERSION}
    INSERT INTO certificate_files (path, text, version) SELECT $1, $2, version FROM next
    ON CONFLICT (path) DO UPDATE SET text = EXCLUDED.text, version = EXCLUDED.version RETURNING version`,
  create: `${NEXT_VERSION}
    INSERT INTO certificate_files (path, text, version) SELECT $1, $2, version FROM next
    ON CONFLICT (path) DO NOTHING RETURNING version`,
  replace: `${NEXT_VERSION}
    UPDATE certificate_files AS file SET text = $2, version = next.version FROM next
    WHERE path = $1 AND text = $3 RETURNING file.version`,
  remove: 'DELETE FROM certificate_files WHERE path = $1',
  list: 'SELECT path FROM certificate_files',
  changes: 'SELECT path, text, version FROM certificate_files WHERE path >= $1 AND path < $2 AND version > $3',
  lock: 'SELECT name FROM certificate_locks FOR UPDATE',
} as const

/**
 * Keeps a store in PostgreSQL, for all nodes of a lab. A change is one transaction that begins with the lock of a row: the
 * database gives the lock up when the connection of its holder ends, and then nothing of the change remains.
 * @param index path of the file that changes with every change of the store
 */
export function databaseFiles(database: Database, index: string): StoreFiles {
  const known = new Map<string, KnownText>([[index, { version: -1, text: undefined }]])
  /** Several changes would each occupy a connection of the pool while they wait for the lock. */
  const changes = new OneAtATime()
  const guarded = <T>(done: string, work: () => Promise<T>): Promise<T> =>
    work().catch((error: unknown) => {
      throw error instanceof DatabaseError ? storeError(error, done) : error
    })
  const query = <Row>(done: string, text: string, values: readonly unknown[] = []): Promise<readonly Row[]> =>
    guarded(done, () => database.query<Row>(text, values))

  const read = async (path: string): Promise<string | undefined> => {
    const before = known.get(path)
    const [row] = await query<FileRow>('read', statements.read, [path, before?.version ?? -1])
    if (before === undefined) return row?.text ?? undefined
    const text = row?.version === before.version ? before.text : (row?.text ?? undefined)
    // A slower reading must not replace a later one.
    if (known.get(path) === before) known.set(path, { version: row?.version ?? ABSENT, text })
    return text
  }

  const exclusively: StoreFiles['exclusively'] = async (change) => {
    const attempt = () =>
      database.transaction(async (transaction) => {
        await transaction.query(`SET LOCAL lock_timeout = '${LOCK_TIMEOUT}'`)
        // A change computes keys and signatures in its transaction.
        await transaction.query(`SET LOCAL idle_in_transaction_session_timeout = '${LOCK_TIMEOUT}'`)
        await transaction.query(statements.lock)
        const written = new Map<string, KnownText>()
        const result = await change(lockedFiles(transaction, written))
        return { result, written }
      })
    const { result, written } = await changes.run(() => guarded('changed', attempt))
    for (const [path, own] of written) {
      if (known.has(path)) known.set(path, own)
      // Others learn of new certificates by the index that names them.
      if (path === index || !written.has(index)) database.notify('certificates', path)
    }
    return result
  }

  return {
    place: 'the database',
    read,
    async write(path, text) {
      await query('changed', statements.write, [path, text])
    },
    async replace(path, before, text) {
      const rows =
        before === undefined
          ? await query('changed', statements.create, [path, text])
          : await query('changed', statements.replace, [path, text, before])
      return rows.length > 0
    },
    async remove(path) {
      await query('changed', statements.remove, [path])
    },
    list: async () => (await query<FileRow>('read', statements.list)).map(({ path }) => path),
    exclusively,
    changesBelow(folder) {
      const readings = new OneAtATime()
      let latest = 0
      return () =>
        readings.run(async () => {
          // `0` follows `/`: everything that begins with the folder and a slash.
          const rows = await query<FileRow>('read', statements.changes, [`${folder}/`, `${folder}0`, latest])
          latest = Math.max(latest, ...rows.map(({ version }) => version))
          return new Map(rows.map(({ path, text }) => [path, text ?? '']))
        })
    },
    watch(changed, path = index) {
      if (!known.has(path)) known.set(path, { version: -1, text: undefined })
      const compare = coalesce(async () => {
        try {
          const [row] = await database.query<FileRow>(statements.version, [path])
          if ((row?.version ?? ABSENT) !== known.get(path)?.version) changed()
        } catch (error) {
          // Without the database there are no changes. The listener is called again when it is back.
          if (!(error instanceof DatabaseError)) throw error
        }
      })
      return database.listen('certificates', (key) => {
        if (key === undefined || key === path) compare()
      })
    },
    records: (kind, limit) => databaseRecords(database, kind, limit, guarded),
    close: async () => {},
  }
}

/** @param written gets the files that are written, with their versions */
function lockedFiles(transaction: Queries, written: Map<string, KnownText>): LockedFiles {
  // After an error, a transaction accepts nothing. It takes back by itself what was written before.
  let isFailed = false
  const query: Queries['query'] = (text, values) =>
    transaction.query<never>(text, values).catch((error: unknown) => {
      isFailed = true
      throw error
    })
  // The lock keeps them as they were read.
  const known = new Map<string, string | undefined>()
  return {
    async read(path) {
      if (!known.has(path)) known.set(path, (await query<FileRow>(statements.read, [path, -1]))[0]?.text ?? undefined)
      return known.get(path)
    },
    async write(path, text) {
      const [row] = await query<FileRow>(statements.write, [path, text])
      written.set(path, { version: row?.version ?? ABSENT, text })
      known.set(path, text)
    },
    async remove(path) {
      if (!isFailed) await query(statements.remove, [path])
      known.delete(path)
    },
    list: async () => (await query<FileRow>(statements.list)).map(({ path }) => path),
    // The transaction can only be committed with the lock.
    held: async () => true,
  }
}

function storeError(error: DatabaseError, done: string): PkiError {
  const why = error.sqlState === '55P03' ? 'another process has been changing them for a minute' : error.message
  return new PkiError('store', `the certificates in the database cannot be ${done}: ${why}`, { cause: error })
}
