import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it, onTestFinished } from 'vitest'
import type { DnsDefectInput } from '../../../src/core/config/schema/dns.ts'
import type { LabInput } from '../../../src/core/config/schema.ts'
import { describeTranscript } from '../../../src/core/sessions/describe.ts'
import { startLab } from '../../../src/testing/index.ts'
import type { QueueEvent } from '../../../src/transport/outgoing/types.ts'
import { TestAuthority } from '../../checks/verify/authority.ts'
import { ask, ehlo } from '../../servers/smtp/support.ts'
import { newFolder } from '../../support/folder.ts'
import { LineClient } from '../../support/line-client.ts'
import type { MailLab } from '../../support/mail-lab.ts'
import { startHost } from './client/hosts.ts'
import { connectorTo, queueEvent, send, startOutgoingLab } from './support.ts'

/** The next host: a lab with DANE, if it has DNSSEC. */
const configuration = (dns: LabInput['dns']): LabInput => ({
  hostname: 'mx.example.test',
  domain: 'example.test',
  directory: { mode: 'open' },
  dns,
  virtualServers: [{ protocol: 'smtp' }],
})
const folder = newFolder()
const otherRoot = join(folder, 'other.pem')

const other = await startLab(configuration({ port: 0, dnssec: true }))
writeFileSync(otherRoot, other.ca)
afterAll(() => other.stop())

/** Starts a lab that sends mail to the other one by DNS. */
const startSender = (): Promise<MailLab> =>
  startOutgoingLab([
    {
      name: 'DNS',
      route: 'dns',
      when: 'automatic',
      resolver: other.dns.server,
      port: other.server('smtp').port,
      authority: otherRoot,
    },
  ])

/** Sends a message with REQUIRETLS to the lab. Returns the last reply. */
async function sendRequired(lab: MailLab, to: string): Promise<string> {
  const client = await LineClient.openTls(lab.tlsPort, lab.ca)
  await client.line()
  await ehlo(client)
  for (const line of ['MAIL FROM:<alice@lab.test> REQUIRETLS', `RCPT TO:<${to}>`, 'DATA']) {
    const answer = await ask(client, line)
    if (!/^[23]/.test(answer)) return answer
  }
  const answer = await ask(client, 'Subject: secret plans\r\n\r\nthe plans themselves\r\n.')
  client.destroy()
  return answer
}

/** Waits until the queue has sent a message or given it up. */
const settled = ({ lab }: MailLab): Promise<QueueEvent> =>
  new Promise((resolve) => {
    lab.outgoing.queue.watch((event) => {
      if (event.type === 'sent' || event.type === 'deferred' || event.type === 'failed') resolve(event)
    })
  })

/** Returns what the other lab heard in all sessions. */
const heard = (): string => other.sessions().flatMap(describeTranscript).join('\n')

it('is offered over TLS only', async () => {
  await using lab = await startOutgoingLab([])
  using client = await LineClient.greeted(lab.port)
  expect(await ehlo(client)).not.toContain('250-REQUIRETLS')
  expect(await ask(client, 'MAIL FROM:<a@b.test> REQUIRETLS')).toMatch(/^555 5\.5\.4 /)
  expect(await ask(client, 'STARTTLS')).toMatch(/^220 /)
  await client.startTls(lab.ca)
  expect(await ehlo(client)).toContain('250-REQUIRETLS')
  expect(await ask(client, 'MAIL FROM:<a@b.test> REQUIRETLS=yes')).toMatch(/^501 5\.5\.4 /)
  expect(await ask(client, 'MAIL FROM:<a@b.test> REQUIRETLS')).toMatch(/^250 /)
})

it('is carried to a host that offers it', async () => {
  await using lab = await startSender()
  const sent = settled(lab)
  expect(await sendRequired(lab, 'bob@example.test')).toMatch(/^250 /)
  expect(await sent).toMatchObject({ type: 'sent' })
  expect(heard()).toMatch(/MAIL FROM:<alice@lab\.test> (?:\S+ )*REQUIRETLS/)
})

it('fails with 5.7.30 at a host that does not offer it, and the report has only the header', async () => {
  const authority = await TestAuthority.create('P-256')
  const root = join(folder, 'root.pem')
  writeFileSync(root, authority.rootPem)
  await using host = await startHost({ hideREQUIRETLS: true }, await authority.issue())
  const smartHost = { host: '127.0.0.1', port: host.port, tls: 'verify' as const, authority: root }
  await using lab = await startOutgoingLab([connectorTo(host.port, { smartHost })])
  const failed = settled(lab)
  await sendRequired(lab, 'bob@example.test')
  expect(await failed).toMatchObject({ type: 'failed', results: [{ enhancedCode: '5.7.30' }] })
  expect(host.received).toEqual([])
  const [report] = await lab.inbox('alice')
  expect(report?.raw).toContain('Status: 5.7.30')
  expect(report?.raw).toContain('Subject: secret plans')
  expect(report?.raw).not.toContain('the plans themselves')
})

it('stays with a message that is released later', async () => {
  await using lab = await startOutgoingLab([connectorTo(1, { when: 'release' })])
  await sendRequired(lab, 'bob@example.test')
  const [kept] = await lab.inbox(undefined)
  expect(kept?.entry.envelope).toMatchObject({ requireTls: true })
})

it.each<[string, string, object]>([
  ['', '', { type: 'deferred' }],
  ['TLS-Required: No', 'TLS-Required: No\r\n', { type: 'sent' }],
])('a certificate that TLSA records do not name, header %s', async (_, field, expected) => {
  using __ = other.dns.addDefect('mismatching-tlsa' satisfies DnsDefectInput)
  await using lab = await startSender()
  const event = settled(lab)
  await send(lab, { to: ['bob@example.test'], raw: `${field}Subject: hello\r\n\r\nbody\r\n` })
  expect(await event).toMatchObject(expected)
})

it('outweighs TLS-Required: No', async () => {
  using _ = other.dns.addDefect('mismatching-tlsa')
  await using lab = await startSender()
  const event = queueEvent(lab, 'deferred')
  using client = await LineClient.openTls(lab.tlsPort, lab.ca)
  await client.line()
  await ehlo(client)
  for (const line of ['MAIL FROM:<alice@lab.test> REQUIRETLS', 'RCPT TO:<bob@example.test>', 'DATA'])
    await ask(client, line)
  await ask(client, 'TLS-Required: No\r\nSubject: x\r\n\r\nbody\r\n.')
  await event
})

it('fails with 5.7.30 where neither DNSSEC nor MTA-STS confirms the host', async () => {
  await other.reload(configuration({ port: 0 }))
  onTestFinished(() => other.reload(configuration({ port: 0, dnssec: true })))
  await using lab = await startSender()
  const failed = settled(lab)
  await sendRequired(lab, 'bob@example.test')
  expect(await failed).toMatchObject({ type: 'failed', results: [{ enhancedCode: '5.7.30' }] })
})
