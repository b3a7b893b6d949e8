import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { LabInput, ServerProtocol } from '../../src/core/config/schema.ts'
import { systemClock } from '../../src/core/time/clock.ts'
import { createLab } from '../../src/lab/create-lab.ts'
import type { Lab } from '../../src/lab/lab.ts'
import { accountOwner } from '../../src/storage/store/folder.ts'
import { openInbox } from '../../src/storage/store/mailboxes.ts'
import { resolveForTests } from '../../src/testing/open-test-lab.ts'
import { openCertificateStore } from '../../src/tls/pki/certificate-store/store.ts'
import { LineClient } from '../support/line-client.ts'
import { log } from '../support/log.ts'

const certificateStore = await openCertificateStore({ folder: 'memory', key: 'p256', clock: systemClock, log })

/** Longer than any test: who waits for it would fail. */
const NEVER = '1h'

const start = async (config: LabInput = {}): Promise<Lab> =>
  createLab(
    await resolveForTests({
      directory: { accounts: [{ user: 'alice', password: 'secret' }] },
      news: { groups: [{ name: 'lab.general' }] },
      drain: { timeout: NEVER },
      virtualServers: (['smtp', 'pop3', 'imap4', 'nntp', 'http'] as const).map((protocol) => ({
        protocol,
        certificate: 'none',
      })),
      ...config,
    }),
    { log, clock: systemClock, certificateStore },
  )

const portOf = (lab: Lab, protocol: ServerProtocol): number =>
  lab.endpoints().find((one) => one.protocol === protocol)?.port as number

/** Connects, and sends lines, each after the reply to the one before. Returns the client and the last reply. */
async function talk(lab: Lab, protocol: ServerProtocol, ...lines: string[]): Promise<LineClient> {
  const client = await LineClient.open(portOf(lab, protocol))
  const isLast = (line: string): boolean => !/^\d{3}-/.test(line) && !/^\* (?!OK \[CAPABILITY|BYE)/.test(line)
  await client.lines(isLast)
  for (const line of lines) {
    client.send(`${line}\r\n`)
    await client.lines(isLast)
  }
  return client
}

/** Begins to drain. Resolves once the ports are closed. */
async function drain(lab: Lab, hurry = new AbortController()): Promise<{ readonly ended: Promise<void> }> {
  const ended = lab.drain(hurry.signal)
  while (lab.endpoints().some(({ port }) => port !== undefined)) await sleep(1)
  return { ended }
}

/** Resolves once the transcript of a session has a line. */
const hasArrived = (lab: Lab, line: string): Promise<void> =>
  expect.poll(() => JSON.stringify(lab.sessionLog.list().map(({ transcript }) => transcript))).toContain(line)

const isReady = (lab: Lab) => fetch(`http://127.0.0.1:${portOf(lab, 'http')}/readyz`)
const messagesOf = async ({ store }: Lab): Promise<number> =>
  (await store.list((await openInbox(store, accountOwner('alice'))).id)).length
const MESSAGE = 'From: a@lab.test\r\nSubject: Late\r\n\r\nText\r\n'

describe('sessions without work end immediately', () => {
  it.each([
    ['smtp', ['EHLO here'], /^421 4\.3\.2 /],
    ['pop3', ['CAPA'], /^-ERR \[SYS\/TEMP\] Server is shutting down/],
    ['pop3', ['USER alice', 'PASS secret', 'STAT'], /^-ERR \[SYS\/TEMP\] Server is shutting down/],
    ['pop3', ['USER alice', 'PASS secret', 'DELE 1', 'RSET'], /^-ERR \[SYS\/TEMP\] Server is shutting down/],
    ['imap4', ['1 LOGIN alice secret'], /^\* BYE Server is shutting down/],
    ['imap4', ['1 LOGIN alice secret', '2 SELECT INBOX', '3 IDLE'], /^\* BYE Server is shutting down/],
    ['nntp', ['MODE READER'], /^400 Server is shutting down/],
  ] as const)('%s after %j', async (protocol, lines, farewell) => {
    await using lab = await start()
    await lab.deliver({ from: 'a@lab.test', to: ['alice@lab.test'], raw: Buffer.from(MESSAGE) })
    const client = await talk(lab, protocol, ...lines)
    await lab.drain(new AbortController().signal)
    expect((await client.rest()).at(-1)).toMatch(farewell)
  })
})

describe('sessions finish what they do', () => {
  it('smtp: a transaction is completed and answered, then 421 follows', async () => {
    await using lab = await start()
    const client = await talk(lab, 'smtp', 'EHLO here', 'MAIL FROM:<a@lab.test>')
    const { ended } = await drain(lab)
    client.send('RCPT TO:<alice@lab.test>\r\n')
    expect(await client.line()).toMatch(/^250 /)
    client.send('DATA\r\n')
    expect(await client.line()).toMatch(/^354 /)
    client.send(MESSAGE)
    client.send('.\r\n')
    expect(await client.rest()).toEqual([
      expect.stringMatching(/^250 .*queued/),
      expect.stringMatching(/^421 4\.3\.2 /),
    ])
    await ended
    expect(await messagesOf(lab)).toBe(1)
  })

  it('smtp: commands that have arrived are answered', async () => {
    await using lab = await start()
    const client = await talk(lab, 'smtp', 'EHLO here', 'MAIL FROM:<a@lab.test>')
    await drain(lab)
    client.send(`RCPT TO:<alice@lab.test>\r\nRSET\r\nNOOP\r\n`)
    expect((await client.rest()).map((line) => line.slice(0, 3))).toEqual(['250', '250', '250', '421'])
  })

  it('imap4: a command whose literal is on its way is completed', async () => {
    await using lab = await start()
    const client = await talk(lab, 'imap4', '1 LOGIN alice secret')
    client.send(`2 APPEND INBOX {${MESSAGE.length}}\r\n`)
    expect(await client.line()).toMatch(/^\+ /)
    const { ended } = await drain(lab)
    client.send(`${MESSAGE}\r\n`)
    expect(await client.rest()).toEqual([expect.stringMatching(/^2 OK \[APPENDUID /), '* BYE Server is shutting down.'])
    await ended
  })

  it('pop3: messages that are marked are deleted at QUIT', async () => {
    await using lab = await start()
    await lab.deliver({ from: 'a@lab.test', to: ['alice@lab.test'], raw: Buffer.from(MESSAGE) })
    const client = await talk(lab, 'pop3', 'USER alice', 'PASS secret', 'DELE 1')
    const { ended } = await drain(lab)
    client.send('QUIT\r\n')
    expect(await client.rest()).toEqual([expect.stringMatching(/^\+OK /)])
    await ended
    expect(await messagesOf(lab)).toBe(0)
  })

  it('nntp: an article that is on its way is accepted', async () => {
    await using lab = await start()
    const client = await talk(lab, 'nntp', 'POST')
    await drain(lab)
    client.send('From: a@lab.test\r\nNewsgroups: lab.general\r\nSubject: Late\r\n\r\nText\r\n.\r\n')
    expect(await client.rest()).toEqual([expect.stringMatching(/^240 /), expect.stringMatching(/^400 /)])
  })

  it('http: the answer to a request that has begun says that the connection ends', async () => {
    await using lab = await start()
    const client = await LineClient.open(portOf(lab, 'http'))
    const body = JSON.stringify({ to: ['alice@lab.test'], from: 'a@lab.test', subject: 'Late', text: 'Text' })
    client.send(
      `POST /api/v1/messages HTTP/1.1\r\nHost: localhost\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 5)}`,
    )
    await hasArrived(lab, 'POST /api/v1/messages')
    const { ended } = await drain(lab)
    client.send(body.slice(5))
    const answer = await client.rest()
    expect(answer[0]).toBe('HTTP/1.1 201 Created')
    expect(answer.map((line) => line.toLowerCase())).toContain('connection: close')
    await ended
  })

  it('http: streams of events, waits and idle connections end', async () => {
    await using lab = await start()
    const headers = { 'Content-Type': 'application/json' }
    const base = `http://127.0.0.1:${portOf(lab, 'http')}/api/v1`
    const idle = await LineClient.open(portOf(lab, 'http'))
    const events = await fetch(`${base}/events`, { headers })
    const wait = fetch(`${base}/wait`, { method: 'POST', headers, body: '{ "timeout": "5m" }' })
    const text = events.text()
    await hasArrived(lab, 'POST /api/v1/wait')
    await lab.drain(new AbortController().signal)
    expect(await text).toMatch(/event: lab\.stopping\n/)
    const answer = await wait
    expect([answer.status, await answer.json()]).toMatchObject([503, { title: 'The lab is stopping' }])
    expect(await idle.rest()).toEqual([])
  })
})

describe('time limits', () => {
  it('a lab that drains accepts clients for the delay, and is not ready', async () => {
    await using lab = await start({ drain: { delay: NEVER, timeout: NEVER } })
    expect([(await isReady(lab)).status, lab.notReady()]).toEqual([200, []])
    const hurry = new AbortController()
    const ended = lab.drain(hurry.signal)
    const answer = await isReady(lab)
    expect([answer.status, answer.headers.get('content-type'), await answer.json()]).toMatchObject([
      503,
      'application/problem+json',
      { reasons: [{ part: 'lab', detail: expect.stringMatching(/draining/) }] },
    ])
    expect((await fetch(`http://127.0.0.1:${portOf(lab, 'http')}/livez`)).status).toBe(200)
    const client = await talk(lab, 'smtp', 'EHLO here', 'MAIL FROM:<a@lab.test>')
    hurry.abort()
    await ended
    await lab.stop()
    expect((await client.rest()).at(-1)).toMatch(/^421 /)
  })

  it('sessions that do not finish in time are left to the stop', async () => {
    await using lab = await start({ drain: { timeout: '20ms' } })
    const client = await talk(lab, 'smtp', 'EHLO here', 'MAIL FROM:<a@lab.test>')
    await lab.drain(new AbortController().signal)
    client.send('NOOP\r\n')
    expect(await client.line()).toMatch(/^250 /)
    await lab.stop()
    expect(await client.rest()).toEqual([expect.stringMatching(/^421 4\.3\.2 /)])
  })
})

it('health checks leave no session', async () => {
  await using lab = await start()
  expect((await isReady(lab)).status).toBe(200)
  expect(
    (await fetch(`http://127.0.0.1:${portOf(lab, 'http')}/livez`, { headers: { connection: 'close' } })).status,
  ).toBe(200)
  // The connection of the check is kept alive by its client until the lab ends it.
  await lab.drain(new AbortController().signal)
  expect(lab.sessionLog.list().map(({ transcript }) => transcript.length)).toEqual([2])
})

it('an outage that a test has asked for is no reason for a balancer to send clients elsewhere', async () => {
  await using lab = await start()
  await lab.reach('Default SMTP Virtual Server', 'refused')
  expect((await isReady(lab)).status).toBe(200)
})
