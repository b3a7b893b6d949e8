import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { openDatabase } from '../../../src/storage/database/database.ts'
import { isLong } from '../../support/long.ts'
import { freshSchema, needsPostgres, Postgres } from '../../support/postgres.ts'

const log = pino({ level: 'silent' })

describe.skipIf(!needsPostgres() || !isLong)('a database URL with several hosts', () => {
  it('leads to the one that accepts changes, also after a failover', async () => {
    await using primary = await Postgres.start()
    await using replica = await primary.replica()
    const hosts = [replica, primary].map(({ port }) => `127.0.0.1:${port}`).join(',')
    const settings = { url: `postgres://lab@${hosts}/lab`, pool: 3, schema: freshSchema() }
    await using one = await openDatabase({ ...settings, node: 'one' }, { log })
    await using two = await openDatabase({ ...settings, node: 'two' }, { log })
    const add = (word: string): Promise<unknown> =>
      one.transaction((transaction) => transaction.query('INSERT INTO words VALUES ($1)', [word]))
    await one.query('CREATE TABLE words (word text)')
    await add('before')
    await primary.stop('immediate')
    await expect(add('between')).rejects.toMatchObject({ isTemporary: true })
    await replica.promote()
    await expect.poll(() => one.state).toBe('connected')
    await expect.poll(() => two.state).toBe('connected')
    await add('after')
    expect(await two.query('SELECT word FROM words ORDER BY word')).toEqual([{ word: 'after' }, { word: 'before' }])
    const woken = new Promise<string | undefined>((resolve) => {
      two.listen('folders' as never, (key) => key !== undefined && resolve(key))
    })
    one.notify('folders' as never, 'seven')
    expect(await woken).toBe('seven')
  })

  it('says why each of them cannot be used', async () => {
    await using primary = await Postgres.start()
    await using replica = await primary.replica({ synchronous: false })
    await primary.stop()
    const url = `postgres://lab:hidden@127.0.0.1:${primary.port},127.0.0.1:${replica.port}/lab`
    const opened = openDatabase({ url, pool: 3, schema: 'lab', node: 'one' }, { log })
    await expect(opened).rejects.toThrow(/^PostgreSQL at 127.*ECONNREFUSED.*; PostgreSQL at 127[^;]*is a standby/)
    await expect(opened).rejects.not.toThrow(/hidden/)
  })
})
