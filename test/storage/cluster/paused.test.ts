import { describe, expect, it } from 'vitest'
import { CLUSTER_LAB, withCluster } from '../../support/cluster.ts'
import type { LineClient } from '../../support/line-client.ts'
import { isLong } from '../../support/long.ts'
import { needsPostgres } from '../../support/postgres.ts'
import { startHost } from '../../transport/outgoing/client/hosts.ts'
import { messageOf } from './support.ts'

describe.skipIf(!needsPostgres() || !isLong)(
  'a node that stands still longer than its leases',
  { timeout: 300_000 },
  () => {
    it('loses the POP3 lock to another node, and deletes nothing when it runs again', async () => {
      await withCluster({}, async (cluster) => {
        for (const subject of ['one', 'two', 'three']) await cluster.b.deliver(messageOf(subject), 'bob@lab.test')
        const held = await logOn(await cluster.a.client('pop3'))
        expect(held.reply).toMatch(/^\+OK/)
        expect(await ask(held.client, 'DELE 1')).toMatch(/^\+OK/)
        expect((await logOn(await cluster.b.client('pop3'))).reply).toMatch(/^-ERR \[IN-USE\]/)
        cluster.a.pause()
        let taken: LineClient | undefined
        const take = async (): Promise<boolean> => {
          const { client, reply } = await logOn(await cluster.b.client('pop3'))
          if (reply.startsWith('+OK')) taken = client
          else client.destroy()
          return taken !== undefined
        }
        await expect.poll(take, { timeout: 120_000, interval: 500 }).toBe(true)
        const client = taken as unknown as LineClient
        expect(await ask(client, 'STAT')).toMatch(/^\+OK 3 /)
        expect(await ask(client, 'DELE 2')).toMatch(/^\+OK/)
        cluster.a.resume()
        // RFC 1939 section 6: what is not removed is said.
        expect(await ask(held.client, 'QUIT')).toMatch(/^-ERR|^closed$/)
        expect(await ask(client, 'STAT')).toMatch(/^\+OK 2 /)
        expect(await ask(client, 'QUIT')).toMatch(/^\+OK/)
        using imap = await cluster.a.imap('bob')
        expect(await imap.ok('SELECT INBOX')).toContain('* 2 EXISTS')
        expect((await imap.ok('UID SEARCH ALL'))[0]).toBe('* SEARCH 1 3')
      })
    })

    it('and one that is gone lose the POP3 lock', async () => {
      await withCluster({}, async (cluster) => {
        const held = await logOn(await cluster.a.client('pop3'))
        expect(held.reply).toMatch(/^\+OK/)
        await cluster.a.kill()
        const take = async (): Promise<string> => (await logOn(await cluster.b.client('pop3'))).reply.slice(0, 3)
        await expect.poll(take, { timeout: 120_000, interval: 500 }).toBe('+OK')
      })
    })

    it('loses its roles to another node, and mail goes out once', async () => {
      await using host = await startHost()
      const connector = `connectors: [{ name: Out, smartHost: { host: 127.0.0.1, port: ${host.port} }, when: automatic, keepCopy: false }]\n`
      await withCluster({ config: connector + CLUSTER_LAB, nodes: 3 }, async (cluster) => {
        for (const [round, paused] of cluster.nodes.entries()) {
          // One of the three leads, so one of the three rounds stops the leader.
          paused.pause()
          const [node] = cluster.nodes.filter((one) => one !== paused)
          for (let i = 0; i < 3; i++) await node?.deliver(messageOf(`out ${round}.${i}`), 'to@example.test')
          await expect.poll(() => host.received.length, { timeout: 120_000 }).toBeGreaterThanOrEqual(3 * (round + 1))
          paused.resume()
          await expect.poll(async () => (await paused.http.request('queue')).body.total, { timeout: 60_000 }).toBe(0)
        }
        const sent = host.received.map(({ raw }) => /^Subject: (.*)\r$/m.exec(raw)?.[1]).sort()
        expect(sent).toEqual([0, 1, 2].flatMap((round) => [0, 1, 2].map((i) => `out ${round}.${i}`)))
      })
    })

    it('reads what it missed', async () => {
      await withCluster({}, async (cluster) => {
        using reader = await cluster.a.imap()
        await reader.ok('SELECT INBOX')
        await reader.idle()
        cluster.a.pause()
        for (let i = 0; i < 5; i++) await cluster.b.deliver(messageOf(`missed ${i}`))
        await new Promise((resolve) => setTimeout(resolve, 45_000))
        await cluster.b.deliver(messageOf('missed 5'))
        cluster.a.resume()
        await reader.until(/^\* 6 EXISTS$/)
        expect((await reader.done()).at(-1)).toMatch(/ OK /)
        expect(await reader.append('INBOX', messageOf('after'))).toMatch(/^OK \[APPENDUID \d+ 7\]/)
      })
    })
  },
)

async function ask(client: LineClient, line: string): Promise<string> {
  client.send(`${line}\r\n`)
  return (await client.line()) ?? 'closed'
}

async function logOn(client: LineClient): Promise<{ client: LineClient; reply: string }> {
  await ask(client, 'USER bob')
  return { client, reply: await ask(client, 'PASS geheim') }
}
