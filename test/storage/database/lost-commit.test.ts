import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import pino from 'pino'
import { describe, expect, test } from 'vitest'
import { openDatabase } from '../../../src/storage/database/database.ts'
import { openPostgresStore } from '../../../src/storage/store/engines/postgres/postgres-store.ts'
import { startLab } from '../../../src/testing/index.ts'
import { freshDatabase, needsPostgres } from '../../support/postgres.ts'
import { SmtpSender } from '../../support/smtp-sender.ts'
import { TestClock } from '../../support/test-clock.ts'
import { isThorough } from '../../support/thorough.ts'

/**
 * A proxy that loses the connection at the first `statement` after `arm` was called.
 * - `request`: the server does not get it, and ends the transaction
 * - `reply`: the server runs the statement, and the client does not learn it
 */
async function losingProxy(port: number, lost: 'request' | 'reply', statement = 'COMMIT') {
  let isArmed = false
  let isCut = false
  let cutsAfter = false
  const clients = new Set<Socket>()
  const server = createServer((client) => {
    if (isCut) return client.on('error', () => {}).resetAndDestroy()
    clients.add(client)
    const target = connect(port, '127.0.0.1')
    for (const one of [client, target])
      one.on('error', () => {}).on('close', () => [client, target].map((x) => x.destroy()))
    client.on('data', (data) => {
      if (!isArmed || !data.includes(statement)) return target.write(data)
      isArmed = false
      if (lost === 'request') return client.resetAndDestroy()
      target.removeAllListeners('data').once('data', () => {
        isCut = cutsAfter
        for (const one of isCut ? clients : [client]) one.resetAndDestroy()
      })
      return target.write(data)
    })
    target.on('data', (data) => client.write(data))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    arm: () => {
      isArmed = true
    },
    isArmed: () => isArmed,
    /** Lets no connection pass any more after the loss. */
    cutAfter: () => {
      cutsAfter = true
    },
    mend: () => {
      isCut = false
    },
    [Symbol.dispose]: () => void server.close(),
  }
}

describe.skipIf(!needsPostgres())('a connection that is lost during a commit', () => {
  test.each([
    ['reply', 1],
    ['request', 2],
  ] as const)('%s: the change is made once', async (lost, runs) => {
    const { url, schema } = await freshDatabase()
    const direct = new URL(url)
    using proxy = await losingProxy(Number(direct.port), lost)
    direct.port = String(proxy.port)
    const log = pino({ level: 'silent' })
    await using database = await openDatabase({ url: direct.href, pool: 2, schema, node: 'a' }, { log })
    await database.query('create table marks (mark integer)')
    let calls = 0
    proxy.arm()
    const result = await database.transaction(async (transaction) => {
      calls++
      await transaction.query('insert into marks values (1)')
      return 'done'
    })
    expect([result, calls]).toEqual(['done', runs])
    expect(await database.query('select mark from marks')).toEqual([{ mark: 1 }])
  })

  test.each([
    ['insert into marks', 'reply'],
    ['insert into marks', 'request'],
    ['COMMIT', 'reply'],
    ['COMMIT', 'request'],
  ] as const)('%s of a single statement (%s): the change is made once, and its result is known', async (text, lost) => {
    const { url, schema } = await freshDatabase()
    const direct = new URL(url)
    using proxy = await losingProxy(Number(direct.port), lost, text)
    direct.port = String(proxy.port)
    const log = pino({ level: 'silent' })
    await using database = await openDatabase({ url: direct.href, pool: 2, schema, node: 'a' }, { log })
    await database.query('create table marks (mark integer)')
    proxy.arm()
    const rows = await database.query('insert into marks values ($1) returning mark', [1])
    expect(rows).toEqual([{ mark: 1 }])
    expect(proxy.isArmed()).toBe(false)
    expect(await database.query('select mark from marks')).toEqual([{ mark: 1 }])
  })

  test('if the server stays away, the store says that the outcome is unknown, and later has the message', async () => {
    const { url, schema } = await freshDatabase()
    const direct = new URL(url)
    using proxy = await losingProxy(Number(direct.port), 'reply', 'Subject: lost')
    direct.port = String(proxy.port)
    const log = pino({ level: 'silent' })
    const settings = { url: direct.href, pool: 2, schema, node: 'a' }
    await using database = await openDatabase(settings, { log, outcomeMs: 300 })
    await using store = await openPostgresStore(database, { clock: new TestClock(), log })
    const { id } = await store.createFolder('user:alice', 'INBOX')
    proxy.cutAfter()
    proxy.arm()
    const appended = store.append([{ raw: Buffer.from('Subject: lost'), targets: [{ folderId: id }] }])
    await expect(appended).rejects.toMatchObject({ code: 'unknown', message: /It is not known whether/ })
    proxy.mend()
    await expect.poll(() => store.status(id).catch(() => undefined), { timeout: 60_000 }).toMatchObject({ exists: 1 })
  })

  test.runIf(isThorough)('a client waits for the outcome, and is told it', { timeout: 60_000 }, async () => {
    const { url, schema } = await freshDatabase()
    const direct = new URL(url)
    using proxy = await losingProxy(Number(direct.port), 'reply', 'Subject: second')
    direct.port = String(proxy.port)
    const config = { store: { postgres: direct.href, pool: 2 }, cluster: { name: schema } }
    await using lab = await startLab({
      ...config,
      directory: { accounts: [{ user: 'alice', password: 'secret' }] },
      virtualServers: [{ protocol: 'smtp' }],
    })
    await lab.deliver('Subject: first\r\n\r\n', { to: 'alice@lab.test' })
    using sender = await SmtpSender.open(lab.server('smtp').port)
    proxy.cutAfter()
    proxy.arm()
    const reply = sender.send('Subject: second\r\n\r\n', { to: ['alice@lab.test'] })
    // Longer than calls wait for a lost connection.
    await new Promise((resolve) => setTimeout(resolve, 8_000))
    proxy.mend()
    expect(await reply).toMatch(/^250 /)
    expect((await lab.messages()).map(({ subject }) => subject)).toEqual(['first', 'second'])
  })

  test('a change in one round trip is made, or fails and was not made', async () => {
    for (const lost of ['reply', 'request'] as const) {
      const { url, schema } = await freshDatabase()
      const direct = new URL(url)
      using proxy = await losingProxy(Number(direct.port), lost, 'insert into marks')
      direct.port = String(proxy.port)
      const log = pino({ level: 'silent' })
      await using database = await openDatabase({ url: direct.href, pool: 2, schema, node: 'a' }, { log })
      await database.query('create table marks (mark integer)')
      proxy.arm()
      const parts = ['added as (insert into marks values ($1) returning mark)']
      const change = database.change({ parts, last: 'select mark from added' }, [1])
      if (lost === 'reply') await change
      else await expect(change).rejects.toMatchObject({ code: 'disconnected' })
      expect(proxy.isArmed()).toBe(false)
      expect(await database.query('select mark from marks')).toEqual(lost === 'reply' ? [{ mark: 1 }] : [])
    }
  })
})

test.runIf(needsPostgres())(
  'a transaction that fails with its first statement is tried again, and says why',
  async () => {
    const place = await freshDatabase()
    const log = pino({ level: 'silent' })
    await using database = await openDatabase({ ...place, pool: 2, node: 'a' }, { log })
    await database.query('create table marks (mark integer)')
    await database.query('create sequence tries')
    const fail = (
      condition: string,
      state: string,
    ) => `create or replace function fail() returns trigger language plpgsql
    as $$ begin if ${condition} then raise exception 'no' using errcode = '${state}'; end if; return new; end $$`
    await database.query(fail("nextval('tries') < 4", '40001'))
    await database.query('create trigger fail before insert on commits for each row execute function fail()')
    await database.transaction((transaction) => transaction.query('insert into marks values (1)'))
    expect(await database.query('select mark from marks')).toEqual([{ mark: 1 }])
    expect(await database.query("select nextval('tries') as number")).toEqual([{ number: 5 }])
    await database.query(fail('true', '53100'))
    // A full disk may have no room for the token.
    await database.query('delete from marks')
    expect(await database.query('select mark from marks')).toEqual([])
    await database.query('create trigger fail before insert on marks for each row execute function fail()')
    await expect(database.query('insert into marks values (2)')).rejects.toMatchObject({
      code: 'no-space',
      message: 'no',
    })
  },
)
