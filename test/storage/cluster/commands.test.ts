import { describe, expect, it } from 'vitest'
import { CLUSTER_LAB, type ClusterNode, withCluster } from '../../support/cluster.ts'
import { isLong } from '../../support/long.ts'
import { needsPostgres } from '../../support/postgres.ts'
import { startHost } from '../../transport/outgoing/client/hosts.ts'

const WAIT = { timeout: 60_000, interval: 100 }

describe.skipIf(!needsPostgres() || !isLong)('the commands of a lab with two nodes', { timeout: 240_000 }, () => {
  it('show the nodes and the sessions of both, and reload both', async () => {
    await withCluster({}, async (cluster) => {
      const run = async (node: ClusterNode, ...args: string[]) => {
        const at = cluster.nodes.indexOf(node)
        const { status, stdout, stderr } = await node.place.runProcess([...args, '--config', `node${at}/lab.yaml`])
        expect([status, stderr]).toEqual([0, ''])
        return stdout
      }
      await expect.poll(async () => (await cluster.a.http.request('cluster')).body.unled, WAIT).toEqual([])
      const shown = await run(cluster.a, 'cluster', 'status')
      expect(shown.split('\n')[0]).toMatch(/^NODE +STATE +HOST +PID +VERSION +STARTED +HTTP +WORK FOR ALL/)
      for (const { pid } of cluster.nodes) expect(shown).toMatch(new RegExp(` ready .* ${pid} `))
      const client = await cluster.b.client('pop3')
      const sessions = await run(cluster.a, 'sessions')
      const [id = ''] = /pop3-\d+~\S+(?=,)/.exec(sessions) ?? []
      expect(await run(cluster.a, 'sessions', id)).toContain('S: +OK')
      client.destroy()
      const reloaded = await run(cluster.a, 'reload', '--all-nodes')
      expect(reloaded).toMatch(new RegExp(`^reloaded \\(process ${cluster.a.pid}\\)\nreloaded \\(node \\S+\\)$`, 'm'))
      // No node runs here: the command reads the database.
      await cluster.a.kill()
      const read = JSON.parse(await run(cluster.a, 'cluster', 'status', '--json'))
      expect(read.nodes.map(({ pid }: { pid: number }) => pid)).toContain(cluster.b.pid)
    })
  })

  it('work on either node after the one that sends mail was killed, and nothing that it accepted is lost', async () => {
    await using host = await startHost()
    const connector = `connectors: [{ name: Out, smartHost: { host: 127.0.0.1, port: ${host.port} }, when: automatic, schedule: { retry: [1s] } }]\n`
    await withCluster({ config: connector + CLUSTER_LAB }, async (cluster) => {
      const leader = async (): Promise<number | undefined> => {
        const { nodes } = (await cluster.b.http.request('cluster')).body
        return nodes.find(({ roles }: { roles: string[] }) => roles.includes('outgoing'))?.pid
      }
      await expect.poll(leader, WAIT).toBeDefined()
      const first = await leader()
      const [dead, left] = first === cluster.a.pid ? [cluster.a, cluster.b] : [cluster.b, cluster.a]
      for (let i = 0; i < 3; i++) await dead.deliver(`Subject: out ${i}\r\n\r\nbody\r\n`, 'to@example.test')
      await dead.kill()
      await left.deliver('Subject: out 3\r\n\r\nbody\r\n', 'to@example.test')
      const sent = () => new Set(host.received.map(({ raw }) => /^Subject: (.*)\r$/m.exec(raw)?.[1]))
      await expect.poll(() => sent().size, WAIT).toBe(4)
      await expect.poll(async () => (await left.http.request('queue')).body.total, WAIT).toBe(0)
      const { nodes } = (await left.http.request('cluster')).body
      expect(nodes.find(({ pid }: { pid: number }) => pid === left.pid).roles).toContain('outgoing')
    })
  })
})
