import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { afterAll, describe, expect, test } from 'vitest'
import { smtp } from '../../../servers/smtp/session.ts'
import { LineClient } from '../../support/line-client.ts'
import { startMailLab } from '../../support/mail-lab.ts'
import { ScramClient, type ScramClientOptions } from '../../support/scram-client.ts'
import { ask, ehlo } from './support.ts'

const METHODS = ['anonymous', 'basic', 'scram-sha-1-plus', 'scram-sha-256-plus', 'scram-sha-512-plus'] as const

const lab = await startMailLab(smtp, {
  config: { virtualServers: [{ protocol: 'smtp', tlsPort: 0, tls: { legacy: true }, authentication: [...METHODS] }] },
})
afterAll(() => lab.stop())

/** The same connection for the test's TLS and for its SMTP. */
interface Session extends Disposable {
  readonly socket: TLSSocket
  readonly client: LineClient
}

const TLS_12: ConnectionOptions = { maxVersion: 'TLSv1.2' }
/** Node.js does not serve TLS 1.0 here: the engine for old clients does. */
const TLS_10: ConnectionOptions = { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'AES128-SHA:@SECLEVEL=0' }

async function open(options: ConnectionOptions): Promise<Session> {
  const socket = connect({ host: '127.0.0.1', port: lab.tlsPort, ca: lab.ca, servername: 'localhost', ...options })
  await once(socket, 'secureConnect')
  const client = new LineClient(socket)
  await client.line()
  await ehlo(client)
  return { socket, client, [Symbol.dispose]: () => client.destroy() }
}

/** Opens a second connection that resumes the session of a first one. */
async function resume(options: ConnectionOptions): Promise<Session> {
  using first = await open(options)
  const session = first.socket.getSession()
  const resumed = await open({ ...options, ...(session ? { session } : {}) })
  expect(resumed.socket.isSessionReused()).toBe(true)
  return resumed
}

const b64 = (text: string): string => Buffer.from(text).toString('base64')
const decode = (line: string | undefined): string => Buffer.from((line ?? '').slice(4), 'base64').toString()

/** Logs on as alice. Returns the server's last message and the reply. @param answer to the last message */
async function logOn(client: LineClient, mechanism: string, options: ScramClientOptions, answer = '') {
  const scram = new ScramClient('alice', 'secret', options)
  const first = await ask(client, `AUTH ${mechanism} ${b64(scram.first())}`)
  const last = await ask(client, b64(scram.final(decode(first))))
  if (!last?.startsWith('334 ')) return { last: '', reply: last, scram }
  return { last: decode(last), reply: await ask(client, answer), scram }
}

type Binding = (socket: TLSSocket) => Buffer | undefined
const exporter: Binding = (socket) => socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))
const own: Binding = (socket) => socket.getFinished()
const server: Binding = (socket) => socket.getPeerFinished()
const endPoint: Binding = (socket) => createHash('sha256').update(socket.getPeerCertificate().raw).digest()

describe('SCRAM with channel binding', () => {
  test.each([
    ['TLS 1.3', 'tls-exporter', open, {}, exporter],
    ['TLS 1.3', 'tls-server-end-point', open, {}, endPoint],
    ['TLS 1.2', 'tls-exporter', open, TLS_12, exporter],
    ['TLS 1.2', 'tls-server-end-point', open, TLS_12, endPoint],
    ['TLS 1.2', 'tls-unique', open, TLS_12, own],
    // The server's Finished message is the first one there. RFC 5929 section 3.1
    ['resumed TLS 1.2', 'tls-unique', resume, TLS_12, server],
    ['TLS 1.0 with the engine for old clients', 'tls-server-end-point', open, TLS_10, endPoint],
    ['TLS 1.0 with the engine for old clients', 'tls-unique', open, TLS_10, own],
    ['resumed TLS 1.0 with the engine for old clients', 'tls-unique', resume, TLS_10, server],
  ] as const)('%s: %s', async (_, type, connectTo, options, binding) => {
    using session = await connectTo(options)
    const scram = { gs2: `p=${type},,`, binding: binding(session.socket) as Buffer }
    const { last, reply, scram: used } = await logOn(session.client, 'SCRAM-SHA-256-PLUS', scram)
    expect(reply).toBe('235 2.7.0 Authentication successful')
    expect(last).toBe(`v=${used.serverSignature}`)
    expect(lab.sessions().at(-1)).toMatchObject({ user: 'alice', tls: { version: session.socket.getProtocol() } })
  })

  test.each([
    ['tls-unique in TLS 1.3', {}, 'tls-unique', 'unsupported-channel-binding-type'],
    ['tls-exporter of the engine for old clients', TLS_10, 'tls-exporter', 'unsupported-channel-binding-type'],
    ['another channel', {}, 'tls-exporter', 'channel-bindings-dont-match'],
  ] as const)('%s is refused', async (_, options, type, error) => {
    using session = await open(options)
    const scram = { gs2: `p=${type},,`, binding: Buffer.alloc(32) }
    const { last, reply } = await logOn(session.client, 'SCRAM-SHA-256-PLUS', scram)
    expect(last).toBe(`e=${error}`)
    expect(reply).toBe(`535 5.7.8 Authentication failed: SCRAM: ${error}`)
  })

  test('is announced under TLS only, where a client that did not see it is refused', async () => {
    const clear = await LineClient.greeted(lab.port)
    expect((await ehlo(clear)).find((line) => line.includes('AUTH '))).not.toContain('PLUS')
    expect(await ask(clear, 'AUTH SCRAM-SHA-1-PLUS')).toBe('530 5.7.0 Must issue a STARTTLS command first')
    expect((await logOn(clear, 'SCRAM-SHA-1', { hash: 'SHA-1', gs2: 'y,,' })).reply).toMatch(/^235 /)
    clear.destroy()
    using session = await open({})
    const announced = (await ehlo(session.client)).find((line) => line.includes('AUTH '))
    expect(announced).toMatch(/SCRAM-SHA-1-PLUS SCRAM-SHA-256-PLUS SCRAM-SHA-512-PLUS/)
    const { last } = await logOn(session.client, 'SCRAM-SHA-512', { hash: 'SHA-512', gs2: 'y,,' })
    expect(last).toBe('e=server-does-support-channel-binding')
    expect((await logOn(session.client, 'SCRAM-SHA-512', { hash: 'SHA-512' })).reply).toMatch(/^235 /)
  })
})

test('NOOP instead of an empty line after the server’s proof is answered by the reply to AUTH only', async () => {
  using client = await LineClient.greeted(lab.port)
  await ehlo(client)
  expect((await logOn(client, 'SCRAM-SHA-256', {}, 'NOOP')).reply).toBe('235 2.7.0 Authentication successful')
  expect(await ask(client, 'MAIL FROM:<alice@lab.test>')).toMatch(/^250 2\.1\.0 /)
})
