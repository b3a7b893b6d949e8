import { hostname } from 'node:os'
import type { Logger } from 'pino'
import { isShared, type ResolvedLab } from '../config/resolve.ts'
import type { Database } from '../postgres/database.ts'

/** Connects to the database that the nodes of a lab share. Undefined if the lab has none. @throws DatabaseError */
export async function openLabDatabase({ store, cluster }: ResolvedLab, log: Logger): Promise<Database | undefined> {
  if (!isShared(store) || !cluster) return undefined
  const { openDatabase } = await import('../postgres/database.ts')
  const { postgres: url, password, pool } = store
  const node = cluster.node === 'auto' ? automaticName() : cluster.node
  return openDatabase({ url, password, pool, schema: cluster.name, node }, { log })
}

/** Returns a name that no other process has at the same time. */
const automaticName = (): string => `${hostname()}-${process.pid}`
