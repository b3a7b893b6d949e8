import { expect, it } from 'vitest'
import { startLab } from '../../../../src/testing/index.ts'
import { HttpLab } from '../client.ts'
import { JmapClient } from './client.ts'

it('a submission gets the replies of the host to which the queue sends it', async () => {
  await using host = await startLab({
    domain: 'elsewhere.test',
    directory: { unknown: 'refuse', accounts: [{ user: 'carol', password: 'secret' }] },
    virtualServers: [{ protocol: 'smtp' }],
  })
  const smartHost = { host: '127.0.0.1', port: host.server('smtp').port ?? 0, tls: 'none' as const }
  await using http = await HttpLab.start({
    directory: { accounts: [{ user: 'alice', password: 'secret' }] },
    outgoing: { connectors: [{ name: 'Out', when: 'automatic', smartHost }] },
  })
  const alice = new JmapClient(http)
  await http.lab.deliver({ from: 'alice@lab.test', to: ['carol@elsewhere.test', 'nobody@elsewhere.test'] }, 'alice')
  const { ids } = await alice.ask('Email/query')
  const { list } = await alice.ask('Identity/get')
  const { created } = await alice.ask('EmailSubmission/set', {
    create: { k: { identityId: list[0].id, emailId: ids[0] } },
  })
  expect(created.k.undoStatus).toBe('final')
  await host.waitForMessage({ to: 'carol' }, { timeout: 30_000 })
  const status = async () => (await alice.ask('EmailSubmission/get', { ids: [created.k.id] })).list[0].deliveryStatus
  // Nobody knows more of another host's mailboxes.
  await expect.poll(status).toMatchObject({
    'carol@elsewhere.test': { delivered: 'unknown', smtpReply: expect.stringMatching(/^250 /) },
    'nobody@elsewhere.test': { delivered: 'no', smtpReply: expect.stringMatching(/^550 5\.1\.1 /) },
  })
})
