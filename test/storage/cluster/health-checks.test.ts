import { pino } from 'pino'
import { expect, it } from 'vitest'
import { openDatabase } from '../../../src/storage/database/database.ts'
import { withCluster } from '../../support/cluster.ts'
import { needsPostgres } from '../../support/postgres.ts'
import { messageOf } from './support.ts'

const WAIT = { timeout: 60_000 }

it.skipIf(!needsPostgres())('a node reads no messages for health checks and metrics', async () => {
  await withCluster({}, async ({ a, b, url, schema }) => {
    await using database = await openDatabase(
      { url, schema, pool: 2, node: 'test' },
      { log: pino({ level: 'silent' }) },
    )
    /** Runs `work` while nobody else can read a table. */
    const locking = <T>(table: string, work: () => Promise<T>): Promise<T> =>
      database.transaction(
        async (transaction) => {
          await transaction.query(`lock table ${table}`)
          return work()
        },
        { isLong: true },
      )
    const readers = async (table: string): Promise<number> => {
      const text = 'select count(*) as waiting from pg_locks where relation = $1::regclass and not granted'
      const [row] = await database.query<{ waiting: number }>(text, [table])
      return row?.waiting ?? 0
    }
    const metrics = async (): Promise<string> => (await a.http.request('/metrics')).body
    const received = (text: string): number =>
      Number(/^sealpost_database_notifications_total\{direction="in"\} (\d+)$/m.exec(text)?.[1])

    await b.deliver(messageOf('First'))
    await locking('entries', async () => {
      for (const path of ['/livez', '/readyz', '/mailpit/readyz']) {
        expect((await a.http.request(path)).status).toBe(200)
      }
      expect(await metrics()).toMatch(/^sealpost_store_messages\{kind="mail"\} 1$/m)
      expect(await readers('entries')).toBe(0)
    })
    // Nor does it read what another node has stored, as one does that follows the messages.
    await locking('value_changes', async () => {
      const before = received(await metrics())
      await b.deliver(messageOf('Second'))
      await expect.poll(async () => received(await metrics()), WAIT).toBeGreaterThan(before)
      expect(await metrics()).toMatch(/^sealpost_store_messages\{kind="mail"\} 2$/m)
      expect(await readers('value_changes')).toBe(0)
    })

    const answer = await locking('entries', async () => {
      const asked = a.http.request('messages')
      await expect.poll(() => readers('entries'), WAIT).toBeGreaterThan(0)
      return { asked }
    })
    const { body } = await answer.asked
    expect(body.items.map(({ subject }: { subject: string }) => subject)).toEqual(['Second', 'First'])
    await locking('value_changes', async () => {
      await b.deliver(messageOf('Third'))
      await expect.poll(() => readers('value_changes'), WAIT).toBeGreaterThan(0)
    })
  })
})
