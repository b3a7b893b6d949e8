import type { MemoryBudget } from '../../src/core/octets/memory-budget.ts'
import { openDatabase } from '../../src/storage/database/database.ts'
import type { Database } from '../../src/storage/database/database-types.ts'
import type { BucketSettings } from '../../src/storage/index.ts'
import type { StoreLimits } from '../../src/storage/store/engines/full/limits.ts'
import type { BucketLimits } from '../../src/storage/store/engines/postgres/bucket.ts'
import { openPostgresStore, type PostgresStore } from '../../src/storage/store/engines/postgres/postgres-store.ts'
import type { StoreEvent, WatchedFolders } from '../../src/storage/store/store-events.ts'
import { log } from './log.ts'
import { TestClock } from './test-clock.ts'

const clock = new TestClock()

/** A node of a store in PostgreSQL, in this process. */
export interface StoreNode extends AsyncDisposable {
  readonly store: PostgresStore
  readonly database: Database
  /** The events that it has emitted. */
  readonly events: StoreEvent[]
}

interface NodeOptions {
  readonly limits?: StoreLimits
  readonly memory?: MemoryBudget
  readonly bodies?: BucketSettings
  readonly bucketLimits?: BucketLimits
  /** The folders whose events `events` has. Default: all. */
  readonly watched?: WatchedFolders
}

/** Opens a node. @param place where all nodes of the store are */
export async function openNode(
  place: { readonly url: string; readonly schema: string },
  node: string,
  { watched, ...options }: NodeOptions = {},
): Promise<StoreNode> {
  const database = await openDatabase({ ...place, pool: 4, node }, { log })
  const store = await openPostgresStore(database, { clock, log, ...options })
  const events: StoreEvent[] = []
  store.watch((event) => events.push(event), watched)
  return {
    store,
    database,
    events,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]()
      await database[Symbol.asyncDispose]()
    },
  }
}

/** Waits until a condition holds. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await condition()); tries++) {
    if (tries > 3_000) throw new Error('the condition did not become true')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
