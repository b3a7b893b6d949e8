import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { systemClock } from '../../../src/core/time/clock.ts'
import { MemoryStore } from '../../../src/storage/store/engines/memory/memory-store.ts'
import { LineClient } from '../../support/line-client.ts'
import type { MailLab } from '../../support/mail-lab.ts'
import { connectBy, startImapLab } from './support.ts'

async function loggedOn(lab: MailLab): Promise<LineClient> {
  const client = await connectBy('TLS', lab)
  client.send('l LOGIN alice secret\r\n')
  expect(await client.line()).toMatch(/^l OK/)
  return client
}

/** Returns the octets of message data that the server has prepared for a session so far, sent or not. */
const preparedOctets = (lab: MailLab, session: number): number =>
  (lab.sessions()[session]?.transcript ?? []).reduce(
    (sum, entry) => sum + (entry.kind === 'octets' ? entry.octets : 0),
    0,
  )

/** More than the socket buffers of client and server hold. */
const SOCKET_OCTETS = 12 << 20

const upTo = (client: LineClient, tag: string): Promise<string[]> => client.lines((line) => line.startsWith(`${tag} `))

test('RFC 9051 section 5.5: replies to pipelined commands come in order', async () => {
  await using lab = await startImapLab()
  using client = await loggedOn(lab)
  const tags = Array.from({ length: 200 }, (_, i) => `t${i}`)
  client.send(tags.map((tag) => `${tag} ${tag.endsWith('7') ? 'NONSENSE' : 'NOOP'}\r\n`).join(''))
  for (const tag of tags) expect(await client.line()).toMatch(tag.endsWith('7') ? `${tag} BAD` : `${tag} OK`)
})

test('RFC 9051 section 6.2.1: clear text after STARTTLS is discarded, and the session is reset', async () => {
  await using lab = await startImapLab()
  using client = await LineClient.greeted(lab.port)
  client.send('1 STARTTLS\r\n2 LOGIN alice secret\r\n3 NOOP\r\n')
  expect(await client.line()).toMatch(/^1 OK/)
  await client.startTls(lab.ca)
  client.send('4 CAPABILITY\r\n5 SELECT INBOX\r\n')
  expect(await client.line()).toMatch(/^\* CAPABILITY (?!.*STARTTLS)(?!.*LOGINDISABLED).*AUTH=PLAIN/)
  expect(await client.line()).toMatch(/^4 OK/)
  expect(await client.line()).toMatch(/^5 BAD/)
})

test('RFC 9051 section 5.4: an idle client receives BYE, in IDLE too', async () => {
  await using lab = await startImapLab({ idleTimeoutMs: 300 })
  const silent = await loggedOn(lab)
  const idling = await loggedOn(lab)
  idling.send('1 IDLE\r\n')
  expect(await silent.rest()).toEqual([expect.stringMatching(/^\* BYE/)])
  expect(await idling.rest()).toEqual(['+ idling', expect.stringMatching(/^\* BYE/)])
})

test('when the lab stops, every session receives BYE', async () => {
  const lab = await startImapLab()
  const [one, other] = [await loggedOn(lab), await loggedOn(lab)]
  other.send('1 IDLE\r\n')
  expect(await other.line()).toBe('+ idling')
  await lab[Symbol.asyncDispose]()
  expect(await one.rest()).toEqual([expect.stringMatching(/^\* BYE/)])
  expect(await other.rest()).toEqual([expect.stringMatching(/^\* BYE/)])
})

test('a client over the connection limit receives BYE', async () => {
  await using lab = await startImapLab({ limits: { connections: 1 } })
  using first = await loggedOn(lab)
  const second = await LineClient.open(lab.port)
  expect(await second.rest()).toEqual([expect.stringMatching(/^\* BYE \[UNAVAILABLE\]/)])
  first.send('1 NOOP\r\n')
  expect(await first.line()).toMatch(/^1 OK/)
})

test('connections lost in a literal or a response do not affect other sessions', async () => {
  await using lab = await startImapLab()
  await lab.put('alice', ...Array.from({ length: 50 }, () => `Subject: x\r\n\r\n${'y'.repeat(100_000)}`))
  using steady = await loggedOn(lab)
  for (let n = 0; n < 10; n++) {
    const literal = await loggedOn(lab)
    literal.send('1 APPEND INBOX {1000+}\r\nabc')
    literal.destroy()
    using answer = await loggedOn(lab)
    answer.send('1 SELECT INBOX\r\n2 FETCH 1:* BODY.PEEK[]\r\n')
    await answer.line()
  }
  steady.send('1 STATUS INBOX (MESSAGES)\r\n')
  expect(await upTo(steady, '1')).toEqual(['* STATUS INBOX (MESSAGES 50)', expect.stringMatching(/^1 OK/)])
})

test('a slow reader receives everything, without buffering it in memory', async () => {
  await using lab = await startImapLab()
  await lab.put('alice', ...Array.from({ length: 200 }, (_, n) => `Subject: ${n}\r\n\r\n${'y'.repeat(100_000)}\r\n`))
  const slow = connect({ host: '127.0.0.1', port: lab.port })
  await once(slow, 'data')
  slow.pause()
  slow.write('1 LOGIN alice secret\r\n2 EXAMINE INBOX\r\n3 FETCH 1:* BODY[]\r\n4 LOGOUT\r\n')
  using other = await loggedOn(lab)
  other.send('1 NOOP\r\n')
  expect(await other.line()).toMatch(/^1 OK/)
  for (let n = 0; n < 50; n++) {
    other.send('2 NOOP\r\n')
    await other.line()
  }
  // The rest of the 20 MB stays in the store until the client reads.
  expect(preparedOctets(lab, 0)).toBeGreaterThan(0)
  expect(preparedOctets(lab, 0)).toBeLessThan(SOCKET_OCTETS)
  let octets = 0
  slow.on('data', (chunk: Buffer) => {
    octets += chunk.length
  })
  slow.resume()
  await once(slow, 'close')
  expect(octets).toBeGreaterThan(200 * 100_000)
})

test('a message of 50 MB is stored and fetched, and kept in memory once', async () => {
  // The store has room for one copy.
  await using store = new MemoryStore({ clock: systemClock, limits: { octets: 60 << 20 } })
  await using lab = await startImapLab({ limits: { messageSize: 64 << 20 }, store })
  using client = await loggedOn(lab)
  const raw = Buffer.alloc(50 << 20, 'Subject: large\r\n\r\n0123456789abcde\r\n')
  client.send(`1 APPEND INBOX {${raw.length}+}\r\n`)
  client.send(raw)
  client.send('\r\n')
  expect(await client.line()).toMatch(/^1 OK/)
  client.send(
    '2 SELECT INBOX\r\n3 FETCH 1 (RFC822.SIZE BODY.PEEK[HEADER.FIELDS (SUBJECT)] BODY.PEEK[]<52428000.99>)\r\n',
  )
  await upTo(client, '2')
  const answer = await upTo(client, '3')
  expect(answer[0]).toMatch(/RFC822.SIZE 52428800 BODY\[HEADER.FIELDS \(SUBJECT\)\] \{18\}/)
  expect(answer.at(-1)).toMatch(/^3 OK/)
})

test('a short command is answered while a long search runs', async () => {
  await using lab = await startImapLab()
  await lab.put(
    'alice',
    ...Array.from({ length: 300 }, (_, n) => `Subject: ${n}\r\n\r\n${'some words '.repeat(2_000)}`),
  )
  const [long, short] = [await loggedOn(lab), await loggedOn(lab)]
  long.send('1 SELECT INBOX\r\n2 SEARCH BODY "not there"\r\n')
  await upTo(long, '1')
  const searched = upTo(long, '2')
  short.send('1 NOOP\r\n')
  expect(await short.line()).toMatch(/^1 OK/)
  expect(await searched).toEqual(['* SEARCH', expect.stringMatching(/^2 OK/)])
  long.destroy()
  short.destroy()
})

test('a message fetched many times in one command is not kept in memory many times', async () => {
  await using lab = await startImapLab()
  using client = await loggedOn(lab)
  const raw = Buffer.alloc(8 * 1024 * 1024, 'a\0')
  client.send(`1 APPEND INBOX ~{${raw.length}+}\r\n`)
  client.send(raw)
  client.send('\r\n2 SELECT INBOX\r\n')
  expect((await upTo(client, '2')).at(-1)).toMatch(/^2 OK/)
  client.pause()
  using other = await loggedOn(lab)
  const before = preparedOctets(lab, 0)
  client.send(`3 FETCH 1 (${Array(200).fill('BODY.PEEK[]').join(' ')})\r\n`)
  await expect.poll(() => preparedOctets(lab, 0)).toBeGreaterThan(before)
  for (let n = 0; n < 50; n++) {
    other.send('4 NOOP\r\n')
    await other.line()
  }
  // While the client does not read, only a few copies of the 1.6 GB are prepared.
  expect(preparedOctets(lab, 0) - before).toBeLessThan(SOCKET_OCTETS + 2 * raw.length)
})

test('the rest of a refused command is not kept in memory, even if it is large', async () => {
  await using lab = await startImapLab()
  using client = await loggedOn(lab)
  client.send('1 NOOP {0+}\r\n')
  let most = 0
  for (let i = 0; i < 5_000; i++) {
    client.send(`${'x'.repeat(60_000)}{0+}\r\n`)
    if (i % 50 === 0) await expect.poll(() => client.pendingOctets, { interval: 1 }).toBeLessThan(1_000_000)
    most = Math.max(most, lab.lab.intake.memory.usage.messages)
  }
  client.send('\r\n2 NOOP\r\n')
  expect(await client.line()).toMatch(/^1 BAD/)
  // The command has 300 MB. Up to the limit it is kept.
  expect(most).toBeGreaterThan(0)
  expect(most).toBeLessThan(600_000)
  expect(await client.line()).toMatch(/^2 OK/)
})

test('a command refused before its literal gets a reply with its tag, even if text follows the literal', async () => {
  await using lab = await startImapLab()
  using client = await loggedOn(lab)
  client.send('1 {3+}\r\nabc2 NOOP\r\n3 NOOP\r\n')
  expect(await client.line()).toMatch(/^1 BAD/)
  expect(await client.line()).toMatch(/^3 OK/)
})
