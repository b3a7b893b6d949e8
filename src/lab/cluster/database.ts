import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import type { Logger } from 'pino'
import { isShared, type ResolvedLab } from '../../core/config/resolve.ts'
import { OwnCluster } from '../../storage/cluster/own-cluster.ts'
import type { Cluster } from '../../storage/cluster/types.ts'
import { type Database, type DatabaseSettings, loadDatabase, loadSharedCluster } from '../../storage/index.ts'

/**
 * Connects to the database that the nodes of a lab share. Undefined if the lab has none.
 * @param options.isReader see `DatabaseSettings`
 * @throws DatabaseError
 */
export async function openLabDatabase(
  { store, cluster }: ResolvedLab,
  log: Logger,
  { isReader }: Pick<DatabaseSettings, 'isReader'> = {},
): Promise<Database | undefined> {
  if (!isShared(store) || !cluster) return undefined
  const { openDatabase } = await loadDatabase()
  const { postgres: url, password, pool } = store
  const node = cluster.node === 'auto' ? automaticName() : cluster.node
  return openDatabase({ url, password, pool, schema: cluster.name, node, isReader }, { log })
}

/** Joins the other nodes of a database. Without one, the lab is its only node. @throws NodeNameTaken, DatabaseError */
export async function joinCluster(database: Database | undefined, log: Logger): Promise<Cluster> {
  if (!database) return new OwnCluster(log)
  const { SharedCluster } = await loadSharedCluster()
  return SharedCluster.join(database, log)
}

/** Returns a name that no other process has: containers may have the same host name and process id. */
const automaticName = (): string => `${hostname().slice(0, 40)}-${randomBytes(3).toString('hex')}`
