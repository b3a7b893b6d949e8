import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { startLab } from '../../src/testing/start-lab.ts'
import type { TestLab } from '../../src/testing/test-lab.ts'
import { LineClient } from '../support/line-client.ts'

const accounts = [{ user: 'alice', password: 'secret' }]
const until = (client: LineClient, expected: RegExp): Promise<string[]> => client.lines((line) => expected.test(line))
const refusals = (lab: TestLab): string =>
  lab
    .sessions()
    .flatMap((record) => record.refusals)
    .join('\n')

test.each([
  ['smtp', 'EHLO client.test\r\nAUTH PLAIN AGFsaWNlAHdyb25n', /^421 4\.7\.0 /],
  ['pop3', 'AUTH PLAIN AGFsaWNlAHdyb25n', /^-ERR \[SYS\/TEMP\] /],
  ['imap4', 'f LOGIN alice wrong', /^\* BYE \[LIMIT\]/],
  ['nntp', 'AUTHINFO SASL PLAIN AGFsaWNlAHdyb25n', /^400 /],
] as const)(
  '%s: without connectionsPerAddress, a client that reconnects instead of waiting for failedLogonDelay is refused',
  async (protocol, failedLogOn, refused) => {
    await using lab = await startLab({
      directory: { accounts },
      virtualServers: [{ protocol, limits: { failedLogonDelay: '1h', connectionsPerAddress: 'off' } }],
    })
    const { port } = lab.server(protocol)
    let tries = 0
    let greeting: string | undefined
    for (; tries < 200; tries++) {
      const socket = connect({ host: '127.0.0.1', port })
      const guesser = new LineClient(socket)
      greeting = await guesser.line()
      if (refused.test(greeting ?? '')) break
      guesser.send(`${failedLogOn}\r\n`)
      await expect
        .poll(() => JSON.stringify(lab.sessions().at(-1)?.transcript), { interval: 1 })
        .toContain('delayed by')
      socket.resetAndDestroy()
      await expect.poll(() => lab.sessions().at(-1)?.endedAt, { interval: 1 }).toBeDefined()
    }
    expect([tries, greeting]).toEqual([100, expect.stringMatching(refused)])
    expect(refusals(lab)).toContain('(limits.failedLogonDelay)')
    // Other addresses are served.
    using other = new LineClient(connect({ host: '127.0.0.1', port, localAddress: '127.0.0.2' }))
    expect(await other.line()).not.toMatch(refused)
  },
)

test('smtp: STARTTLS after a log-on starts the log-on limits again (RFC 3207 section 4.2)', async () => {
  await using lab = await startLab({
    directory: { accounts },
    virtualServers: [{ protocol: 'smtp', limits: { logonTimeout: '2s' } }],
  })
  const client = await LineClient.open(lab.server('smtp').port)
  client.send('EHLO client.test\r\nAUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n')
  await until(client, /^235 /)
  client.send('STARTTLS\r\n')
  await until(client, /^220 2\.0\.0/)
  await client.startTls(lab.ca)
  expect((await client.rest()).at(-1)).toMatch(/^421 4\.7\.0 /)
  await expect.poll(() => lab.sessions()[0]?.endCause).toBe('log-on timeout')
})

test('smtp: after STARTTLS, single octets do not restart the idle timeout, although the client had logged on', async () => {
  await using lab = await startLab({
    directory: { accounts },
    virtualServers: [{ protocol: 'smtp', limits: { logonTimeout: 'off', idleTimeout: '2s' } }],
  })
  const client = await LineClient.open(lab.server('smtp').port)
  client.send('EHLO client.test\r\nAUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n')
  await until(client, /^235 /)
  client.send('STARTTLS\r\n')
  await until(client, /^220 2\.0\.0/)
  await client.startTls(lab.ca)
  const octets = setInterval(() => client.send('x'), 50)
  expect((await client.rest()).at(-1)).toMatch(/^421 4\.4\.2 /)
  clearInterval(octets)
})

test('nntp: STARTTLS leaves a peer that is known by address without a log-on timeout', async () => {
  const feeds = [{ peer: 'news.peer.test', direction: 'in' as const, from: ['127.0.0.1'] }]
  await using lab = await startLab({ virtualServers: [{ protocol: 'nntp', limits: { logonTimeout: '2s' }, feeds }] })
  const { port } = lab.server('nntp')
  using peer = await LineClient.open(port)
  peer.send('STARTTLS\r\n')
  await until(peer, /^382 /)
  await peer.startTls(lab.ca)
  const socket = connect({ host: '127.0.0.1', port, localAddress: '127.0.0.2' })
  expect((await new LineClient(socket).rest()).at(-1)).toMatch(/^400 /)
  expect(lab.sessions()[0]?.endedAt).toBeUndefined()
})

test('handshakeTimeout: a handshake fault waits no longer for the ClientHello', async () => {
  await using lab = await startLab({
    virtualServers: [{ protocol: 'imap4', limits: { handshakeTimeout: '200ms' } }],
  })
  lab.faults.add({ when: { on: 'handshake' }, do: { delay: '1h' } })
  const silent = connect({ host: '127.0.0.1', port: lab.server('imap4').tlsPort }).on('error', () => {})
  silent.resume()
  await once(silent, 'close')
  expect(refusals(lab)).toMatch(
    /^TLS handshake: the client sent nothing before the end of limits.handshakeTimeout \(0\.\d+ s\)/,
  )
})
