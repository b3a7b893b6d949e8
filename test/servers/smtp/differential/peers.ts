import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import pino from 'pino'
import { SMTPServer } from 'smtp-server'
import { systemClock } from '../../../../src/core/time/clock.ts'
import { startLab } from '../../../../src/testing/index.ts'
import { openCertificateStore } from '../../../../src/tls/pki/certificate-store/store.ts'

export const SIZE_LIMIT = 2_000
const NAMES = ['localhost', '127.0.0.1']

/** A running SMTP server: either the reference or a lab. */
export interface ComparedServer extends AsyncDisposable {
  readonly port: number
  /** PEM of the root certificate. */
  readonly ca: string
  /** Returns the messages from a sender, as text in Latin-1 without trace fields. */
  received(sender: string): Promise<string[]>
}

/** Starts a lab with accounts alice (secret) and bob (geheim) of lab.test. */
export async function startOurs(): Promise<ComparedServer> {
  const lab = await startLab({
    directory: {
      accounts: [
        { user: 'alice', password: 'secret' },
        { user: 'bob', password: 'geheim' },
      ],
    },
    virtualServers: [{ protocol: 'smtp', limits: { messageSize: SIZE_LIMIT, connections: 1_000 } }],
  })
  const withoutTrace = (raw: Buffer): string =>
    raw.toString('latin1').replace(/^Return-Path: .*\r\nReceived: .*\r\n(?:[\t ].*\r\n)*/, '')
  return {
    port: lab.server('smtp').port,
    ca: lab.ca,
    async received(sender) {
      return (await lab.messages({ from: sender })).map(({ raw }) => withoutTrace(raw))
    },
    [Symbol.asyncDispose]: () => lab.stop(),
  }
}

/** Starts smtp-server with the same users, limits and extensions. */
export async function startReference(): Promise<ComparedServer> {
  const log = pino({ level: 'silent' })
  await using certificates = await openCertificateStore({ folder: 'memory', key: 'p256', clock: systemClock, log })
  const [certificate] = await certificates.resolve('reference', { kind: 'auto' }, NAMES)
  if (!certificate) throw new Error('no certificate for the reference server')
  const messages: { readonly sender: string; readonly raw: string }[] = []
  const server = new SMTPServer({
    name: 'localhost',
    key: certificate.privateKeyPem,
    cert: [certificate.certificatePem, ...certificate.chainPem].join('\n'),
    minVersion: 'TLSv1.2',
    size: SIZE_LIMIT,
    authMethods: ['PLAIN', 'LOGIN', 'CRAM-MD5'],
    authOptional: true,
    allowInsecureAuth: true,
    hideSMTPUTF8: false,
    hideENHANCEDSTATUSCODES: false,
    hideDSN: false,
    disableReverseLookup: true,
    closeTimeout: 100,
    onAuth({ username, authzid, password, validatePassword, method }, _session, done) {
      const right = method === 'CRAM-MD5' ? validatePassword('secret') : password === 'secret'
      const asItself = !authzid || authzid === username // RFC 4422 section 3.4.1
      if (username === 'alice' && right && asItself) done(null, { user: 'alice' })
      else done(Object.assign(new Error('wrong user name or password'), { responseCode: 535 }))
    },
    onRcptTo({ address }, _session, done) {
      const isLocal = /@lab\.test$/i.test(address)
      const known = /^("?)(?:alice|bob|postmaster)\1@/i.test(address)
      done(isLocal && !known ? Object.assign(new Error('no such mailbox'), { responseCode: 550 }) : null)
    },
    onData(stream, { envelope }, done) {
      const pieces: Buffer[] = []
      stream.on('data', (piece: Buffer) => pieces.push(piece))
      stream.on('end', () => {
        if (stream.sizeExceeded) return done(Object.assign(new Error('message too large'), { responseCode: 552 }))
        const sender = envelope.mailFrom ? envelope.mailFrom.address : ''
        messages.push({ sender, raw: Buffer.concat(pieces).toString('latin1') })
        done()
      })
    },
  })
  server.on('error', () => {}) // failed handshakes and clients that disconnect
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  return {
    port: (server.server.address() as AddressInfo).port,
    ca: certificates.rootPem,
    received: async (sender) => messages.filter((message) => message.sender === sender).map(({ raw }) => raw),
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
