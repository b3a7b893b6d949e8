import { describe, expect, it } from 'vitest'
import type { FaultInput } from '../../../../src/core/config/schema/fault.ts'
import { startLab } from '../../../../src/testing/index.ts'
import type { OutgoingEnvelope } from '../../../../src/transport/outgoing/types.ts'
import { connectorTo, queued, queueEvent, send, startOutgoingLab } from '../support.ts'
import { startScript } from './hosts.ts'
import { hopTo, Sender } from './sender.ts'

const three: Partial<OutgoingEnvelope> = {
  recipients: ['a', 'b', 'c'].map((user) => ({ address: `${user}@example.test` })),
}

/** A host of LMTP that refuses recipients before the content, by their lines, and replies to the content as told. */
const host = (contentReplies: readonly string[], refused = 'none', extensions = '') => {
  let isContent = false
  return (line: string): string | undefined => {
    if (line === '') return isContent ? undefined : '220 host.test'
    if (line === '.') {
      isContent = false
      return contentReplies.join('\r\n')
    }
    if (isContent) return undefined
    if (line.startsWith('EHLO')) return '500 5.5.1 This is LMTP'
    if (line.startsWith('LHLO')) return `250-host.test\r\n${extensions}250 8BITMIME`
    if (line.includes(refused)) return '550 5.1.1 no such user'
    isContent = line === 'DATA'
    return isContent ? '354 go on' : '250 2.0.0 OK'
  }
}

const sendTo = async (sender: Sender, port: number) =>
  (await sender.send([hopTo(port)], three, undefined, { protocol: 'lmtp' })).recipients.map(
    ({ kind, text }) => `${kind}: ${text}`,
  )

describe('LMTP (RFC 2033)', () => {
  it.each([
    ['one command at a time', ''],
    ['pipelined', '250-PIPELINING\r\n'],
  ])('reads a reply to the content for each accepted recipient, %s', async (_, extensions) => {
    await using server = await startScript(host(['250 stored', '452 4.2.2 full'], 'b@example.test', extensions))
    await using sender = new Sender()
    expect(await sendTo(sender, server.port)).toEqual([
      'sent: 250 stored',
      'failed: 550 5.1.1 no such user',
      'deferred: 452 4.2.2 full',
    ])
    expect(server.lines[0]).toBe('LHLO lab.test')
    expect(sender.last).toMatchObject({ protocol: 'lmtp', id: 'lmtp-1' })
    // The connection is kept: no reply is left over.
    expect((await sendTo(sender, server.port))[0]).toBe('sent: 250 stored')
    expect(server.connections).toBe(1)
  })

  it('defers only the recipients whose reply is missing, and tries no other host for them', async () => {
    await using server = await startScript(host(['250 stored']))
    await using other = await startScript(host(['250 stored', '250 stored']))
    await using sender = new Sender({
      timeouts: { connectMs: 1000, handshakeMs: 1000, blockMs: 1000, replyMs: () => 300 },
    })
    const hops = [hopTo(server.port), hopTo(other.port)]
    const { recipients } = await sender.send(hops, three, undefined, { protocol: 'lmtp' })
    expect(recipients.map(({ kind }) => kind)).toEqual(['sent', 'deferred', 'deferred'])
    expect(recipients[1]?.text).toMatch(/no reply to end of data within .*may then arrive twice/)
    expect(other.connections).toBe(0)
  })

  it('never takes a host of SMTP for one of LMTP', async () => {
    await using server = await startScript((line) => (line.startsWith('LHLO') ? '502 5.5.1 unknown' : '220 host.test'))
    await using sender = new Sender()
    expect((await sendTo(sender, server.port))[0]).toBe('deferred: the host answered LHLO with 502 5.5.1 unknown')
    expect(server.lines.filter((line) => /^(?:EHLO|HELO|MAIL)/.test(line))).toEqual([])
  })

  it('ends the session with a host that takes DATA without a recipient', async () => {
    await using server = await startScript(host([], '@example.test', '250-PIPELINING\r\n'))
    await using sender = new Sender()
    expect((await sendTo(sender, server.port))[0]).toBe('failed: 550 5.1.1 no such user')
    expect(server.lines).not.toContain('.')
    expect(sender.last.endCause).toBe('connection lost')
  })

  it.each<[string, FaultInput['do'], readonly string[]]>([
    ['a refusal instead of the message', { reply: '451 4.3.0 later' }, ['deferred', 'deferred', 'deferred']],
    ['a lost connection after all replies', { drop: 'after' }, ['sent', 'sent', 'sent']],
    ['a lost connection before the replies', { drop: 'before', stored: false }, ['deferred', 'deferred', 'deferred']],
  ])('a fault at the end of the message: %s', async (_, action, kinds) => {
    await using server = await startScript(host(['250 1', '250 2', '250 3']))
    await using sender = new Sender()
    sender.addFault({ when: { protocol: 'lmtp', on: 'end-of-data', direction: 'out' }, do: action })
    const { recipients } = await sender.send([hopTo(server.port)], three, undefined, { protocol: 'lmtp' })
    expect(recipients.map(({ kind }) => kind)).toEqual(kinds)
  })
})

it('a connector delivers to another lab by LMTP; only the full mailbox gets nothing', async () => {
  await using mailboxes = await startLab({
    domain: 'boxes.test',
    directory: {
      accounts: [
        { user: 'carol', password: 'secret' },
        { user: 'dave', password: 'secret' },
      ],
    },
    virtualServers: [{ protocol: 'lmtp', port: 0, tlsPort: 0 }],
  })
  mailboxes.faults.add({
    when: { protocol: 'lmtp', on: 'end-of-data', matching: '<dave@' },
    do: { reply: '552 5.2.2 The mailbox is full', stored: false },
  })
  const { port } = mailboxes.server('lmtp')
  await using lab = await startOutgoingLab([
    connectorTo(port as number, {
      protocol: 'lmtp',
      smartHost: { host: 'localhost', port: port as number, tls: 'encrypt' },
    }),
  ])
  const failed = queueEvent(lab, 'failed')
  await send(lab, { to: ['carol@boxes.test', 'dave@boxes.test'], raw: 'Subject: by LMTP\r\n\r\nHello.\r\n' })
  const { entry } = await failed
  expect(entry.recipients.map(({ address, kind }) => [address, kind])).toEqual([
    ['carol@boxes.test', 'sent'],
    ['dave@boxes.test', 'failed'],
  ])
  expect(await mailboxes.messages('carol')).toMatchObject([
    { subject: 'by LMTP', session: { protocol: 'lmtp', tls: { version: 'TLSv1.3' } } },
  ])
  expect(queued(lab)).toEqual([])
})
