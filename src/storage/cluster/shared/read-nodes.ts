import { Connection } from '../../database/connection.ts'
import type { NodeInfo, Role } from '../types.ts'
import { listNodes } from './membership.ts'

const PREFIX = 'role:'

/**
 * Reads the nodes of a lab from its database, without joining them and without a change of its tables. Returns none if no
 * node has ever run.
 * @throws DatabaseError
 */
export async function readNodes(settings: {
  readonly url: string
  readonly password?: string | undefined
  readonly schema: string
}): Promise<readonly NodeInfo[]> {
  const connection = await Connection.open({ ...settings, node: 'status' }, () => {})
  try {
    const [found] = await connection.query<{ readonly exists: boolean }>(
      `SELECT to_regclass($1 || '.nodes') IS NOT NULL AND to_regclass($1 || '.leases') IS NOT NULL AS "exists"`,
      [`"${settings.schema}"`],
    )
    if (!found?.exists) return []
    const held = await connection.query<{ readonly role: Role; readonly node: string }>(
      `SELECT substr(key, length($1) + 1) AS role, node FROM leases
        WHERE starts_with(key, $1) AND expires_at > clock_timestamp()`,
      [PREFIX],
    )
    return await listNodes(connection, new Map(held.map(({ role, node }) => [role, node])))
  } finally {
    await connection.end()
  }
}

/** The state of a database server, as a user without special rights can read it. */
interface ServerState {
  /** How many connections it allows to the user of a lab. */
  readonly connections: number
  /** Replication slots that nobody reads and that keep the log (WAL) without a limit. */
  readonly idleSlots: readonly string[]
  /** Whether the last attempt to archive a file of the log failed, so that the server keeps it. */
  readonly archivingFails: boolean
}

/** Reads the state of the server of a database. @throws DatabaseError */
export async function readServerState(settings: Parameters<typeof readNodes>[0]): Promise<ServerState> {
  const connection = await Connection.open({ ...settings, node: 'status' }, () => {})
  try {
    const [row] = await connection.query<ServerState>(
      `SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS connections,
         ARRAY(SELECT slot_name::text FROM pg_replication_slots
                WHERE NOT active AND restart_lsn IS NOT NULL AND current_setting('max_slot_wal_keep_size') = '-1'
                ORDER BY 1) AS "idleSlots",
         (SELECT coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false)
            FROM pg_stat_archiver) AS "archivingFails"`,
    )
    if (!row) throw new Error('a SELECT without FROM returned no row')
    return row
  } finally {
    await connection.end()
  }
}
