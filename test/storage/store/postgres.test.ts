import { afterAll, beforeAll, describe } from 'vitest'
import { systemClock } from '../../../src/core/time/clock.ts'
import { openDatabase } from '../../../src/storage/database/database.ts'
import type { Database } from '../../../src/storage/database/database-types.ts'
import { openPostgresStore } from '../../../src/storage/store/engines/postgres/postgres-store.ts'
import { log } from '../../support/log.ts'
import { freshDatabase, needsPostgres } from '../../support/postgres.ts'
import { emptyTables } from '../../support/postgres-tables.ts'
import { S3Server } from '../../support/s3-server.ts'
import { storeContract } from '../contract/store.ts'

describe.runIf(needsPostgres())('with PostgreSQL', () => {
  let database: Database
  let s3: S3Server
  beforeAll(async () => {
    database = await openDatabase({ ...(await freshDatabase()), pool: 4, node: 'test' }, { log })
    s3 = await S3Server.start()
  })
  afterAll(async () => {
    await database[Symbol.asyncDispose]()
    await s3[Symbol.asyncDispose]()
  })

  describe('and a bucket', () => {
    storeContract('PostgresStore', () => ({
      open: (clock) => openPostgresStore(database, { clock, log, bodies: s3.settings }),
      cleanUp: () => emptyTables(database),
    }))
  })

  storeContract(
    'PostgresStore',
    () => ({ open: (clock) => openPostgresStore(database, { clock, log }), cleanUp: () => emptyTables(database) }),
    {
      async openAnother() {
        const another = await openDatabase({ ...(await freshDatabase()), pool: 4, node: 'another' }, { log })
        const store = await openPostgresStore(another, { clock: systemClock, log })
        const close = store[Symbol.asyncDispose].bind(store)
        return Object.assign(store, {
          async [Symbol.asyncDispose]() {
            await close()
            await another.query(`DROP SCHEMA "${another.schema}" CASCADE`)
            await another[Symbol.asyncDispose]()
          },
        })
      },
    },
  )
})
