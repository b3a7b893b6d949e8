import { expect, it } from 'vitest'
import { seededRandom } from '../../../../src/core/values/random.ts'
import { startHost, startScript, startTaker } from './hosts.ts'
import { hopTo, Sender } from './sender.ts'

const timeouts = { connectMs: 1_000, handshakeMs: 100, blockMs: 100, replyMs: () => 100 }

it.each([
  ['a reply without an end', (unit: string) => unit.repeat(30_000), '250-and so on\r\n', /reply without an end/],
  ['a line without an end', (unit: string) => unit.repeat(300_000), 'x', /reply without an end/],
])('gives up a host that sends %s', async (_, grow, unit, why) => {
  await using host = await startScript((line, socket) => {
    if (line === '') return '220 host.test'
    socket.write(grow(unit))
    return undefined
  })
  await using sender = new Sender()
  expect(await sender.sendOne(hopTo(host.port))).toMatchObject({ kind: 'deferred', text: expect.stringMatching(why) })
})

it('keeps the replies that it knows when a line that is too long follows them', async () => {
  await using host = await startTaker((line) => {
    if (line.startsWith('RCPT')) return '550 5.1.1 no such user'
    return line === 'RSET' ? `250 ${'x'.repeat(131_100)}` : undefined
  })
  await using sender = new Sender()
  expect(await sender.sendOne(hopTo(host.port))).toMatchObject({ kind: 'failed', enhancedCode: '5.1.1' })
})

const SAYINGS = [
  '220 hello',
  '220-hello',
  '250 ok',
  '250-host\r\n250-STARTTLS\r\n250 PIPELINING',
  '250-host\r\n250 AUTH PLAIN XOAUTH2',
  '334 ',
  '354 go on',
  '354',
  '421 4.3.2 busy',
  '451 later',
  '550-no\r\n551 no',
  '999 what',
  '',
  '\r\n\r\n',
  '250',
  '25',
  '\u0000\u0001\u00ff',
  'close',
  '250 ok\r\n250 ok\r\n250 ok\r\n250 ok',
]

it('survives hosts that answer at random, and has a result for every recipient', async () => {
  const seed = Math.floor(Math.random() * 1e9)
  const random = seededRandom(seed)
  await using sender = new Sender({ timeouts })
  const recipients = [{ address: 'a@example.test' }, { address: 'b@example.test', notify: ['NEVER'] }]
  const sessions = Array.from({ length: 60 }, async () => {
    await using host = await startScript((line) => {
      // Most get beyond the greeting.
      if (line === '' && random() < 0.8) return '220 host'
      if (line.startsWith('EHLO') && random() < 0.7) return '250-host\r\n250 PIPELINING'
      return random() < 0.1 ? undefined : SAYINGS[Math.floor(random() * SAYINGS.length)]
    })
    return sender.send([hopTo(host.port, { user: 'u', password: 'p', tls: random() < 0.5 ? 'none' : 'may' })], {
      recipients,
    })
  })
  for (const { recipients: results } of await Promise.all(sessions)) {
    expect(
      results.map(({ address }) => address),
      `seed ${seed}`,
    ).toEqual(['a@example.test', 'b@example.test'])
    for (const { kind, text } of results) {
      expect(['sent', 'deferred', 'failed'], `seed ${seed}`).toContain(kind)
      expect(text, `seed ${seed}`).not.toBe('')
    }
  }
  // A session that nobody ended would stay in the log as open.
  await sender[Symbol.asyncDispose]()
  const open = (): number => sender.sessions.list().filter(({ endedAt }) => endedAt === undefined).length
  await expect.poll(open, { timeout: 10_000, message: `seed ${seed}` }).toBe(0)
})

it('ends the connection when the host answers before the end of the message', async () => {
  await using host = await startScript((line) => {
    if (line === 'DATA') return '354 go on'
    if (line === 'Subject: hello') return '552 5.3.4 too large'
    return line === '' ? '220 host' : '250 host'
  })
  await using sender = new Sender()
  let reads = 0
  const message = async function* () {
    yield Buffer.from('Subject: hello\r\n\r\n')
    if (++reads === 1) return
    await expect.poll(() => sender.transcript.join()).toContain('too large')
    yield Buffer.from('Hello.\r\n')
  }
  expect(await sender.sendOne(hopTo(host.port), {}, message)).toMatchObject({
    kind: 'deferred',
    text: 'the host answered during the message: 552 5.3.4 too large',
  })
  expect(host.lines).not.toContain('RSET')
  expect(sender.last.endCause).toBe('connection lost')
})

it('ends the connection when the message cannot be read to its end, so that no part is taken', async () => {
  await using host = await startHost()
  await using sender = new Sender()
  let reads = 0
  const message = async function* () {
    yield Buffer.from('Subject: hello\r\n\r\n')
    if (++reads > 1) throw new Error('the disk is gone')
  }
  expect(await sender.sendOne(hopTo(host.port), {}, message)).toMatchObject({
    kind: 'deferred',
    text: 'the message could not be read: the disk is gone',
  })
  expect(host.received).toEqual([])
})
