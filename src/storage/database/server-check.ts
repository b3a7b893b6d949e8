import type { Connection, ConnectionSettings } from './connection.ts'
import { DatabaseError } from './errors.ts'
import { serverOf } from './hosts.ts'

/** The oldest version of PostgreSQL that has every function that is used. */
const OLDEST_SERVER = 13

/**
 * Checks that a server can be used.
 * @param channelProcess the process of the server that serves the connection of notifications
 * @throws DatabaseError `refused` for an old server, another encoding, and a pooler that changes the connection with each transaction
 */
export async function assertUsable(
  connection: Connection,
  channelProcess: number | undefined,
  { url }: ConnectionSettings,
): Promise<void> {
  await connection.run('BEGIN')
  const [row] = await connection.ask<{ readonly pid: number; readonly version: string; readonly encoding: string }>(
    `SELECT pg_backend_pid() AS pid, current_setting('server_version_num') AS version,
       current_setting('server_encoding') AS encoding`,
  )
  await connection.run('COMMIT')
  if (row?.pid === channelProcess) {
    throw new DatabaseError(
      'refused',
      `PostgreSQL at ${serverOf(url)} is behind a connection pooler in transaction mode, through which notifications are lost; use the address of the server itself, or a pooler in session mode`,
    )
  }
  const version = Math.floor(Number(row?.version) / 10_000)
  if (version < OLDEST_SERVER) {
    throw new DatabaseError(
      'refused',
      `PostgreSQL at ${serverOf(url)} has version ${version}; version ${OLDEST_SERVER} or later is needed`,
    )
  }
  if (row?.encoding !== 'UTF8') {
    throw new DatabaseError(
      'refused',
      `the database at ${serverOf(url)} has the encoding ${row?.encoding}; create one with: createdb --encoding UTF8 --template template0`,
    )
  }
}
