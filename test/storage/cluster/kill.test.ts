import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../src/core/values/random.ts'
import { type ClusterNode, withCluster } from '../../support/cluster.ts'
import { isLong } from '../../support/long.ts'
import { needsPostgres, Postgres } from '../../support/postgres.ts'
import { Ledger, Load } from './load.ts'

/** `npm run test:cluster` sets 1,000. */
const ROUNDS = Number(process.env.SEALPOST_CLUSTER_CRASH_ROUNDS ?? (isLong ? 3 : 1))
const SEED = Number(process.env.SEALPOST_SEED ?? 1)
/** A file for the figures. */
const REPORT = process.env.SEALPOST_CRASH_REPORT

const CONFIG = `certificates: { key: p256 }
directory:
  accounts: [{ user: alice, password: secret }]
news:
  groups: [{ name: lab.general }]
virtualServers:
  - { protocol: smtp, port: 0, certificate: none }
  - { protocol: imap4, port: 0, certificate: none }
  - { protocol: nntp, port: 0, certificate: none }
`

describe.skipIf(!needsPostgres())(
  `kill -9 of one of two nodes under load, ${ROUNDS} times (SEALPOST_SEED=${SEED})`,
  () => {
    it(
      'loses no acknowledged message, doubles none, keeps no partial one, and reuses no uid',
      async () => {
        await using server = await Postgres.start()
        const random = seededRandom(SEED)
        await withCluster({ config: CONFIG, url: server.url }, async (cluster) => {
          const ledger = new Ledger()
          const figures = { rounds: 0, acknowledged: 0, refused: 0 }
          for (let round = 0; round < ROUNDS; round++) {
            const [doomed, other] = (random() < 0.5 ? cluster.nodes : cluster.nodes.toReversed()) as [
              ClusterNode,
              ClusterNode,
            ]
            const [atDoomed, atOther] = [new Load(`${round}-a`), new Load(`${round}-b`)]
            const running = Promise.all([atDoomed.run([doomed]), atOther.run([other])])
            const stopped = running.then(() => Promise.reject(new Error('the clients stopped by themselves')))
            await Promise.race([atDoomed.more(3 + Math.floor(random() * 30)), stopped])
            // The other clients' messages are at any point of their way now. A few turns vary that point further.
            for (let turns = Math.floor(random() * 20); turns > 0; turns--) await new Promise(setImmediate)
            await doomed.kill()
            // The node that is left serves on, whatever the other one held.
            await Promise.race([atOther.more(4), stopped])
            stopped.catch(() => {})
            atDoomed.end()
            atOther.end()
            await running
            const restarted = doomed.start()
            await ledger.check(other, [atDoomed, atOther])
            await restarted
            figures.rounds++
            figures.acknowledged += atDoomed.acknowledged.length + atOther.acknowledged.length
            figures.refused += atOther.refusals.length
            expect(ledger.faults, `round ${round}`).toEqual([])
            if (REPORT !== undefined)
              writeFileSync(REPORT, `${JSON.stringify({ ...figures, checked: ledger.checked })}\n`)
          }
          // From the first message on, as the nodes see it in the end.
          for (const node of cluster.nodes) {
            const all = new Ledger()
            await all.check(node, [])
            expect(all.faults).toEqual([])
          }
          expect(ledger.checked).toBe(figures.acknowledged)
          expect(figures.acknowledged).toBeGreaterThanOrEqual(7 * ROUNDS)
        })
      },
      120_000 + ROUNDS * 60_000,
    )
  },
)
