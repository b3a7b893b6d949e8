import { expect, test } from 'vitest'
import { startHost } from './client/hosts.ts'
import { connectorTo, queueEvent, send, startOutgoingLab } from './support.ts'

test('the sender gets a report with the reply of the host, once', async () => {
  await using host = await startHost({
    onRcptTo: (_address, _session, done) =>
      done(Object.assign(new Error('5.1.1 No such user here'), { responseCode: 550 })),
  })
  await using lab = await startOutgoingLab([connectorTo(host.port)])
  const failed = queueEvent(lab, 'failed')
  await send(lab, { to: ['nobody@example.test'] })
  await failed
  const [report] = (await lab.inbox('alice')).map(({ raw }) => raw)
  expect(report).toContain('\r\n    127.0.0.1 replied: 550 5.1.1 No such user here\r\n')
  expect(report).toContain('\r\nStatus: 5.1.1\r\nRemote-MTA: dns; 127.0.0.1\r\n')
  expect(report).toContain('\r\nDiagnostic-Code: smtp; 550 5.1.1 No such user here\r\n')
  expect(host.received).toEqual([])
})

test('a report on demand for a sender elsewhere goes out by the connector, with the null return path', async () => {
  await using host = await startHost()
  await using lab = await startOutgoingLab([connectorTo(host.port)], { config: { mail: { reports: { delay: 0 } } } })
  const sent = queueEvent(lab, 'sent')
  await send(lab, { from: 'app@example.test', to: ['bounce+550@lab.test'] })
  await sent
  expect(host.received.map(({ from, to }) => [from, to.map(({ address }) => address)])).toEqual([
    ['', ['app@example.test']],
  ])
  expect(host.received[0]?.raw).toMatch(/^From: Mail Delivery System <postmaster@lab.test>\r\n/)
  expect(host.received[0]?.raw).toContain('\r\nFinal-Recipient: rfc822; bounce+550@lab.test\r\n')
})
