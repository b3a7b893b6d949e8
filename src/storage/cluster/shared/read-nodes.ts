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

/** Returns how many connections the server allows to the user of a lab. @throws DatabaseError */
export async function readMaxConnections(settings: Parameters<typeof readNodes>[0]): Promise<number> {
  const connection = await Connection.open({ ...settings, node: 'status' }, () => {})
  try {
    const [row] = await connection.query<{ readonly most: number }>(
      `SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS most`,
    )
    return row?.most ?? 0
  } finally {
    await connection.end()
  }
}
