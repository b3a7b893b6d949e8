import { DatabaseError, loadNodeList } from '../../storage/index.ts'
import type { Configuration } from '../shared/configuration.ts'
import { counted } from '../shared/output.ts'
import type { Finding } from './finding.ts'

/** Finds out whether the database of the nodes can be reached, and allows the connections of all of them. */
export async function checkDatabase({ lab: { store, cluster } }: Configuration): Promise<readonly Finding[]> {
  if (typeof store !== 'object' || !('postgres' in store) || !cluster) return []
  const settings = { url: store.postgres, password: store.password, schema: cluster.name }
  const { readNodes, readMaxConnections } = await loadNodeList()
  try {
    const most = await readMaxConnections(settings)
    const running = (await readNodes(settings)).filter(({ state }) => state !== 'gone').length
    // A rolling update has one node more, and each has one connection that listens.
    const needed = (Math.max(1, running) + 1) * (store.pool + 1)
    const nodes = `${counted(running, 'running node')} and one more need ${needed} connections`
    if (needed <= most) return [{ check: 'database', status: 'ok', message: `it allows ${most} connections; ${nodes}` }]
    return [
      {
        check: 'database',
        status: 'warning',
        message: `it allows ${most} connections, but ${nodes}`,
        fix: 'raise max_connections of PostgreSQL, or lower store.pool',
      },
    ]
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error
    return [{ check: 'database', status: 'error', message: error.message }]
  }
}
