import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { describe, expect, test } from 'vitest'
import type { Protocol, VirtualServerInput } from '../../src/core/config/schema.ts'
import { startLab } from '../../src/testing/start-lab.ts'
import type { TestLab } from '../../src/testing/test-lab.ts'
import { LineClient } from '../support/line-client.ts'

type Limits = NonNullable<VirtualServerInput['limits']>

/** The replies of each protocol to the same events. */
const protocols = [
  {
    protocol: 'smtp',
    greeting: /^220 /,
    /** A command that is complete and of no use. */
    idleCommand: 'NOOP',
    logOn: 'EHLO client.test\r\nAUTH PLAIN AGFsaWNlAHNlY3JldA==',
    loggedOn: /^235 /,
    failedLogOn: 'AUTH PLAIN AGFsaWNlAHdyb25n',
    failed: /^535 /,
    crowded: /^421 4\.7\.0 localhost Error: too many connections from your address/,
    tooLate: /^421 4\.7\.0 localhost Error: no log-on and no mail/,
  },
  {
    protocol: 'pop3',
    greeting: /^\+OK /,
    idleCommand: 'CAPA',
    logOn: 'USER alice\r\nPASS secret',
    loggedOn: /^\+OK 0 /,
    failedLogOn: 'AUTH PLAIN AGFsaWNlAHdyb25n',
    failed: /^-ERR \[AUTH\] Logon failure/,
    crowded: /^-ERR \[SYS\/TEMP\] Too many connections from your address/,
    tooLate: /^-ERR \[SYS\/TEMP\] No log-on within the time limit/,
  },
  {
    protocol: 'imap4',
    greeting: /^\* OK /,
    idleCommand: 'n NOOP',
    logOn: 'a LOGIN alice secret',
    loggedOn: /^a OK /,
    failedLogOn: 'f LOGIN alice wrong',
    failed: /^f NO \[AUTHENTICATIONFAILED\]/,
    crowded: /^\* BYE \[LIMIT\] Too many connections from your address/,
    tooLate: /^\* BYE \[LIMIT\] No log-on within the time limit/,
  },
  {
    protocol: 'nntp',
    greeting: /^200 /,
    idleCommand: 'DATE',
    logOn: 'AUTHINFO USER alice\r\nAUTHINFO PASS secret',
    loggedOn: /^281 /,
    failedLogOn: 'AUTHINFO SASL PLAIN AGFsaWNlAHdyb25n',
    failed: /^481 /,
    crowded: /^400 Too many connections from your address/,
    tooLate: /^400 No log-on and no use of the server/,
  },
] as const

const start = (protocol: Protocol, limits: Limits): Promise<TestLab> =>
  startLab({
    directory: { accounts: [{ user: 'alice', password: 'secret' }] },
    virtualServers: [{ protocol, limits }],
  })

/** Connects, from the given address if any, and returns the client with the first line. */
async function greeted(port: number, localAddress = '127.0.0.1'): Promise<[LineClient, string | undefined]> {
  const socket = connect({ host: '127.0.0.1', port, localAddress, noDelay: true })
  await once(socket, 'connect')
  const client = new LineClient(socket)
  return [client, await client.line()]
}

const until = (client: LineClient, expected: RegExp): Promise<string[]> => client.lines((line) => expected.test(line))

/** Sends lines until the server has closed the connection, at most `times`. Returns what the server sent. */
async function pester(client: LineClient, line: string, times: number): Promise<string[]> {
  const received = client.rest()
  const isOver = received.then(() => true)
  for (let i = 0; i < times; i++) {
    client.send(line)
    if (await Promise.race([isOver, sleep(20, false)])) break
  }
  client.end()
  return received
}

const refusals = (lab: TestLab): string =>
  lab
    .sessions()
    .flatMap((record) => record.refusals)
    .join('\n')

// `expect.poll` has to know its test, so concurrent tests take `expect` from their context.
describe.concurrent.each(protocols)('$protocol', ({ protocol, greeting, crowded, ...words }) => {
  test('connectionsPerAddress: refuses more clients of one address, and serves others', async ({ expect }) => {
    await using lab = await start(protocol, { connectionsPerAddress: 2 })
    const { port } = lab.server(protocol)
    const [first, line] = await greeted(port)
    expect(line).toMatch(greeting)
    await greeted(port)
    const [third, refusal] = await greeted(port)
    expect(refusal).toMatch(crowded)
    expect(await third.rest()).toEqual([])
    expect(lab.sessions()[2]?.refusals).toEqual(['the limit of 2 connections per address is reached'])
    expect((await greeted(port, '127.0.0.2'))[1]).toMatch(greeting)
    first.destroy()
    await expect.poll(async () => (await greeted(port))[1]).toMatch(greeting)
  })

  test('logonTimeout: disconnects a client that sends commands and never logs on', async ({ expect }) => {
    await using lab = await start(protocol, { logonTimeout: '300ms' })
    const [client] = await greeted(lab.server(protocol).port)
    const received = await pester(client, `${words.idleCommand}\r\n`, 500)
    expect(received.at(-1)).toMatch(words.tooLate)
    await expect.poll(() => lab.sessions()[0]?.endCause).toBe('log-on timeout')
    expect(refusals(lab)).toContain('no log-on within the time limit (limits.logonTimeout)')
  })

  test('logonTimeout: keeps a client that has logged on', async () => {
    await using lab = await start(protocol, { logonTimeout: '3s' })
    const { port } = lab.server(protocol)
    const [user] = await greeted(port)
    user.send(`${words.logOn}\r\n`)
    expect((await until(user, words.loggedOn)).at(-1)).toMatch(words.loggedOn)
    // The time of a client that connects later ends later.
    const [stranger] = await greeted(port)
    expect((await stranger.rest()).at(-1)).toMatch(words.tooLate)
    expect(lab.sessions()[0]?.endedAt).toBeUndefined()
  })

  test('idleTimeout: single octets do not keep a client connected before log-on', async ({ expect }) => {
    await using lab = await start(protocol, { idleTimeout: '400ms' })
    const [client] = await greeted(lab.server(protocol).port)
    await pester(client, 'x', 500)
    await expect.poll(() => lab.sessions()[0]?.endCause).toBe('idle')
  })

  test('failedLogonDelay: doubles for each failure of an address, and delays no other client', async () => {
    await using lab = await start(protocol, { failedLogonDelay: '10ms' })
    const { port } = lab.server(protocol)
    const fail = async (times: number): Promise<void> => {
      const [client] = await greeted(port)
      if (protocol === 'smtp') client.send('EHLO client.test\r\n')
      for (let i = 0; i < times; i++) {
        client.send(`${words.failedLogOn}\r\n`)
        expect((await until(client, words.failed)).at(-1)).toMatch(words.failed)
      }
      client.destroy()
    }
    await fail(3)
    await fail(3)
    const transcripts = JSON.stringify(lab.sessions().map(({ transcript }) => transcript))
    const delays = [...transcripts.matchAll(/delayed by (\d+) ms/g)].map(([, ms]) => Number(ms))
    expect(delays).toEqual([10, 20, 40, 40, 40, 40])
  })

  test('failedLogonDelay: a client that sends many passwords together gets one try, and others log on', async ({
    expect,
  }) => {
    await using lab = await start(protocol, { failedLogonDelay: '1h', connectionsPerAddress: 2 })
    const { port } = lab.server(protocol)
    const socket = connect({ host: '127.0.0.1', port })
    const guesser = new LineClient(socket)
    await guesser.line()
    if (protocol === 'smtp') guesser.send('EHLO client.test\r\n')
    guesser.send(`${words.failedLogOn}\r\n`.repeat(1_000))
    await expect.poll(() => JSON.stringify(lab.sessions()[0]?.transcript)).toContain('delayed by 3600000 ms')
    const [user] = await greeted(port)
    user.send(`${words.logOn}\r\n`)
    expect((await until(user, words.loggedOn)).at(-1)).toMatch(words.loggedOn)
    // Disconnecting does not give the place back before the delay is over.
    socket.resetAndDestroy()
    await expect.poll(() => lab.sessions()[0]?.endedAt).toBeDefined()
    expect((await greeted(port))[1]).toMatch(crowded)
    expect(JSON.stringify(lab.sessions()[0]?.transcript).split('delayed by')).toHaveLength(2)
  })
})

describe.concurrent('a client that uses the server without a log-on', () => {
  test('smtp: an accepted recipient ends the log-on timeout', async () => {
    await using lab = await start('smtp', { logonTimeout: '3s' })
    const { port } = lab.server('smtp')
    const [sender] = await greeted(port)
    sender.send('EHLO client.test\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<alice@lab.test>\r\n')
    await until(sender, /^250 2\.1\.5/)
    const [stranger] = await greeted(port)
    await stranger.rest()
    expect(lab.sessions()[0]?.endedAt).toBeUndefined()
  })

  test('nntp: reading ends the log-on timeout', async () => {
    await using lab = await start('nntp', { logonTimeout: '3s' })
    const { port } = lab.server('nntp')
    const [reader] = await greeted(port)
    reader.send('GROUP lab.general\r\n')
    await until(reader, /^211 /)
    const [stranger] = await greeted(port)
    await stranger.rest()
    expect(lab.sessions()[0]?.endedAt).toBeUndefined()
  })

  test('nntp: a peer that is known by address has no log-on timeout', async () => {
    await using lab = await startLab({
      virtualServers: [
        {
          protocol: 'nntp',
          limits: { logonTimeout: '3s' },
          feeds: [{ peer: 'news.peer.test', direction: 'in', from: ['127.0.0.1'] }],
        },
      ],
    })
    const { port } = lab.server('nntp')
    await greeted(port)
    const [stranger] = await greeted(port, '127.0.0.2')
    expect((await stranger.rest()).at(-1)).toMatch(/^400 /)
    expect(lab.sessions()[0]?.endedAt).toBeUndefined()
  })

  test('smtp: message content that trickles does not restart the idle timeout', async () => {
    await using lab = await start('smtp', { idleTimeout: '400ms' })
    const [sender] = await greeted(lab.server('smtp').port)
    sender.send('EHLO client.test\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<alice@lab.test>\r\nDATA\r\n')
    await until(sender, /^354 /)
    expect((await pester(sender, 'x', 500)).at(-1)).toMatch(/^421 4\.4\.2 /)
  })
})

describe.concurrent('TLS', () => {
  test('connectionsPerAddress: handshakes count, and a refusal is sent over TLS', async ({ expect }) => {
    await using lab = await start('imap4', { connectionsPerAddress: 1 })
    const { tlsPort } = lab.server('imap4')
    const silent = connect({ host: '127.0.0.1', port: tlsPort })
    await once(silent, 'connect')
    await expect.poll(() => lab.sessions().length).toBe(1)
    const client = connectTls({ host: '127.0.0.1', port: tlsPort, ca: lab.ca, servername: 'localhost' })
    const [refusal] = (await once(client, 'data')) as [Buffer]
    expect(refusal.toString()).toMatch(/^\* BYE \[LIMIT\]/)
    client.destroy()
    silent.destroy()
  })

  test('connectionsPerAddress: silent handshakes do not shut out other addresses', async ({ expect }) => {
    await using lab = await start('imap4', { connectionsPerAddress: 2, connections: 8 })
    const { tlsPort } = lab.server('imap4')
    const silent = Array.from({ length: 20 }, () => connect({ host: '127.0.0.1', port: tlsPort }).on('error', () => {}))
    await expect.poll(() => lab.sessions().filter(({ endedAt }) => endedAt !== undefined)).toHaveLength(16)
    const socket = connect({ host: '127.0.0.1', port: tlsPort, localAddress: '127.0.0.2' })
    const client = connectTls({ socket, ca: lab.ca, servername: 'localhost' })
    const [greeting] = (await once(client, 'data')) as [Buffer]
    expect(greeting.toString()).toMatch(/^\* OK /)
    client.destroy()
    for (const socket of silent) socket.destroy()
  })

  test('handshakeTimeout: a client that sends no ClientHello is disconnected', async () => {
    await using lab = await start('imap4', { handshakeTimeout: '200ms' })
    const silent = connect({ host: '127.0.0.1', port: lab.server('imap4').tlsPort }).on('error', () => {})
    silent.resume()
    await once(silent, 'close')
    expect(refusals(lab)).toMatch(
      /^TLS handshake: the client sent nothing before the end of limits.handshakeTimeout \(0\.\d+ s\)/,
    )
  })
})
