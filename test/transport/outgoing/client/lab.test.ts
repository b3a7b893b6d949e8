import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { describeTranscript } from '../../../../src/core/sessions/describe.ts'
import { TestAuthority } from '../../../checks/verify/authority.ts'
import { type MailLab, startMailLab } from '../../../support/mail-lab.ts'
import { connectorTo, queueEvent, send, startOutgoingLab } from '../support.ts'
import { startHost } from './hosts.ts'

const authority = await TestAuthority.create()
const identity = await authority.issue()

const peer = await startMailLab({ protocol: 'smtp' })
afterAll(() => peer[Symbol.asyncDispose]())

const outgoing = (lab: MailLab) => lab.sessions().filter(({ direction }) => direction === 'out')

it('a lab sends to another lab: verified TLS, log-on, and its certificate; the session shows all of it', async () => {
  const connector = connectorTo(peer.port, {
    smartHost: { host: 'localhost', port: peer.port, tls: 'required', user: 'bob', password: 'geheim' },
    certificate: 'Default SMTP Virtual Server',
  })
  await using lab = await startOutgoingLab([connector])
  const sent = queueEvent(lab, 'sent')
  await send(lab, { to: ['bob@elsewhere.test'], raw: 'Subject: two labs\r\n\r\nHello.\r\n' })
  const { entry } = await sent
  const [session] = outgoing(lab)
  expect(entry.lastSession).toBe(session?.id)
  expect(session).toMatchObject({
    virtualServer: 'Out',
    protocol: 'smtp',
    remotePort: peer.port,
    tls: { peerCertificate: { verified: true, policy: 'verify' } },
    refusals: [],
  })
  const lines = session ? describeTranscript(session).join('\n') : ''
  expect(lines).toMatch(/Out to 127\.0\.0\.1 port \d+, TLSv1\.3 /)
  expect(lines).toMatch(/ C: AUTH PLAIN \*\*\*/)
  expect(lines).not.toContain(Buffer.from('\0bob\0geheim').toString('base64'))
  expect((await peer.inbox(undefined)).map(({ raw }) => raw).join()).toContain('Subject: two labs')
})

it('a connector trusts the authority that it names, and no other', async () => {
  await using host = await startHost({}, identity)
  await using lab = await startOutgoingLab([
    connectorTo(host.port, { smartHost: { host: 'localhost', port: host.port, tls: 'verify' } }),
  ])
  const deferred = queueEvent(lab, 'deferred')
  await send(lab, { to: ['bob@elsewhere.test'] })
  const { entry } = await deferred
  expect(entry.recipients[0]?.text).toMatch(
    /^TLS level verify is not fulfilled by localhost: .*authority that is not trusted/,
  )
  expect(host.received).toEqual([])
  const file = join(lab.folder, 'outside.pem')
  writeFileSync(file, authority.rootPem)
  await using other = await startOutgoingLab([
    connectorTo(host.port, { smartHost: { host: 'localhost', port: host.port, tls: 'verify', authority: file } }),
  ])
  const sent = queueEvent(other, 'sent')
  await send(other, { to: ['bob@elsewhere.test'] })
  await sent
  expect(host.received).toHaveLength(1)
})

it('faults of the library strike the sessions of a connector', async () => {
  await using host = await startHost()
  await using lab = await startOutgoingLab([connectorTo(host.port, { schedule: { retry: ['100ms'] } })])
  lab.lab.faults.add({
    when: { connector: 'Out', verb: 'RCPT' },
    do: () => ({ reply: '451 4.7.1 Greylisted' }),
    times: 1,
  })
  const deferred = queueEvent(lab, 'deferred')
  const sent = queueEvent(lab, 'sent')
  await send(lab, { to: ['bob@elsewhere.test'] })
  expect((await deferred).entry.recipients).toMatchObject([{ code: 451, text: '451 4.7.1 Greylisted' }])
  await sent
  expect(host.received).toHaveLength(1)
})
