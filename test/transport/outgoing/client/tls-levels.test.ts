import { createHash, X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import { expect, it } from 'vitest'
import type { NextHop, TlsaRecord } from '../../../../src/transport/outgoing/types.ts'
import { type ServerIdentity, TestAuthority } from '../../../checks/verify/authority.ts'
import { some } from '../../../support/thorough.ts'
import { startHost, startScript, startTaker } from './hosts.ts'
import { hopTo, Sender } from './sender.ts'

const authority = await TestAuthority.create()
const stranger = await TestAuthority.create()
const [good, expired, elsewhere, untrusted] = await Promise.all([
  authority.issue(),
  authority.issue({ from: -20, to: -1 }),
  authority.issue({ names: ['mail.elsewhere.test'] }),
  stranger.issue(),
])

const roots = async (): Promise<readonly string[]> => [authority.rootPem]

/** Sends one message to a host with a certificate, and tells what became of it. */
async function attempt(identity: ServerIdentity | undefined, hop: Partial<NextHop>) {
  await using host = await startHost({}, identity)
  await using sender = new Sender({ roots })
  const { recipients, hosts } = await sender.send([hopTo(host.port, hop)])
  const [result] = recipients
  return { result, hosts, session: sender.last, received: host.received, log: sender.sessions.list() }
}

it.each(['verify', 'secure'] as const)('%s: sends over TLS with a verified certificate', async (tls) => {
  const { result, session, received } = await attempt(good, { tls })
  expect(result).toMatchObject({ kind: 'sent' })
  expect(received).toMatchObject([{ isSecure: true }])
  expect(session.tls).toMatchObject({
    version: 'TLSv1.3',
    serverName: 'localhost',
    peerCertificate: { subject: 'CN=localhost', policy: tls, verified: true },
  })
})

// Node.js 24 and 26 end with a segmentation fault where a program asks node:tls for such a chain in detail.
it('survives a host whose authority has a key on a curve that is not NIST’s', async () => {
  const identity = await (await TestAuthority.create('secp256k1')).issue()
  const { result, session } = await attempt(identity, { tls: 'may' })
  expect(result).toMatchObject({ kind: 'sent' })
  expect(session.tls).toMatchObject({ peerCertificate: { subject: 'CN=localhost', verified: false } })
})

it.each([
  ['expired', expired, {}, 'its certificate has expired (CERT_HAS_EXPIRED)', 'certificate-expired'],
  ['for another name', elsewhere, {}, 'its certificate is not for localhost', 'certificate-host-mismatch'],
  ['untrusted', untrusted, {}, /issued by an authority that is not trusted/, 'certificate-not-trusted'],
  [
    'not for the name of the policy',
    good,
    { names: ['mx.example.test'] },
    'is not for mx.example.test',
    'certificate-host-mismatch',
  ],
] as const)(
  'verify: defers the mail and sends nothing if the certificate is %s',
  async (_, identity, hop, why, failure) => {
    const { result, session, received, hosts } = await attempt(identity, { tls: 'verify', ...hop })
    expect(result).toMatchObject({ kind: 'deferred', enhancedCode: '4.7.5' })
    expect(result?.text).toMatch(why)
    expect(result?.text).toMatch(/^TLS level verify is not fulfilled by localhost: /)
    expect(received).toEqual([])
    expect(hosts).toMatchObject([{ failure }])
    expect(session).toMatchObject({
      direction: 'out',
      endCause: 'handshake failed',
      tls: { peerCertificate: { verified: false } },
    })
    expect(session.refusals).toEqual([result?.text])
    const sent = session.transcript.flatMap((entry) =>
      entry.kind === 'line' && entry.direction === 'out' ? [entry.text] : [],
    )
    expect(sent).toEqual(['EHLO lab.test', 'STARTTLS'])
  },
)

it.each(['encrypt', 'verify', 'dane'] as const)('%s: defers the mail if STARTTLS is not offered', async (tls) => {
  const { result, received, hosts } = await attempt(undefined, { tls, tlsa: [record(good, 3, 1, 1)] })
  expect(result).toMatchObject({
    kind: 'deferred',
    enhancedCode: '4.7.5',
    text: `TLS level ${tls} is not fulfilled by localhost: it does not offer STARTTLS`,
  })
  expect(hosts).toMatchObject([{ failure: 'starttls-not-supported' }])
  expect(received).toEqual([])
})

it.each(['may', 'encrypt'] as const)('%s: accepts any certificate, and says that it is not verified', async (tls) => {
  const { result, session, received } = await attempt(untrusted, { tls })
  expect(result).toMatchObject({ kind: 'sent' })
  expect(received).toMatchObject([{ isSecure: true }])
  expect(session.tls?.peerCertificate).toMatchObject({ verified: false, policy: tls })
})

it('may: sends in clear text if STARTTLS is missing', async () => {
  const { result, received } = await attempt(undefined, { tls: 'may' })
  expect(result).toMatchObject({ kind: 'sent' })
  expect(received).toMatchObject([{ isSecure: false }])
})

it('may: connects again in clear text if the handshake fails', async () => {
  const script = await startScript((line, socket, connection) => {
    if (line === '') return '220 broken'
    if (line.startsWith('EHLO')) return '250-broken\r\n250 STARTTLS'
    if (line === 'STARTTLS') {
      socket.write('220 go\r\n')
      return 'not TLS at all'
    }
    return connection === 1
      ? 'close'
      : line === 'DATA'
        ? '354 go'
        : /^(MAIL|RCPT|\.$)/.test(line)
          ? '250 ok'
          : undefined
  })
  await using host = script
  await using sender = new Sender({ roots })
  expect(await sender.sendOne(hopTo(host.port))).toMatchObject({ kind: 'sent' })
  expect(host.connections).toBe(2)
  const [first, second] = sender.sessions.list()
  expect(first).toMatchObject({
    endCause: 'handshake failed',
    refusals: [expect.stringMatching(/^TLS with localhost failed: /)],
  })
  expect(second?.tls).toBeUndefined()
})

it.each([
  ['an authority that does not exist', { roots: async () => Promise.reject(new Error('no such authority')) }, {}],
  ['an unreadable key', { identity: async () => Promise.reject(new Error('no such key')) }, { certificate: 'Mine' }],
])('may: defers the mail at %s, and does not send it in clear text', async (_, services, connector) => {
  for (const implicitTls of [false, true]) {
    await using host = await startTaker((line) =>
      line.startsWith('EHLO') ? '250-host.test\r\n250 STARTTLS' : undefined,
    )
    await using sender = new Sender({ roots, ...services })
    const result = await sender.sendOne(hopTo(host.port, { implicitTls }), {}, undefined, connector)
    expect(result).toMatchObject({ kind: 'deferred', enhancedCode: '4.3.5', text: expect.stringMatching(/^no such /) })
    expect(host.lines).toEqual(implicitTls ? [] : ['EHLO lab.test'])
    expect(sender.sessions.list()).toMatchObject([{ endCause: 'client closed' }])
  }
})

it('none: sends in clear text although STARTTLS is offered', async () => {
  const { received } = await attempt(good, { tls: 'none' })
  expect(received).toMatchObject([{ isSecure: false }])
})

it('sends over implicit TLS', async () => {
  await using host = await startHost({ secure: true }, good)
  await using sender = new Sender({ roots })
  expect(await sender.sendOne(hopTo(host.port, { implicitTls: true, tls: 'verify' }))).toMatchObject({ kind: 'sent' })
  expect(sender.transcript.filter((line) => line.startsWith('*'))).toEqual([])
})

it('discards what the host sends in clear text after its reply to STARTTLS', async () => {
  await using host = await startScript((line, socket) => {
    if (line === '') return '220 host'
    if (line.startsWith('EHLO')) return '250-host\r\n250 STARTTLS'
    if (line === 'STARTTLS') socket.write('220 go\r\n250-injected\r\n250 AUTH PLAIN\r\n')
    return undefined
  })
  await using sender = new Sender({
    roots,
    timeouts: { connectMs: 30_000, handshakeMs: 300, blockMs: 30_000, replyMs: () => 30_000 },
  })
  expect(await sender.sendOne(hopTo(host.port, { tls: 'encrypt' }))).toMatchObject({
    kind: 'deferred',
    enhancedCode: '4.7.5',
  })
  expect(host.lines.filter((line) => /^[A-Z]/.test(line))).toEqual(['EHLO lab.test', 'STARTTLS'])
})

it('shows its certificate to a host that asks for one', async () => {
  const client = await authority.issue({ names: ['lab.test'], purpose: 'clientAuth' })
  const options = { requestCert: true, rejectUnauthorized: true, ca: authority.rootPem }
  await using host = await startHost(options, good)
  const identity = async () => ({ certificates: [client.cert], key: client.key })
  await using sender = new Sender({ roots, identity })
  const hop = hopTo(host.port, { tls: 'verify' })
  expect(await sender.sendOne(hop, {}, undefined, { certificate: 'Default SMTP Virtual Server' })).toMatchObject({
    kind: 'sent',
  })
  const without = await sender.sendOne(hop)
  expect(without).toMatchObject({ kind: 'deferred' })
  expect(without.text).toMatch(/alert|closed|lost/)
})

/** Returns a TLSA record for the certificate of a host, or for its issuer. */
function record(identity: ServerIdentity, usage: number, selector: number, matchingType: number): TlsaRecord {
  const certificate = usage === 3 ? identity.certificate : authority.intermediate
  const octets = selector === 0 ? certificate.raw : certificate.publicKey.export({ type: 'spki', format: 'der' })
  const hashes = ['', 'sha256', 'sha512']
  const data =
    matchingType === 0
      ? octets
      : createHash(hashes[matchingType] as string)
          .update(octets)
          .digest()
  return { usage, selector, matchingType, data }
}

const everyForm = [2, 3].flatMap((usage) =>
  [0, 1].flatMap((selector) => [0, 1, 2].map((type) => [usage, selector, type] as const)),
)

it.each(some(everyForm, 6))('dane: sends if the record %i %i %i matches', async (usage, selector, matchingType) => {
  // The lab trusts no root: the record alone counts.
  await using host = await startHost({}, good)
  await using sender = new Sender()
  const hop = hopTo(host.port, { tls: 'dane', policy: 'dane', tlsa: [record(good, usage, selector, matchingType)] })
  expect(await sender.sendOne(hop)).toMatchObject({ kind: 'sent' })
  expect(sender.last.tls?.peerCertificate).toMatchObject({ verified: true, policy: 'dane: dane' })
})

it('dane: needs neither name nor dates for the certificate of the host itself', async () => {
  for (const identity of [expired, elsewhere]) {
    const { result } = await attempt(identity, { tls: 'dane', tlsa: [record(identity, 3, 1, 1)] })
    expect(result).toMatchObject({ kind: 'sent' })
  }
})

it.each([
  [
    'the certificate is another one',
    good,
    [{ ...record(good, 3, 1, 1), data: Buffer.alloc(32) }],
    /does not match the TLSA records 3 1 1 0000000000000000…/,
  ],
  [
    'a trust anchor matches, but the name does not',
    elsewhere,
    [record(elsewhere, 2, 0, 1)],
    /has none of the names localhost/,
  ],
  ['a trust anchor matches, but the certificate has expired', expired, [record(expired, 2, 0, 1)], /does not match/],
  ['the chain does not reach the trust anchor', untrusted, [record(good, 2, 1, 1)], /does not match/],
] as const)('dane: defers the mail if %s', async (_, identity, tlsa, why) => {
  const { result, received } = await attempt(identity, { tls: 'dane', tlsa })
  expect(result).toMatchObject({ kind: 'deferred', enhancedCode: '4.7.5' })
  expect(result?.text).toMatch(why)
  expect(received).toEqual([])
})

it('dane: takes a trust anchor that the host does not send, if the record holds it', async () => {
  const alone = await authority.issueWithoutChain()
  const { result } = await attempt(alone, { tls: 'dane', tlsa: [record(good, 2, 0, 0)] })
  expect(result).toMatchObject({ kind: 'sent' })
})

const unusable = [record(good, 1, 1, 1), { ...record(good, 3, 1, 1), data: Buffer.alloc(7) }]

it('dane: defers the mail if no record is usable', async () => {
  const { result, hosts } = await attempt(good, { tls: 'dane', tlsa: unusable })
  expect(result).toMatchObject({ kind: 'deferred', enhancedCode: '4.7.5' })
  expect(hosts).toMatchObject([{ failure: 'tlsa-invalid' }])
})

it('encrypt: tells that the host has only unusable TLSA records', async () => {
  const { result, session, hosts } = await attempt(untrusted, { tls: 'encrypt', policy: 'dane', tlsa: unusable })
  expect(result).toMatchObject({ kind: 'sent' })
  expect(session.tls?.peerCertificate).toMatchObject({ verified: false, error: 'none of its TLSA records is usable' })
  expect(hosts).toMatchObject([{ failure: 'tlsa-invalid' }])
})

it('asks for the certificate of the TLSA base domain', async () => {
  const hop = { tls: 'dane', serverName: 'mx.example.test', tlsa: [record(good, 3, 1, 1)] } as const
  const asked: string[] = []
  const SNICallback = (name: string, done: (error: null, context: SecureContext) => void): void => {
    asked.push(name)
    done(null, createSecureContext(good))
  }
  await using host = await startHost({ SNICallback }, good)
  await using sender = new Sender()
  expect(await sender.sendOne(hopTo(host.port, hop))).toMatchObject({ kind: 'sent' })
  expect(asked).toEqual(['mx.example.test'])
  expect(sender.last.tls).toMatchObject({ serverName: 'mx.example.test' })
})

it('reports the host and both addresses for TLS reports', async () => {
  const { hosts } = await attempt(good, { tls: 'verify' })
  expect(hosts).toMatchObject([{ hop: { host: 'localhost' }, remoteAddress: '127.0.0.1', localAddress: '127.0.0.1' }])
  expect(hosts?.[0]).not.toHaveProperty('failure')
  expect(new X509Certificate(good.cert).subject).toBe('CN=localhost')
})
