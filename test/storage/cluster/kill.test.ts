import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../src/core/values/random.ts'
import { Balancer, withCluster } from '../../support/cluster.ts'
import { isLong } from '../../support/long.ts'
import { needsPostgres, Postgres } from '../../support/postgres.ts'
import { Keepers } from './keepers.ts'
import { Ledger } from './ledger.ts'
import { Load } from './load.ts'

/** `npm run test:cluster` sets 1,000. */
const ROUNDS = Number(process.env.SEALPOST_CLUSTER_CRASH_ROUNDS ?? (isLong ? 3 : 1))
const SEED = Number(process.env.SEALPOST_SEED ?? 1)
/** A file for the figures. */
const REPORT = process.env.SEALPOST_CRASH_REPORT

const CONFIG = `certificates: { key: p256 }
directory:
  accounts: [{ user: alice, password: secret }, { user: bob, password: geheim }]
news:
  groups: [{ name: lab.general }]
virtualServers:
  - { protocol: smtp, port: 0, certificate: none }
  - { protocol: imap4, port: 0, certificate: none }
  - { protocol: pop3, port: 0, certificate: none }
  - { protocol: nntp, port: 0, certificate: none }
`
const MAILBOXES = ['alice/INBOX', 'alice/Archive', 'bob/INBOX']

describe.skipIf(!needsPostgres())(
  `kill -9 of nodes behind a balancer under load, ${ROUNDS} times (SEALPOST_SEED=${SEED})`,
  () => {
    it(
      'loses no acknowledged message, doubles none, keeps no partial one, brings no deleted one back, and reuses no uid',
      async () => {
        await using server = await Postgres.start()
        const random = seededRandom(SEED)
        await withCluster({ config: CONFIG, url: server.url, nodes: 3 }, async (cluster) => {
          await using balancer = await Balancer.open(cluster, ['smtp', 'imap4', 'pop3', 'nntp'])
          const ledger = new Ledger(MAILBOXES)
          const figures = { rounds: 0, killed: 0, acknowledged: 0, deleted: 0, moved: 0, uncertain: 0, refused: 0 }
          for (let round = 0; round < ROUNDS; round++) {
            const load = new Load(`${round}`, { users: ['alice', 'bob'], reconnects: true })
            const keepers = new Keepers(balancer, ledger, random)
            const running = Promise.all([load.run([balancer]), keepers.run()])
            const stopped = running.then(() => Promise.reject(new Error('the clients stopped by themselves')))
            await Promise.race([load.more(3 + Math.floor(random() * 30)), stopped])
            // Everything else is at any point of its way now. A few turns vary that point further.
            for (let turns = Math.floor(random() * 20); turns > 0; turns--) await new Promise(setImmediate)
            const shuffled = cluster.nodes.toSorted(() => random() - 0.5)
            const doomed = shuffled.slice(0, random() < 0.8 ? 1 : 2)
            await Promise.all(doomed.map((node) => node.kill()))
            // The nodes that are left serve on, whatever the others held.
            await Promise.race([load.more(8), stopped])
            stopped.catch(() => {})
            load.end()
            keepers.end()
            await running
            figures.uncertain += ledger.uncertain.size
            const restarted = Promise.all(doomed.map((node) => node.start()))
            await ledger.check(shuffled[2] as (typeof shuffled)[number], [load])
            await restarted
            figures.rounds++
            figures.killed += doomed.length
            figures.acknowledged += load.acknowledged.length
            figures.deleted += keepers.counts.deleted
            figures.moved += keepers.counts.moved
            figures.refused += load.refusals.length
            if (REPORT !== undefined)
              writeFileSync(REPORT, `${JSON.stringify({ ...figures, checked: ledger.checked })}\n`)
            expect(ledger.faults, `round ${round}`).toEqual([])
          }
          // From the first message on, as the nodes see it in the end.
          for (const node of cluster.nodes) {
            await ledger.check(node, [])
            const all = new Ledger(MAILBOXES)
            await all.check(node, [])
            expect([ledger.faults, all.faults]).toEqual([[], []])
          }
          expect(ledger.checked).toBe(figures.acknowledged)
          expect(figures.acknowledged).toBeGreaterThanOrEqual(11 * ROUNDS)
          // The first round has nothing to move yet.
          if (ROUNDS > 1)
            expect([figures.deleted, figures.moved]).toEqual([expect.toSatisfy(isSome), expect.toSatisfy(isSome)])
        })
      },
      120_000 + ROUNDS * 60_000,
    )
  },
)

const isSome = (count: number): boolean => count > 0
