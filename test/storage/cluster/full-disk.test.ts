import { describe, expect, it } from 'vitest'
import { bearer, HttpLab } from '../../servers/http/client.ts'
import { withCluster } from '../../support/cluster.ts'
import { ImapClient } from '../../support/imap-client.ts'
import { LineClient } from '../../support/line-client.ts'
import { isLong } from '../../support/long.ts'
import { canMount, needsPostgres, Postgres } from '../../support/postgres.ts'
import { SmtpSender } from '../../support/smtp-sender.ts'
import { Ledger } from './ledger.ts'
import { Load } from './load.ts'
import { messageOf } from './support.ts'

const big = `${'x'.repeat(70)}\r\n`.repeat(8_000)

describe.skipIf(!isLong || !needsPostgres() || !(await canMount()))(
  'a full disk at the database',
  { timeout: 240_000 },
  () => {
    it('refuses mail for now, while clients read, and accepts it when there is room', async () => {
      await using server = await Postgres.start({ smallDisk: { mebibytes: 64, holds: 'tables' } })
      await withCluster({ url: server.url }, async (cluster) => {
        const load = new Load('full')
        const running = load.run(cluster.nodes)
        await Promise.race([load.more(20), running])
        server.fillDisk()
        const sender = await cluster.a.smtp()
        // The last free pages of the tables may take a few.
        await expect
          .poll(() => sender.send(messageOf('too much', ['', big])), { interval: 10 })
          .toMatch(/^452 4\.3\.1 /)
        const imap = await cluster.b.imap()
        expect(await imap.append('INBOX', messageOf('too much', ['', big]))).toMatch(/^NO \[(OVERQUOTA|UNAVAILABLE)\]/)
        await imap.ok('SELECT INBOX')
        await imap.ok('UID FETCH 1:3 (BODY.PEEK[])')
        server.freeDisk()
        await sender.ask('RSET')
        await expect
          .poll(() => sender.send(messageOf('fits', ['', big])), { interval: 200, timeout: 60_000 })
          .toMatch(/^250 /)
        // Each node looks for room of its own accord.
        await expect
          .poll(() => imap.append('INBOX', messageOf('fits', ['', big])), { interval: 200, timeout: 60_000 })
          .toMatch(/^OK /)
        await Promise.race([load.more(20), running])
        sender.close()
        imap.destroy()
        await expectAll(load, running, cluster.nodes)
      })
    })

    it('can be emptied by clients of every protocol, and is reported', async () => {
      await using server = await Postgres.start({ smallDisk: { mebibytes: 96, holds: 'tables' } })
      const token = 'token-of-a-full-disk'
      const start = (node: string) =>
        HttpLab.start({
          store: { postgres: server.url, pool: 3 },
          cluster: { name: 'lab', node },
          directory: { accounts: [{ user: 'bob', password: 'geheim' }] },
          access: { tokens: [{ name: 'ci', token }] },
          virtualServers: [{ protocol: 'smtp' }, { protocol: 'imap4' }, { protocol: 'pop3' }, { protocol: 'http' }],
        })
      await using one = await start('one')
      await using two = await start('two')
      const call = (path: string, method = 'GET') => two.request(path, { method, headers: bearer(token) })
      using smtp = await SmtpSender.open(one.lab.server('smtp').port)
      const send = async (raw: string) => {
        const reply = await smtp.send(raw, { to: ['bob@lab.test'] })
        if (!reply.startsWith('250')) await smtp.ask('RSET')
        return reply
      }
      for (let i = 0; i < 400; i++) expect(await send(messageOf(`${i}`, ['', 'x'.repeat(2_000)]))).toMatch(/^250 /)
      const reserve = `select pg_relation_size(oid) > 0 from pg_class where relname = 'reserve_4'`
      await expect.poll(() => server.sql(reserve), { timeout: 60_000 }).toBe('t')
      expect((await call('health')).body.store).toMatchObject({ ok: true, freeOctets: null })
      server.fillDisk()
      const fill = async () => send(messageOf('too much', ['', big]))
      await expect.poll(fill, { timeout: 60_000, interval: 10 }).toMatch(/^452 4\.3\.1 /)
      expect(await send(messageOf('small'))).toMatch(/^452 4\.3\.1 /)
      // Deletions find the rest of every page used up sooner or later.
      const imap = await ImapClient.open(one.lab.server('imap4').port ?? 0, 'bob', 'geheim')
      await imap.ok('SELECT INBOX')
      for (let first = 1; first <= 300; first++) {
        await imap.ok(`UID STORE ${first} +FLAGS.SILENT (\\Deleted $because)`)
        await imap.ok(`UID EXPUNGE ${first}`)
      }
      imap.destroy()
      const pop = await LineClient.greeted(two.lab.server('pop3').port)
      for (const line of ['USER bob', 'PASS geheim', 'DELE 1', 'DELE 2', 'QUIT']) {
        pop.send(`${line}\r\n`)
        expect(await pop.line()).toMatch(/^\+OK/)
      }
      pop.destroy()
      const { body: found } = await call('messages?account=bob&limit=20')
      for (const { id } of found.items) expect((await call(`messages/${id}`, 'DELETE')).status).toBe(204)
      const health = await one.request('health', { headers: bearer(token) })
      expect(health.body).toMatchObject({ ok: false, store: { ok: false, freeOctets: 0 } })
      server.freeDisk()
      await expect.poll(() => send(messageOf('fits')), { timeout: 60_000, interval: 200 }).toMatch(/^250 /)
      await expect.poll(() => server.sql(reserve), { timeout: 60_000 }).toBe('t')
    })

    it('is survived also if PostgreSQL cannot write its log and ends', async () => {
      await using server = await Postgres.start({ smallDisk: { mebibytes: 128, holds: 'everything' } })
      await withCluster({ url: server.url }, async (cluster) => {
        const load = new Load('log')
        const running = load.run(cluster.nodes)
        await Promise.race([load.more(20), running])
        server.fillDisk()
        await expect.poll(() => load.refusals.length, { timeout: 60_000 }).toBeGreaterThan(20)
        server.freeDisk()
        await server.restart()
        await Promise.race([load.more(20), running])
        await expectAll(load, running, cluster.nodes)
      })
    })
  },
)

async function expectAll(load: Load, running: Promise<void>, nodes: Parameters<Load['run']>[0]): Promise<void> {
  load.end()
  await running
  for (const node of nodes) {
    const ledger = new Ledger()
    await ledger.check(node, [load])
    expect(ledger.faults).toEqual([])
    expect(ledger.checked).toBe(load.acknowledged.length)
  }
}
