import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { withCluster } from '../../support/cluster.ts'
import { isLong } from '../../support/long.ts'
import { needsPostgres } from '../../support/postgres.ts'
import { needsFile } from '../../support/programs.ts'
import { messageOf } from './support.ts'

const LIBRARY = ['x86_64', 'aarch64']
  .map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketimeMT.so.1`)
  .find((path) => existsSync(path))

/** The clocks of two machines: seven minutes fast, and seven minutes slow. Timers run as usual. */
const envOf = (node: number): Record<string, string> => ({
  LD_PRELOAD: LIBRARY ?? '',
  FAKETIME: node === 0 ? '+7m' : '-7m',
  FAKETIME_DONT_FAKE_MONOTONIC: '1',
})

describe.skipIf(!isLong || !needsPostgres() || !needsFile(LIBRARY ?? 'faketime'))(
  'nodes whose clocks differ by minutes',
  () => {
    it('keep the POP3 lock and see each other as running', { timeout: 240_000 }, async () => {
      await withCluster({ envOf }, async (cluster) => {
        const dates = await Promise.all(cluster.nodes.map((node) => dateOf(node.port('http'))))
        expect(Math.abs((dates[0] as number) - (dates[1] as number))).toBeGreaterThan(10 * 60_000)
        await cluster.a.deliver(messageOf('for bob'), 'bob@lab.test')
        for (const [holder, other] of [cluster.nodes, cluster.nodes.toReversed()]) {
          const held = await holder?.client('pop3')
          held?.send('USER bob\r\nPASS geheim\r\n')
          await held?.line()
          expect(await held?.line()).toMatch(/^\+OK/)
          // Longer than a lease, so that it is renewed.
          for (const started = performance.now(); performance.now() - started < 45_000; ) {
            const client = await other?.client('pop3')
            client?.send('USER bob\r\nPASS geheim\r\n')
            await client?.line()
            expect(await client?.line()).toMatch(/^-ERR \[IN-USE\]/)
            client?.destroy()
            held?.send('NOOP\r\n')
            expect(await held?.line()).toMatch(/^\+OK/)
            await new Promise((resolve) => setTimeout(resolve, 1_000))
          }
          held?.send('QUIT\r\n')
          expect(await held?.line()).toMatch(/^\+OK/)
          held?.destroy()
        }
        const { stdout } = await cluster.a.place.runProcess([
          'cluster',
          'status',
          '--config',
          'node0/lab.yaml',
          '--json',
        ])
        for (const node of cluster.nodes) expect(stdout).toMatch(new RegExp(`"pid": ?${node.pid}\\b`))
        expect(stdout.match(/"ready"/g)).toHaveLength(2)
      })
    })

    it('deliver and tell as usual', async () => {
      await withCluster({ envOf }, async (cluster) => {
        const reader = await cluster.a.imap()
        await reader.ok('SELECT INBOX')
        await reader.idle()
        for (let i = 1; i <= 5; i++) {
          await cluster.b.deliver(messageOf(`skewed ${i}`))
          await reader.until(new RegExp(`^\\* ${i} EXISTS$`))
        }
        reader.destroy()
        const found = await cluster.b.http.request('wait', { to: 'alice', subject: 'skewed', timeout: '10s' })
        expect(found.status).toBe(200)
      })
    })
  },
)

async function dateOf(port: number): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${port}/livez`)
  await answer.arrayBuffer()
  return Date.parse(answer.headers.get('date') ?? '')
}
