import pino from 'pino'
import type { Clock } from '../../src/core/time/clock.ts'
import type { StoreLimits } from '../../src/storage/store/engines/full/limits.ts'
import { MemoryStore } from '../../src/storage/store/engines/memory/memory-store.ts'
import type { MessageStore } from '../../src/storage/store/types.ts'
import { freshDatabase } from './postgres.ts'

/** Whether labs of tests store messages in PostgreSQL: `npm run test:postgres` sets the variable. */
const inPostgres = process.env.SEALPOST_TEST_STORE === 'postgres'

/** A store of a test, which the test disposes of. */
export async function openTestStore(clock: Clock, limits?: StoreLimits): Promise<MessageStore> {
  if (!inPostgres) return new MemoryStore({ clock, limits })
  const { openDatabase } = await import('../../src/storage/database/database.ts')
  const { openPostgresStore } = await import('../../src/storage/store/engines/postgres/postgres-store.ts')
  const log = pino({ level: 'silent' })
  const database = await openDatabase({ ...(await freshDatabase()), pool: 4, node: 'test' }, { log })
  const store = await openPostgresStore(database, { clock, log, limits })
  const close = store[Symbol.asyncDispose].bind(store)
  return Object.assign(store, {
    async [Symbol.asyncDispose]() {
      await close()
      await database[Symbol.asyncDispose]()
    },
  })
}
