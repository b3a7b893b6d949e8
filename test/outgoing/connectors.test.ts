import { expect, test } from 'vitest'
import { startHost } from './client/hosts.ts'
import { connectorTo, queueEvent, send, startOutgoingLab } from './support.ts'

test('an automatic connector sends mail for other domains, and the lab keeps a copy', async () => {
  await using host = await startHost()
  await using lab = await startOutgoingLab([connectorTo(host.port)])
  const sent = queueEvent(lab, 'sent')
  expect(await send(lab, { to: ['carol@example.test', 'dave@elsewhere.test', 'bob@lab.test'] })).toMatch(/^250 /)
  await sent
  expect(host.received).toMatchObject([
    { from: 'alice@lab.test', to: [{ address: 'carol@example.test' }, { address: 'dave@elsewhere.test' }] },
  ])
  expect(host.received[0]?.raw).toMatch(/^Received: from client\.test/)
  expect(host.received[0]?.raw).toContain('Subject: hello\r\n\r\nbody\r\n')
  expect(await lab.inbox(undefined)).toHaveLength(2)
  expect(await lab.inbox('bob')).toHaveLength(1)
  expect(lab.lab.outgoing.queue.list()).toEqual([])
})
