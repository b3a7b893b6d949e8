import { expect, it } from 'vitest'
import { fault } from '../../../../src/core/config/schema/fault.ts'
import { TestAuthority } from '../../../checks/verify/authority.ts'
import { startHost } from './hosts.ts'
import { hopTo, MESSAGE, Sender } from './sender.ts'

const authority = await TestAuthority.create()
const identity = await authority.issue()
const roots = async (): Promise<readonly string[]> => [authority.rootPem]

const three = { recipients: ['a', 'b', 'c'].map((name) => ({ address: `${name}@example.test` })) }

it('answers a command in the place of the host, which does not get it', async () => {
  await using host = await startHost()
  await using sender = new Sender()
  sender.addFault({
    name: 'greylisting',
    when: { direction: 'out', verb: 'RCPT', matching: 'b@' },
    do: { reply: '451 4.7.1 Greylisted' },
    times: 1,
  })
  const first = await sender.send([hopTo(host.port)], three)
  expect(first.recipients.map(({ kind }) => kind)).toEqual(['sent', 'deferred', 'sent'])
  expect(first.recipients[1]).toMatchObject({ code: 451, enhancedCode: '4.7.1', text: '451 4.7.1 Greylisted' })
  expect(host.received[0]?.to.map(({ address }) => address)).toEqual(['a@example.test', 'c@example.test'])
  expect(sender.transcript).toContain('  (fault: greylisting)')
  expect((await sender.send([hopTo(host.port)], three)).recipients.map(({ kind }) => kind)).toEqual([
    'sent',
    'sent',
    'sent',
  ])
})

it.each([
  ['MAIL', '550 5.7.1 Blocked', 'failed'],
  ['DATA', '451 4.3.0 Later', 'deferred'],
] as const)('answers %s', async (verb, reply, kind) => {
  await using host = await startHost()
  await using sender = new Sender()
  sender.addFault({ when: { direction: 'out', verb }, do: { reply }, times: 1 })
  expect(await sender.sendOne(hopTo(host.port))).toMatchObject({ kind, text: reply })
  expect(host.received).toEqual([])
  expect(await sender.sendOne(hopTo(host.port))).toMatchObject({ kind: 'sent' })
})

it('answers the message: the host has not got it', async () => {
  await using host = await startHost()
  await using sender = new Sender()
  sender.addFault({ when: { connector: 'Outside', on: 'end-of-data' }, do: { reply: '554 5.7.1 Spam' }, times: 1 })
  expect(await sender.sendOne(hopTo(host.port))).toMatchObject({ kind: 'failed', text: '554 5.7.1 Spam' })
  expect(await sender.sendOne(hopTo(host.port))).toMatchObject({ kind: 'sent' })
  expect(host.received).toHaveLength(1)
})

it('loses the reply to a message that the host has got', async () => {
  await using host = await startHost()
  await using sender = new Sender()
  sender.addFault({ when: { direction: 'out', on: 'end-of-data' }, do: { drop: 'before', stored: true }, times: 1 })
  const result = await sender.sendOne(hopTo(host.port))
  expect(result).toMatchObject({ kind: 'deferred', enhancedCode: '4.4.2' })
  expect(result.text).toMatch(/may then arrive twice$/)
  expect(host.received).toHaveLength(1)
})

it('drops the connection before the end of a message', async () => {
  await using host = await startHost()
  await using sender = new Sender()
  sender.addFault({ when: { direction: 'out', on: 'end-of-data' }, do: { drop: 'before', stored: false }, times: 1 })
  expect(await sender.sendOne(hopTo(host.port))).toMatchObject({ kind: 'deferred' })
  expect(host.received).toEqual([])
})

it.each(['before', 'rst', 'after'] as const)('drops the connection at a command: %s', async (drop) => {
  await using host = await startHost()
  await using sender = new Sender()
  sender.addFault({ when: { direction: 'out', verb: 'RCPT' }, do: { drop }, times: 1 })
  expect(await sender.sendOne(hopTo(host.port))).toMatchObject({
    kind: 'deferred',
    text: expect.stringMatching(/a fault dropped the connection/),
  })
  expect(sender.last.endCause).toBe('connection lost')
})

it('answers in the place of the greeting', async () => {
  await using host = await startHost()
  await using sender = new Sender()
  sender.addFault({ when: { direction: 'out', on: 'connect' }, do: { reply: '421 4.3.2 Busy' }, times: 1 })
  expect(await sender.sendOne(hopTo(host.port))).toMatchObject({ kind: 'deferred', code: 421 })
})

it('hides STARTTLS: a level that requires it is not fulfilled, and another falls back to clear text', async () => {
  await using host = await startHost({}, identity)
  await using sender = new Sender({ roots })
  sender.addFault({ when: { direction: 'out', verb: 'EHLO' }, do: { hide: ['STARTTLS'] } })
  expect(await sender.sendOne(hopTo(host.port, { tls: 'verify' }))).toMatchObject({
    kind: 'deferred',
    enhancedCode: '4.7.5',
    text: 'TLS level verify is not fulfilled by localhost: it does not offer STARTTLS',
  })
  expect(await sender.sendOne(hopTo(host.port, { tls: 'may' }))).toMatchObject({ kind: 'sent' })
  expect(host.received).toMatchObject([{ isSecure: false }])
  expect(sender.transcript.join('\n')).toMatch(/fault: hidden from the lab: 250[ -]STARTTLS/)
})

it.each([
  [
    'the certificate is distrusted',
    { distrust: 'the certificate is revoked' },
    /not fulfilled by localhost: the certificate is revoked/,
  ],
  ['the host sends an alert', { abortHandshake: 40 }, /the host sent the alert 40/],
  ['the host closes the connection', { drop: 'before' }, /the host closed the connection/],
] as const)('fails the handshake: %s', async (_, action, why) => {
  await using host = await startHost({}, identity)
  await using sender = new Sender({ roots })
  sender.addFault({ when: { direction: 'out', on: 'handshake' }, do: action, times: 1 })
  const result = await sender.sendOne(hopTo(host.port, { tls: 'verify' }))
  expect(result).toMatchObject({ kind: 'deferred', enhancedCode: '4.7.5', text: expect.stringMatching(why) })
  expect(host.received).toEqual([])
  expect(await sender.sendOne(hopTo(host.port, { tls: 'verify' }))).toMatchObject({ kind: 'sent' })
})

it('delays, and strikes only the connector and the connection that it names', async () => {
  await using host = await startHost()
  await using sender = new Sender()
  sender.addFault({ when: { connector: 'Another', verb: 'MAIL' }, do: { reply: '550 5.7.1 No' } })
  sender.addFault({ when: { verb: 'MAIL' }, do: { reply: '550 5.7.1 No' } })
  sender.addFault({ name: 'slow', when: { connector: 'Outside', verb: 'MAIL', connection: 1 }, do: { delay: '1ms' } })
  expect(await sender.sendOne(hopTo(host.port))).toMatchObject({ kind: 'sent' })
  expect(sender.transcript.filter((line) => line.includes('fault'))).toEqual(['  (fault: slow)'])
})

it('delays on a connection that an earlier attempt, which has ended, opened', async () => {
  await using host = await startHost()
  await using sender = new Sender()
  sender.addFault({ name: 'slow', when: { direction: 'out', verb: 'MAIL' }, do: { delay: '1ms' } })
  const attempt = new AbortController()
  const { recipients } = await sender.send([hopTo(host.port)], {}, MESSAGE, {}, { signal: attempt.signal })
  attempt.abort()
  expect(recipients).toMatchObject([{ kind: 'sent' }])
  expect(await sender.sendOne(hopTo(host.port))).toMatchObject({ kind: 'sent' })
  expect(sender.sessions.list()).toHaveLength(1)
  expect(sender.transcript.filter((line) => line.includes('fault'))).toEqual(['  (fault: slow)', '  (fault: slow)'])
})

it('never gets an answer from a host that falls silent', async () => {
  await using host = await startHost()
  await using sender = new Sender({
    timeouts: {
      connectMs: 30_000,
      handshakeMs: 30_000,
      blockMs: 30_000,
      replyMs: (command) => (command === 'RCPT' ? 50 : 30_000),
    },
  })
  sender.addFault({ when: { direction: 'out', verb: 'RCPT' }, do: { silence: true } })
  expect(await sender.sendOne(hopTo(host.port))).toMatchObject({
    kind: 'deferred',
    text: 'the host sent no reply to RCPT within 0.05 s',
  })
})

it.each([
  [{ when: { direction: 'out', protocol: 'imap4' }, do: { drop: 'before' } }, 'the lab sends mail by smtp'],
  [{ when: { direction: 'out', virtualServer: 'X' }, do: { drop: 'before' } }, 'write connector'],
  [
    { when: { direction: 'in', connector: 'X' }, do: { drop: 'before' } },
    'never holds with direction: in; remove one of the two',
  ],
  [
    { when: { direction: 'out', verb: 'RCPT' }, do: { drop: 'mid-reply' } },
    'mid-reply is only possible with direction: in',
  ],
  [{ when: { direction: 'out', verb: 'RCPT' }, do: { throttle: 10 } }, 'only possible with direction: in'],
  [{ when: { verb: 'EHLO' }, do: { hide: ['STARTTLS'] } }, 'only possible with direction: out'],
] as const)('refuses a fault that could not happen: %j', (input, why) => {
  const { error } = fault.safeParse(input)
  expect(error?.issues.map(({ message }) => message).join()).toContain(why)
})
