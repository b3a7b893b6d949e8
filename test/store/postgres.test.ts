import { pino } from 'pino'
import { afterAll, beforeAll, describe } from 'vitest'
import { type Database, openDatabase } from '../../src/postgres/database.ts'
import { openPostgresStore } from '../../src/store/postgres/postgres-store.ts'
import { storeContract } from '../contract/store.ts'
import { freshDatabase, needsPostgres } from '../support/postgres.ts'
import { emptyTables } from '../support/postgres-tables.ts'

const log = pino({ level: 'silent' })

describe.runIf(needsPostgres())('with PostgreSQL', () => {
  let database: Database
  beforeAll(async () => {
    database = await openDatabase({ ...(await freshDatabase()), pool: 4, node: 'test' }, { log })
  })
  afterAll(() => database[Symbol.asyncDispose]())

  storeContract('PostgresStore', () => ({
    open: (clock) => openPostgresStore(database, { clock, log }),
    cleanUp: () => emptyTables(database),
  }))
})
