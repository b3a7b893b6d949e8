import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CLUSTER_LAB, Cluster, type ClusterNode, withCluster } from '../../support/cluster.ts'
import { ImapClient } from '../../support/imap-client.ts'
import { needsPostgres } from '../../support/postgres.ts'
import { isThorough } from '../../support/thorough.ts'
import { startHost } from '../../transport/outgoing/client/hosts.ts'
import { mailOnNodes } from './mail.ts'
import { newsOnNodes } from './news.ts'
import { valuesOnNodes } from './shared-values.ts'
import { messageOf } from './support.ts'

describe.skipIf(!needsPostgres())('two nodes', () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await Cluster.start()
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  describe('serve the same mail', () => mailOnNodes(() => cluster))
  describe('serve the same news', () => newsOnNodes(() => cluster))
  describe('share what is neither', () => valuesOnNodes(() => cluster))
})

describe.runIf(isThorough && needsPostgres())('two nodes that create accounts and send mail', () => {
  it('have the accounts in common, and send each message once, whichever node took it', async () => {
    await using host = await startHost()
    const connector = `connectors: [{ name: Out, smartHost: { host: 127.0.0.1, port: ${host.port} }, when: automatic, keepCopy: false }]\n`
    const config = connector + CLUSTER_LAB.replace('directory:\n', 'directory:\n  mode: open\n')
    await withCluster({ config }, async (cluster) => {
      await cluster.a.deliver(messageOf('for zoe'), 'zoe@lab.test')
      const zoe = await ImapClient.open(cluster.b.port('imap4'), 'zoe', 'any')
      expect(await zoe.ok('SELECT INBOX')).toContain('* 1 EXISTS')
      zoe.destroy()
      for (const node of cluster.nodes) {
        await expect.poll(async () => (await node.http.request('accounts/zoe')).status).toBe(200)
      }
      const count = 10
      for (let i = 0; i < count; i++) {
        await (cluster.nodes[i % 2] as ClusterNode).deliver(messageOf(`out ${i}`), `to${i}@example.test`)
      }
      await expect.poll(() => host.received.length).toBeGreaterThanOrEqual(count)
      for (const node of cluster.nodes) {
        await expect.poll(async () => (await node.http.request('queue')).body.total).toBe(0)
      }
      const sent = host.received.map(({ raw }) => /^Subject: (.*)\r$/m.exec(raw)?.[1]).sort()
      expect(sent).toEqual(Array.from({ length: count }, (_, i) => `out ${i}`).sort())
    })
  })
})
