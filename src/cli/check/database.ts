import { DatabaseError, loadBucket, loadNodeList } from '../../storage/index.ts'
import type { Configuration } from '../shared/configuration.ts'
import { countText } from '../shared/output.ts'
import type { Finding } from './finding.ts'

/**
 * Finds out whether the database of the nodes can be reached, allows the connections of all of them, and removes what it no
 * longer needs of its log.
 */
export async function checkDatabase({ lab: { store, cluster } }: Configuration): Promise<readonly Finding[]> {
  if (typeof store !== 'object' || !('postgres' in store) || !cluster) return []
  const settings = { url: store.postgres, password: store.password, schema: cluster.name }
  const { readNodes, readServerState } = await loadNodeList()
  const warning = (message: string, fix: string): Finding => ({ check: 'database', status: 'warning', message, fix })
  try {
    const { connections, idleSlots, archivingFails } = await readServerState(settings)
    const running = (await readNodes(settings)).filter(({ state }) => state !== 'gone').length
    // A rolling update has one node more, and each has one connection that listens.
    const needed = (Math.max(1, running) + 1) * (store.pool + 1)
    const nodes = `${countText(running, 'running node')} and one more need ${needed} connections`
    const findings: Finding[] = []
    if (needed > connections)
      findings.push(
        warning(
          `it allows ${connections} connections, but ${nodes}`,
          'raise max_connections of PostgreSQL, or lower store.pool',
        ),
      )
    for (const slot of idleSlots)
      findings.push(
        warning(
          `its log grows until the disk is full, because nobody reads the replication slot ${slot}`,
          `start the replica again, or run SELECT pg_drop_replication_slot('${slot}'); set max_slot_wal_keep_size`,
        ),
      )
    if (archivingFails)
      findings.push(
        warning(
          'its log grows until the disk is full, because archive_command fails',
          'read the log of PostgreSQL, and repair archive_command',
        ),
      )
    if (findings.length > 0) return findings
    return [{ check: 'database', status: 'ok', message: `it allows ${connections} connections; ${nodes}` }]
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error
    return [{ check: 'database', status: 'error', message: error.message }]
  }
}

/** Finds out whether the bucket for large messages can be written and read: writes a small object, and removes it. */
export async function checkBucket({ lab: { store } }: Configuration): Promise<readonly Finding[]> {
  const bodies = typeof store === 'object' && 'postgres' in store ? store.bodies : undefined
  if (!bodies) return []
  const { Bucket } = await loadBucket()
  const at = `the bucket ${bodies.bucket} at ${bodies.s3}`
  return new Bucket(bodies).probe().then(
    (): Finding[] => [{ check: 'bucket', status: 'ok', message: `${at} can be written and read` }],
    ({ message }: Error): Finding[] => [
      {
        check: 'bucket',
        status: 'error',
        message: `${at} cannot be used: ${message}`,
        fix: 'check store.bodies, what the access key may do (write, read, list and remove objects), and the network',
      },
    ],
  )
}
