import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { CLUSTER_LAB, type Cluster, withCluster } from '../../support/cluster.ts'
import { CutLink } from '../../support/cut-link.ts'
import { isLong } from '../../support/long.ts'
import { needsPostgres, Postgres } from '../../support/postgres.ts'
import { Ledger } from './ledger.ts'
import { Load } from './load.ts'
import { GOOD, LATER, OpenSessions, others } from './open-sessions.ts'
import { messageOf } from './support.ts'

/** Three accounts: each node has a POP3 session of its own. */
const config = CLUSTER_LAB.replace('geheim }]', 'geheim }, { user: carol, password: geheim }]')

interface Parts {
  readonly server: Postgres
  /** Between the first node and the database. */
  readonly link: CutLink
}

interface Outage {
  readonly name: string
  begin(parts: Parts): unknown
  end(parts: Parts): unknown
  /** Nodes that do not reach the database meanwhile. */
  readonly cutOff: readonly number[]
  /** It is as long as this, at least. */
  readonly lastsMs: number
}

const crash: Outage = {
  name: 'PostgreSQL crashes and is started again',
  begin: ({ server }) => server.stop('immediate'),
  end: ({ server }) => server.restart(),
  cutOff: [0, 1],
  lastsMs: 0,
}

const outages: readonly Outage[] = [
  crash,
  { ...crash, name: 'PostgreSQL is restarted', begin: ({ server }) => server.stop('fast') },
  {
    name: 'one node loses its connections to the database for 30 s',
    begin: ({ link }) => link.cut('refuse'),
    end: ({ link }) => link.mend(),
    cutOff: [0],
    lastsMs: 30_000,
  },
  {
    name: 'the network between one node and the database loses every packet for 30 s',
    begin: ({ link }) => link.cut('swallow'),
    end: ({ link }) => link.mend(),
    cutOff: [0],
    lastsMs: 30_000,
  },
  {
    name: 'the machine of the database hangs for 30 s',
    begin: ({ server }) => server.pause(),
    end: ({ server }) => server.resume(),
    cutOff: [0, 1],
    lastsMs: 30_000,
  },
]

describe.skipIf(!needsPostgres())('clients get temporary errors and carry on in the same sessions', () => {
  it.each(isLong ? outages : [crash])('when $name', { timeout: 300_000 }, async (outage) => {
    await using server = await Postgres.start()
    await using link = await CutLink.open(server.port)
    const urlOf = (node: number): string | undefined => (node === 0 ? server.urlAt(link.port) : undefined)
    await withCluster({ config, url: server.url, urlOf }, (cluster) => survive(cluster, outage, { server, link }))
  })
})

async function survive(cluster: Cluster, outage: Outage, parts: Parts): Promise<void> {
  await using first = await OpenSessions.open(cluster.a, 'bob')
  await using second = await OpenSessions.open(cluster.b, 'carol')
  const sessions = [first, second]
  for (const one of sessions) expect(others(await one.replies(), GOOD)).toEqual({})
  const load = new Load('outage')
  const running = load.run(cluster.nodes)
  await Promise.race([load.more(20), running])

  await outage.begin(parts)
  const lasts = sleep(outage.lastsMs)
  for (let round = 0; round < 2; round++) {
    const replies = await Promise.all(sessions.map((one) => one.replies()))
    for (const [i, one] of replies.entries()) {
      expect(others(one, outage.cutOff.includes(i) ? LATER : GOOD), `node ${i}`).toEqual({})
    }
  }
  await lasts
  if (!outage.cutOff.includes(1)) await cluster.b.deliver(messageOf('meanwhile'))
  await outage.end(parts)

  for (const [i, one] of sessions.entries()) {
    const remaining = async (): Promise<unknown> => others(await one.replies(), GOOD)
    await expect.poll(remaining, { message: `node ${i}`, timeout: 60_000, interval: 500 }).toEqual({})
  }
  await Promise.race([load.more(10), running])
  load.end()
  await running
  for (const node of cluster.nodes) {
    const ledger = new Ledger()
    await ledger.check(node, [load])
    expect(ledger.faults).toEqual([])
    expect(ledger.checked).toBe(load.acknowledged.length)
  }
  // The clients in IDLE were told everything, also what arrived while their node was cut off.
  const reader = await cluster.b.imap()
  const exists = /^\* (\d+) EXISTS$/m.exec((await reader.ok('SELECT INBOX')).join('\n'))?.[1]
  reader.destroy()
  for (const one of sessions) await one.idle.until(new RegExp(`^\\* ${exists} EXISTS$`))
}

describe.skipIf(!needsPostgres() || !isLong)('a failover to a streaming replica', () => {
  it('loses nothing that was acknowledged', { timeout: 300_000 }, async () => {
    await using primary = await Postgres.start()
    await using replica = await primary.replica()
    const url = `postgres://lab@127.0.0.1:${primary.port},127.0.0.1:${replica.port}/lab?target_session_attrs=read-write`
    await withCluster({ config, url }, async (cluster) => {
      const load = new Load('failover')
      const running = load.run(cluster.nodes)
      await Promise.race([load.more(50), running])
      await primary.stop('immediate')
      await replica.promote()
      await Promise.race([load.more(50), running])
      load.end()
      await running
      for (const node of cluster.nodes) {
        const ledger = new Ledger()
        await ledger.check(node, [load])
        expect(ledger.faults).toEqual([])
        expect(ledger.checked).toBe(load.acknowledged.length)
      }
    })
  })
})
