import pino from 'pino'
import { expect, it } from 'vitest'
import { openDatabase } from '../../../src/storage/database/database.ts'
import { freshDatabase, needsPostgres, sharedPostgres } from '../../support/postgres.ts'

it.skipIf(!needsPostgres())(
  'a database counts transactions, connections, lost connections and notifications',
  async () => {
    const { url, schema } = await freshDatabase()
    const log = pino({ level: 'silent' })
    const open = (node: string) => openDatabase({ url, pool: 2, schema, node }, { log })
    await using a = await open('a')
    await using b = await open('b')
    const before = a.usage.transactions
    await a.transaction((transaction) => transaction.query('select 1'))
    expect(a.usage).toMatchObject({ transactions: before + 1, waiting: 0, listenGaps: 0 })
    expect(a.usage.connections).toBeGreaterThan(0)
    // Two connections, and three transactions that wait for each other.
    let release = (): void => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const running = [1, 2, 3].map(() => a.transaction(() => held))
    await expect.poll(() => a.usage).toMatchObject({ connections: 2, busy: 2, waiting: 1 })
    release()
    await Promise.all(running)
    expect(a.usage).toMatchObject({ transactions: before + 4, busy: 0, waiting: 0 })

    b.listen('folders', () => {})
    a.notify('folders', 'f1')
    await expect.poll(() => [a.usage.notificationsSent, b.usage.notificationsReceived]).toEqual([1, 1])

    // Every user of the database can notify.
    const keys: (string | undefined)[] = []
    b.listen('owners', (key) => keys.push(key))
    for (const payload of ['null', '{', '5', '{"owners":5}', '{"owners":[{},"o1"]}']) {
      await a.query('select pg_notify($1, $2)', [`sealpost:${schema}`, payload])
    }
    await expect.poll(() => keys).toContain('o1')
    // The periodic reread has no key either.
    expect(keys.filter((key) => key !== undefined)).toEqual(['o1'])

    // The server ends all connections.
    const back = new Promise<void>((resolve) => {
      a.watchState((state) => state === 'connected' && resolve())
    })
    await (await sharedPostgres()).sql(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = 'lab' and pid <> pg_backend_pid()`,
      'postgres',
    )
    await back
    expect(a.usage.listenGaps).toBeGreaterThan(0)
  },
)
