import { describe, expect, it } from 'vitest'
import { withCluster } from '../../support/cluster.ts'
import { isLong } from '../../support/long.ts'
import { canMount, needsPostgres, Postgres } from '../../support/postgres.ts'
import { Ledger, Load } from './load.ts'
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
        await expect.poll(() => sender.send(messageOf('fits', ['', big])), { interval: 200 }).toMatch(/^250 /)
        expect(await imap.append('INBOX', messageOf('fits', ['', big]))).toMatch(/^OK /)
        await Promise.race([load.more(20), running])
        sender.close()
        imap.destroy()
        await expectAll(load, running, cluster.nodes)
      })
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
