import { createHash } from 'node:crypto'
import type { Logger } from 'pino'
import { version } from '../../core/text/version.ts'
import type { Connection } from './connection.ts'
import { DatabaseError } from './errors.ts'
import { migrations } from './migrations.ts'

/**
 * Brings the tables of a schema to the current version, in one transaction. Nodes that start at the same time wait for each
 * other.
 * @throws DatabaseError `newer` if the tables are of a newer Sealpost
 */
export async function migrate(connection: Connection, schema: string, log: Logger): Promise<void> {
  const current = migrations.length
  if ((await versionOf(connection, schema)) === current) return
  await connection.run('BEGIN; SET LOCAL lock_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0')
  try {
    await connection.ask('SELECT pg_advisory_xact_lock($1::bigint)', [lockOf(schema)])
    const found = await versionOf(connection, schema)
    const before = found ?? 0
    if (before > current) throw newerError(schema, before, current)
    if (found === undefined) {
      await createSchema(connection, schema)
      await connection.run(
        'CREATE TABLE migrations (version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())',
      )
    }
    for (const [index, { name, sql }] of migrations.entries()) {
      if (index < before) continue
      log.info({ schema, version: index + 1, name }, 'changing the tables')
      await connection.run(sql)
      await connection.ask('INSERT INTO migrations (version, name) VALUES ($1, $2)', [index + 1, name])
    }
    await connection.run('COMMIT')
  } catch (error) {
    if (!connection.isLost) await connection.run('ROLLBACK')
    throw error
  }
}

/** Checks that the tables have the current version, without a change. @throws DatabaseError `absent`, `older`, `newer` */
export async function assertCurrent(connection: Connection, schema: string): Promise<void> {
  const found = await versionOf(connection, schema)
  const current = migrations.length
  if (found === undefined) throw new DatabaseError('absent', `the schema ${schema} has no lab yet`)
  if (found > current) throw newerError(schema, found, current)
  if (found < current) {
    throw new DatabaseError(
      'older',
      `the tables in the schema ${schema} have version ${found}; start a node of Sealpost ${version}, which upgrades them to version ${current}`,
    )
  }
}

const newerError = (schema: string, found: number, current: number): DatabaseError =>
  new DatabaseError(
    'newer',
    `the tables in the schema ${schema} have version ${found}, but Sealpost ${version} supports only up to version ${current}; use a newer Sealpost`,
  )

/** Returns the version of the tables; undefined if the schema has no tables. */
async function versionOf(connection: Connection, schema: string): Promise<number | undefined> {
  // A query of the catalog: to_regclass would answer from what this session knew before it waited for the lock.
  const [table] = await connection.ask<{ readonly exists: boolean }>(
    `SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = $1 AND tablename = 'migrations') AS "exists"`,
    [schema],
  )
  if (!table?.exists) return undefined
  const [row] = await connection.ask<{ readonly version: number }>(
    'SELECT coalesce(max(version), 0) AS version FROM migrations',
  )
  return row?.version ?? 0
}

/** Creates the schema unless an administrator has: `IF NOT EXISTS` would need the right to create one. */
async function createSchema(connection: Connection, schema: string): Promise<void> {
  const [found] = await connection.ask<{ readonly exists: boolean }>(
    'SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1) AS "exists"',
    [schema],
  )
  if (!found?.exists) await connection.run(`CREATE SCHEMA "${schema}"`)
}

/** Returns the key of the advisory lock for changes of a schema's tables. */
const lockOf = (schema: string): string =>
  createHash('sha256').update(`sealpost migrations ${schema}`).digest().readBigInt64BE().toString()
