/**
 * The door of PostgreSQL and the nodes that share it: the rest of the code imports this file only. The types and errors cost
 * nothing; everything else loads when a lab has a database.
 */
export type { Database, DatabaseSettings, Queries } from './database/database-types.ts'
export { DatabaseError } from './database/errors.ts'
export { serverOf } from './database/hosts.ts'
export type { BucketSettings } from './store/engines/postgres/bucket.ts'

/** Loads the connection to a database. */
export const loadDatabase = (): Promise<typeof import('./database/database.ts')> => import('./database/database.ts')

/** Loads the message store. */
export const loadPostgresStore = (): Promise<typeof import('./store/engines/postgres/postgres-store.ts')> =>
  import('./store/engines/postgres/postgres-store.ts')

/** Loads the client of the bucket for large messages. */
export const loadBucket = (): Promise<typeof import('./store/engines/postgres/bucket.ts')> =>
  import('./store/engines/postgres/bucket.ts')

/** Loads the small values that all nodes share. */
export const loadSharedValues = (): Promise<typeof import('./database/shared-values.ts')> =>
  import('./database/shared-values.ts')

/** Loads the membership of a node among others. */
export const loadSharedCluster = (): Promise<typeof import('./cluster/shared/shared-cluster.ts')> =>
  import('./cluster/shared/shared-cluster.ts')

/** Loads the list of the nodes for a command. */
export const loadNodeList = (): Promise<typeof import('./cluster/shared/read-nodes.ts')> =>
  import('./cluster/shared/read-nodes.ts')
