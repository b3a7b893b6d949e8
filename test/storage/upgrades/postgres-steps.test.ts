import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/core/time/clock.ts'
import { openDatabase } from '../../../src/storage/database/database.ts'
import type { Database, DatabaseSettings } from '../../../src/storage/database/database-types.ts'
import { type Migration, migrations } from '../../../src/storage/database/migrations.ts'
import { openPostgresStore } from '../../../src/storage/store/engines/postgres/postgres-store.ts'
import { accountOwner } from '../../../src/storage/store/folder.ts'
import { log } from '../../support/log.ts'
import { freshDatabase, needsPostgres } from '../../support/postgres.ts'
import { message } from '../contract/store-context.ts'

/** The steps of the program, to which each test adds its own. */
const steps = migrations as Migration[]
const current = steps.length

const alice = accountOwner('alice')
const addKeyword: Migration = { name: 'a keyword', sql: "UPDATE entries SET flags = 'Kept'" }
const failing: Migration = { name: 'a table', sql: 'CREATE TABLE half (id bigint); SELECT 1 / 0' }

describe.runIf(needsPostgres())('the tables in PostgreSQL', () => {
  let settings: DatabaseSettings
  const open = (more: Partial<DatabaseSettings> = {}): Promise<Database> =>
    openDatabase({ ...settings, ...more }, { log })

  /** Returns the version of the tables, and each message of alice as its text and its flags. */
  async function content(): Promise<{ version: unknown; messages: unknown }> {
    await using database = await open()
    const [row] = await database.query<{ version: number }>('SELECT max(version) AS version FROM migrations')
    await using store = await openPostgresStore(database, { clock: systemClock, log })
    const inbox = await store.findFolder(alice, 'INBOX')
    const found = await store.list(inbox?.id ?? '')
    const texts = await Promise.all(found.map(({ uid }) => store.read(inbox?.id ?? '', uid)))
    return {
      version: row?.version,
      messages: found.map(({ flags }, i) => [texts[i]?.toString(), ...flags]),
    }
  }

  beforeEach(async () => {
    settings = { ...(await freshDatabase()), pool: 2, node: 'test' }
    await using database = await open()
    await using store = await openPostgresStore(database, { clock: systemClock, log })
    await store.append([message('one', await store.createFolder(alice, 'INBOX'))])
  })

  afterEach(() => void steps.splice(current))

  test('new ones have the current version', async () => {
    expect(await content()).toEqual({ version: current, messages: [['one']] })
  })

  test('older ones are upgraded by whoever opens them first, once', async () => {
    steps.push(addKeyword, { name: 'a table', sql: 'CREATE TABLE added (id bigint)' })
    await expect(open({ isReader: true })).rejects.toMatchObject({ code: 'older' })
    const nodes = await Promise.all([open(), open(), open({ node: 'other' })])
    for (const node of nodes) await node[Symbol.asyncDispose]()
    expect(await content()).toEqual({ version: current + 2, messages: [['one', 'Kept']] })
  })

  test('newer ones are refused', async () => {
    steps.push(addKeyword)
    await content()
    steps.splice(current)
    for (const isReader of [true, false]) {
      await expect(open({ isReader })).rejects.toMatchObject({
        code: 'newer',
        message: expect.stringMatching(
          / have version \d+, but .* supports only up to version \d+; use a newer Sealpost$/,
        ),
      })
    }
  })

  test('an upgrade that fails changes nothing, and can be repeated', async () => {
    steps.push(addKeyword, failing)
    await expect(open()).rejects.toThrow()
    steps.splice(current)
    expect(await content()).toEqual({ version: current, messages: [['one']] })
    steps.push(addKeyword)
    expect(await content()).toEqual({ version: current + 1, messages: [['one', 'Kept']] })
  })
})
