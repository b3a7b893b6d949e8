import { expect, it } from 'vitest'
import type { OutgoingEnvelope } from '../../../../src/transport/outgoing/types.ts'
import { startHost, startScript } from './hosts.ts'
import { hopTo, MESSAGE, Sender } from './sender.ts'

const three: Partial<OutgoingEnvelope> = {
  recipients: [{ address: 'a@example.test' }, { address: 'b@example.test' }, { address: 'c@example.test' }],
}

/** Answers like a host that takes everything, except for the lines in a table. */
const host = (answers: Readonly<Record<string, string>>, extensions = '') => {
  let isContent = false
  return (line: string): string | undefined => {
    if (line === '') return isContent ? undefined : '220 host.test'
    if (isContent && line !== '.') return undefined
    if (line === '.') isContent = false
    const known = Object.entries(answers).find(([start]) => line.startsWith(start))?.[1]
    if (known !== undefined) return known
    if (line.startsWith('EHLO')) return `250-host.test\r\n${extensions}250 8BITMIME`
    isContent = line === 'DATA'
    return isContent ? '354 go on' : '250 2.0.0 OK'
  }
}

const kinds = (recipients: readonly { readonly kind: string }[]): string[] => recipients.map(({ kind }) => kind)

it('sends a message as it is, and records the session with its transcript', async () => {
  await using server = await startHost()
  await using sender = new Sender()
  expect(await sender.send([hopTo(server.port)])).toMatchObject({
    session: 'smtp-1',
    recipients: [
      {
        address: 'b@example.test',
        kind: 'sent',
        code: 250,
        text: '250 queued',
        remoteHost: 'localhost',
        remoteAddress: '127.0.0.1',
      },
    ],
  })
  expect(server.received).toMatchObject([{ from: 'a@lab.test', raw: MESSAGE }])
  expect(sender.last).toMatchObject({
    direction: 'out',
    virtualServer: 'Outside',
    remotePort: server.port,
    refusals: [],
  })
  const { transcript } = sender
  expect(transcript[0]).toBe(`  (to localhost port ${server.port}, TLS level may)`)
  expect(transcript.filter((line) => line.startsWith('*C: '))).toEqual([
    '*C: EHLO lab.test',
    '*C: MAIL FROM:<a@lab.test>',
    '*C: RCPT TO:<b@example.test>',
    '*C: DATA',
    // With the dot that was added.
    `*C: (${MESSAGE.length + 1} octets)`,
  ])
  expect(transcript.at(-1)).toBe('*S: 250 queued')
})

it('pipelines the envelope only if the host offers PIPELINING', async () => {
  for (const [extension, expected] of [
    ['250-PIPELINING\r\n', ['C', 'C', 'C', 'S', 'S', 'S']],
    ['', ['C', 'S', 'C', 'S', 'C', 'S']],
  ] as const) {
    await using server = await startScript(host({}, extension))
    await using sender = new Sender()
    expect(await sender.sendOne(hopTo(server.port))).toMatchObject({ kind: 'sent' })
    const from = sender.transcript.findIndex((line) => line.includes('MAIL FROM'))
    expect(sender.transcript.slice(from, from + 6).map((line) => line[1])).toEqual(expected)
  }
})

it('tells for each recipient what the host answered', async () => {
  await using server = await startScript(
    host({
      'RCPT TO:<a@': '550-5.1.1 No such user.\r\n550 5.1.1 Ask the postmaster.',
      'RCPT TO:<b@': '450 4.2.0 Greylisted',
      '.': '250 2.0.0 queued as 1',
    }),
  )
  await using sender = new Sender()
  const { recipients } = await sender.send([hopTo(server.port)], three)
  expect(recipients).toMatchObject([
    { kind: 'failed', code: 550, enhancedCode: '5.1.1', text: '550 5.1.1 No such user. Ask the postmaster.' },
    { kind: 'deferred', code: 450, enhancedCode: '4.2.0', text: '450 4.2.0 Greylisted' },
    { kind: 'sent', code: 250, enhancedCode: '2.0.0', text: '250 2.0.0 queued as 1' },
  ])
  expect(sender.last.refusals).toEqual([
    'RCPT: 550 5.1.1 No such user. Ask the postmaster.',
    'RCPT: 450 4.2.0 Greylisted',
  ])
})

it.each([
  ['MAIL', { 'MAIL ': '451 4.3.0 Later' }, ['deferred', 'deferred', 'deferred']],
  ['every recipient', { 'RCPT ': '550 5.7.1 No' }, ['failed', 'failed', 'failed']],
  [
    'some recipients, then DATA',
    { 'RCPT TO:<a@': '550 5.1.1 No', DATA: '451 4.3.0 Later' },
    ['failed', 'deferred', 'deferred'],
  ],
  [
    'some recipients, then the message',
    { 'RCPT TO:<a@': '550 5.1.1 No', '.': '554 5.6.0 Spam' },
    ['failed', 'failed', 'failed'],
  ],
  ['more recipients than it takes', { 'RCPT TO:<c@': '552 Too many' }, ['sent', 'sent', 'deferred']],
  ['with something that is no reply', { 'MAIL ': 'banana' }, ['deferred', 'deferred', 'deferred']],
])('handles a host that refuses %s', async (_, answers, expected) => {
  for (const extension of ['', '250-PIPELINING\r\n']) {
    await using server = await startScript(host(answers, extension))
    await using sender = new Sender()
    const { recipients } = await sender.send([hopTo(server.port)], three)
    expect(kinds(recipients)).toEqual(expected)
  }
})

it.each(['250 2.0.0 OK', '334 go on', '300 what now', '150 wait', 'banana'])(
  'sends no message to a host that answers DATA with “%s”, and ends the session',
  async (reply) => {
    for (const extension of ['', '250-PIPELINING\r\n']) {
      await using server = await startScript(host({ DATA: reply }, extension))
      await using sender = new Sender()
      const { recipients } = await sender.send([hopTo(server.port)], three)
      expect(kinds(recipients)).toEqual(['deferred', 'deferred', 'deferred'])
      expect(recipients[0]?.text).toBe(`the host answered DATA with ${reply}, not with 354`)
      await expect.poll(() => server.lines.at(-1)).toBe('DATA')
      expect(sender.last).toMatchObject({ endCause: 'connection lost' })
    }
  },
)

it.each(['354 go on', '150 wait', 'banana'])('takes “%s” as reply to the message for a lost one', async (reply) => {
  await using server = await startScript(host({ '.': reply }))
  await using other = await startHost()
  await using sender = new Sender()
  const { recipients } = await sender.send([hopTo(server.port), hopTo(other.port)])
  expect(recipients).toMatchObject([{ kind: 'deferred', enhancedCode: '4.4.2' }])
  expect(recipients[0]?.text).toMatch(`the host answered the message with ${reply}; it may have taken the message`)
  expect(other.received).toEqual([])
  expect(sender.last.endCause).toBe('connection lost')
})

it('says that a message may arrive twice if the reply to it is lost', async () => {
  await using server = await startScript(host({ '.': 'close' }))
  await using other = await startHost()
  await using sender = new Sender()
  const { recipients } = await sender.send([hopTo(server.port), hopTo(other.port)])
  expect(recipients).toMatchObject([{ kind: 'deferred', enhancedCode: '4.4.2' }])
  expect(recipients[0]?.text).toMatch(/^the (host closed the )?connection.*may then arrive twice$/)
  // Another host must not get it now.
  expect(other.received).toEqual([])
})

it.each([
  ['the greeting', { EHLO: 'close' }],
  ['MAIL', { 'MAIL ': 'close' }],
  ['RCPT', { 'RCPT ': 'close' }],
])('defers the mail if the connection is lost at %s, and does not speak of doubles', async (_, answers) => {
  await using server = await startScript(host(answers))
  await using sender = new Sender()
  const result = await sender.sendOne(hopTo(server.port))
  expect(result).toMatchObject({ kind: 'deferred', enhancedCode: '4.4.2' })
  expect(result.text).not.toMatch(/twice/)
})

it.each([
  ['a greeting with 554', { '': '554 No SMTP service here' }, 'deferred'],
  ['a greeting with 421', { '': '421 4.3.2 Busy' }, 'deferred'],
  ['a host that never takes mail (RFC 7504)', { '': '521 host.test does not accept mail' }, 'failed'],
])('tries the next host after %s', async (_, answers, kind) => {
  const greeting = answers['']
  await using bad = await startScript((line) => (line === '' ? greeting : 'close'))
  await using good = await startHost()
  await using sender = new Sender()
  expect(await sender.sendOne(hopTo(bad.port))).toMatchObject({ kind })
  if (kind === 'failed') return
  const { recipients } = await sender.send([hopTo(bad.port), hopTo(good.port)])
  expect(recipients).toMatchObject([{ kind: 'sent' }])
})

it('tries all hosts and addresses in order, and records those that cannot be connected to', async () => {
  await using good = await startHost()
  await using closed = await startHost()
  const { port } = closed
  await closed[Symbol.asyncDispose]()
  await using sender = new Sender()
  const { recipients } = await sender.send([
    hopTo(port, { host: 'first.example.test' }),
    hopTo(good.port, { addresses: ['127.0.0.1', '127.0.0.2'] }),
  ])
  expect(recipients).toMatchObject([{ kind: 'sent' }])
  const [first] = sender.sessions.list()
  expect(first).toMatchObject({ direction: 'out', remotePort: port, endCause: 'connection lost' })
  expect(first?.refusals).toEqual([
    expect.stringMatching(/^cannot connect to first\.example\.test \(127\.0\.0\.1\) port \d+: .*ECONNREFUSED/),
  ])
  expect(await sender.sendOne(hopTo(port))).toMatchObject({ kind: 'deferred', enhancedCode: '4.4.1' })
})

it('says HELO to a host that does not know EHLO', async () => {
  await using server = await startScript(host({ EHLO: '502 Unknown' }))
  await using sender = new Sender()
  expect(await sender.sendOne(hopTo(server.port))).toMatchObject({ kind: 'sent' })
  expect(server.lines.slice(0, 3)).toEqual(['EHLO lab.test', 'HELO lab.test', 'MAIL FROM:<a@lab.test>'])
})

it('uses a connection for several messages, and opens another one when the host has closed it', async () => {
  await using server = await startScript(host({}))
  await using sender = new Sender()
  for (let n = 0; n < 3; n++) expect(await sender.sendOne(hopTo(server.port))).toMatchObject({ kind: 'sent' })
  expect(server.connections).toBe(1)
  await using closing = await startScript(host({ '.': '250 OK' }))
  expect(await sender.sendOne(hopTo(closing.port))).toMatchObject({ kind: 'sent' })
})

it('opens another connection if a kept one was closed by the host', async () => {
  let messages = 0
  const answer = host({})
  await using server = await startScript((line) => {
    // The second message on the first connection finds it closed.
    if (line.startsWith('MAIL') && ++messages === 2) return 'close'
    return answer(line)
  })
  await using sender = new Sender()
  expect(await sender.sendOne(hopTo(server.port))).toMatchObject({ kind: 'sent' })
  expect(await sender.sendOne(hopTo(server.port))).toMatchObject({ kind: 'sent' })
  expect(server.connections).toBe(2)
})

it('keeps a connection after a refusal, and resets it', async () => {
  await using server = await startScript(host({ 'RCPT TO:<a@': '550 5.1.1 No' }))
  await using sender = new Sender()
  await sender.sendOne(hopTo(server.port), { recipients: [{ address: 'a@example.test' }] })
  expect(await sender.sendOne(hopTo(server.port))).toMatchObject({ kind: 'sent' })
  expect(server.connections).toBe(1)
  expect(server.lines).toContain('RSET')
})

it('opens no more connections at a time than the connector allows', async () => {
  let [open, most] = [0, 0]
  const answers = new Map<number, (line: string) => string | undefined>()
  await using server = await startScript((line, socket, connection) => {
    const known = answers.get(connection)
    if (known) return known(line)
    answers.set(connection, host({}))
    most = Math.max(most, ++open)
    socket.once('close', () => open--)
    return '220 host.test'
  })
  await using sender = new Sender()
  const schedule = { connections: 2 } as never
  await Promise.all(
    Array.from({ length: 6 }, () => sender.sendOne(hopTo(server.port), {}, 'Subject: x\r\n\r\nx\r\n', { schedule })),
  )
  expect(most).toBe(2)
})

it('gives up a host that does not answer in time', async () => {
  await using server = await startScript((line) => (line === '' ? '220 host.test' : undefined))
  await using sender = new Sender({
    timeouts: {
      connectMs: 30_000,
      handshakeMs: 30_000,
      blockMs: 30_000,
      replyMs: (command) => (command === 'EHLO' ? 50 : 30_000),
    },
  })
  expect(await sender.sendOne(hopTo(server.port))).toMatchObject({
    kind: 'deferred',
    enhancedCode: '4.4.2',
    text: 'the host sent no reply to EHLO within 0.05 s',
  })
  expect(sender.last).toMatchObject({ endCause: 'connection lost' })
})

it('sends from the null reverse-path', async () => {
  await using server = await startHost()
  await using sender = new Sender()
  await sender.sendOne(hopTo(server.port), { mailFrom: '' })
  expect(server.received).toMatchObject([{ from: '' }])
})

it('ends its connections with QUIT when the lab stops', async () => {
  await using server = await startScript(host({ QUIT: '221 bye' }))
  const sender = new Sender()
  await sender.sendOne(hopTo(server.port))
  await sender[Symbol.asyncDispose]()
  expect(sender.last.endCause).toBe('client closed')
  expect(server.lines.at(-1)).toBe('QUIT')
})

it('stops after 421, also if the host stays, and defers the other recipients', async () => {
  for (const extension of ['', '250-PIPELINING\r\n']) {
    await using server = await startScript(host({ 'RCPT TO:<b@': '421 4.3.2 Busy' }, extension))
    await using sender = new Sender()
    const { recipients } = await sender.send([hopTo(server.port)], three)
    expect(recipients).toMatchObject([
      {
        kind: 'deferred',
        enhancedCode: '4.4.2',
        text: 'the host closed the connection at RCPT TO:<b@example.test>: 421 4.3.2 Busy',
      },
      { kind: 'deferred', code: 421, text: '421 4.3.2 Busy' },
      { kind: 'deferred', enhancedCode: '4.4.2' },
    ])
  }
})

it('ends the connection of a host that answers without a command', async () => {
  await using server = await startScript(host({ 'RCPT ': '250 ok\r\n451 4.3.0 and more' }))
  await using sender = new Sender()
  const result = await sender.sendOne(hopTo(server.port))
  expect(result).toMatchObject({ kind: 'deferred' })
  expect(sender.last.endCause).toBe('connection lost')
})

it.each([
  ['that refuses MAIL', 'MAIL ', 'deferred', 0],
  ['that refuses every recipient', 'RCPT ', 'deferred', 1],
])('gives no message to a host that takes DATA, but %s before', async (_, start, kind, dots) => {
  await using server = await startScript(host({ [start]: '451 4.3.0 Later' }, '250-PIPELINING\r\n'))
  await using sender = new Sender()
  expect(await sender.sendOne(hopTo(server.port))).toMatchObject({ kind, text: '451 4.3.0 Later' })
  expect(server.lines.filter((line) => line === '.')).toHaveLength(dots)
  expect(server.lines).not.toContain('Hello.')
})
