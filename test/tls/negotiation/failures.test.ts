import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import tls from 'node:tls'
import { describe, expect, it } from 'vitest'
import { describeTranscript } from '../../../src/core/sessions/describe.ts'
import type { SessionRecord } from '../../../src/core/sessions/types.ts'
import type { TlsSettings, VirtualServerSettings } from '../../../src/net/virtual-server-settings.ts'
import { legacySuites } from '../../../src/tls/legacy/suites.ts'
import { vector } from '../../../src/tls/negotiation/octets.ts'
import {
  alpn,
  extension,
  extensions,
  helloBody,
  helloRecords,
  keyShares,
  serverName,
  signatureAlgorithms,
  sslv2Hello,
  supportedGroups,
  supportedVersions,
} from '../../support/client-hello.ts'
import { echoTlsSettings, startEcho } from '../../support/echo-server.ts'
import { sClient } from '../../support/openssl.ts'
import { needs } from '../../support/programs.ts'
import { LegacyClient } from '../legacy/client.ts'
import { p256, rsa } from '../legacy/server.ts'

const tlsSettings = echoTlsSettings([rsa])
const legacy = { suites: legacySuites, strength: 'nominal', certificates: [rsa] } as const
const withEngine = { ...echoTlsSettings([p256]), legacy }

type Echo = Awaited<ReturnType<typeof startEcho>>
type Settings = Partial<VirtualServerSettings>

/** Returns the record of the one connection that `use` makes, when it is over. */
async function recordOf(settings: Settings, use: (echo: Echo) => Promise<unknown>): Promise<SessionRecord> {
  await using echo = await startEcho(settings)
  await use(echo)
  await expect.poll(() => echo.sessions.list()[0]?.endedAt, { timeout: 20_000 }).toBeDefined()
  const record = echo.sessions.list()[0] as SessionRecord
  // No text of OpenSSL, and nothing with several lines.
  const texts = [...record.refusals, ...record.transcript.map((entry) => (entry.kind === 'note' ? entry.text : ''))]
  for (const text of texts) expect(text).not.toMatch(/\n|SSL routines|error:|\.c:\d/)
  return record
}

const notes = ({ transcript }: SessionRecord): string =>
  transcript.map((entry) => (entry.kind === 'note' ? entry.text : '')).join('\n')

function open(echo: Echo): Socket {
  const socket = connect({ host: '127.0.0.1', port: echo.server.tlsPort as number })
  return socket.on('error', () => {})
}

/** Sends octets to the TLS port, and reads until the server closes. */
async function send(echo: Echo, octets: Buffer | string): Promise<void> {
  const socket = open(echo)
  socket.write(octets)
  await once(socket.resume(), 'close')
}

const modern = [signatureAlgorithms(0x0403, 0x0804, 0x0401), supportedGroups(0x001d, 0x0017)]
const share = keyShares(0x001d)
const hello12 = (suites: readonly number[], ...list: readonly Buffer[]): Buffer =>
  helloRecords(helloBody({ version: 0x0303, suites, tail: extensions(...list) }))
const hello13 = (...list: readonly Buffer[]): Buffer => hello12([0x1301], supportedVersions(0x0304), ...list)
const good = hello12([0xc02f], ...modern)

describe('a ClientHello that is refused is explained', () => {
  it.each<[string, Buffer | string, RegExp]>([
    ['SSL 2.0 only', sslv2Hello(0x0002, [[7, 0, 0xc0]]), /^the client speaks only SSL 2\.0.*: enable SSL 3\.0 or TLS/],
    [
      'TLS 1.0 in SSL 2.0 format',
      sslv2Hello(0x0301, [[0, 0, 0x2f]]),
      /^the client offers TLSv1, this virtual server allows TLSv1\.2 to TLSv1\.3: .*tls\.legacy/,
    ],
    [
      'another version',
      hello12([0x1301], supportedVersions(0x0302)),
      /^the client offers TLSv1\.1, this virtual server allows TLSv1\.2 to TLSv1\.3: update the client/,
    ],
    [
      'another suite',
      hello12([0x002e, 0x5600 - 1], ...modern),
      /^no cipher suite in common: the client offers TLS_RSA_PSK_WITH_NULL_SHA \(0 bits\), 0x55FF; allow one/,
    ],
    [
      'suites for another key',
      hello12([0xc02b], ...modern),
      /^no cipher suite in common for the certificate’s key \(RSA\): .*ECDSA.*; assign a certificate with another/,
    ],
    [
      'a fallback',
      hello12([0xc02f, 0x5600], ...modern),
      /^the client says that it fell back to TLSv1\.2 .*supports TLSv1\.3; look for what/,
    ],
    [
      'SHA-1 signatures only',
      hello12([0xc02f], signatureAlgorithms(0x0201, 0x0203), supportedGroups(0x001d)),
      /^no signature algorithm in common: the client offers rsa_pkcs1_sha1, ecdsa_sha1; .*key for RSA.*SECLEVEL=0/,
    ],
    [
      'signatures for another key',
      hello13(signatureAlgorithms(0x0403), supportedGroups(0x001d), share),
      /^no signature algorithm in common: the client offers ecdsa_secp256r1_sha256; .*key for RSA/,
    ],
    [
      'other groups, TLS 1.2',
      hello12([0xc02f], signatureAlgorithms(0x0401), supportedGroups(0x0013)),
      /^no key-exchange group in common: the client offers P-192; this virtual server allows .*X25519/,
    ],
    [
      'no groups, TLS 1.2',
      hello12([0xc02f], signatureAlgorithms(0x0401)),
      /^no key-exchange group in common: the client offers none; this virtual server allows .*X25519/,
    ],
    [
      'other groups, TLS 1.3',
      hello13(signatureAlgorithms(0x0804), supportedGroups(0x0013), keyShares()),
      /^no key-exchange group in common: the client offers P-192; this virtual server allows .*X25519/,
    ],
    [
      'no signature_algorithms in TLS 1.3',
      hello13(supportedGroups(0x001d), share),
      /^the client offers TLS 1\.3 without the extension signature_algorithms, which TLS 1\.3 requires/,
    ],
    [
      'no supported_groups in TLS 1.3',
      hello13(signatureAlgorithms(0x0804), share),
      /^the client offers TLS 1\.3 without the extension supported_groups/,
    ],
    [
      'a key share of another group',
      hello13(signatureAlgorithms(0x0804), supportedGroups(0x0017), share),
      /^the client sends a key share for a group that it does not list/,
    ],
    [
      'compression in TLS 1.3',
      helloRecords(
        helloBody({
          version: 0x0303,
          suites: [0x1301],
          compressions: [1, 0],
          tail: extensions(supportedVersions(0x0304), ...modern, share),
        }),
      ),
      /^the client offers TLS 1\.3 with compression, which TLS 1\.3 forbids/,
    ],
    ['no key_share in TLS 1.3', hello13(...modern), /^the client offers TLS 1\.3 without the extension key_share/],
    [
      'octets after the extensions',
      helloRecords(helloBody({ version: 0x0303, tail: Buffer.concat([extensions(...modern), Buffer.of(0)]) })),
      /^the ClientHello is malformed: octets after the extensions; the client has a defect/,
    ],
    ['an extension sent twice', hello12([0xc02f], ...modern, ...modern), /^the ClientHello is malformed: .*twice/],
    ['an empty name in SNI', hello12([0xc02f], ...modern, serverName('a\0')), /malformed: a malformed server_name/],
    ['an empty ALPN name', hello12([0xc02f], ...modern, alpn('')), /malformed: a malformed application_layer/],
    [
      'no null compression',
      helloRecords(helloBody({ version: 0x0303, suites: [0xc02f], compressions: [1], tail: extensions(...modern) })),
      /^the ClientHello is malformed: /,
    ],
    ['half a message', helloRecords(helloBody().subarray(0, 20)), /^the ClientHello is malformed: .*ends too early/],
    ['a message of 16 MB', Buffer.of(22, 3, 1, 0, 4, 1, 255, 255, 255), /malformed: it is longer than 131396 octets/],
    ['an HTTP request', 'GET / HTTP/1.1\r\n\r\n', /^the client sent an HTTP request/],
    ['an SMTP command', 'EHLO me.test\r\n', /not TLS .*begins with “EHLO”: choose SSL\/TLS in the client/],
    ['a log-on in clear text', 'USER alice\r\nPASS secret\r\n', /^(?!.*alice)(?!.*secret).*begins with “USER”/],
    ['an IMAP command', 'a1 CAPABILITY\r\n', /not TLS .*begins with “a1”/],
    ['binary octets', Buffer.of(0, 1, 2, 3, 4, 5), /^the client sent something that is not TLS/],
    [
      'an alert, as of OpenSSL when its settings exclude every version',
      Buffer.of(21, 3, 3, 0, 2, 2, 70),
      /^the client gave up before its ClientHello \(alert 70\): its own settings leave .*@SECLEVEL=0/,
    ],
    ['another handshake message', Buffer.of(22, 3, 1, 0, 4, 2, 0, 0, 0), /^the client sent/],
  ])('%s', async (_, octets, why) => {
    const { refusals } = await recordOf({ tls: tlsSettings }, (echo) => send(echo, octets))
    expect(refusals).toHaveLength(1)
    expect(refusals[0]?.replace('TLS handshake: ', '')).toMatch(why)
  })

  it('records an encrypted ClientHello, or GREASE for one', async () => {
    // RFC 9849 section 5: outer, KDF and AEAD, config_id, enc, payload
    const grease = extension(
      0xfe0d,
      Buffer.concat([Buffer.from('000001000107', 'hex'), vector(2, Buffer.alloc(32)), vector(2, Buffer.alloc(64))]),
    )
    const octets = helloRecords(helloBody({ suites: [0x0007], tail: extensions(grease) }))
    const record = await recordOf({ tls: tlsSettings }, (echo) => send(echo, octets))
    expect(record.hello?.extensions).toContain(0xfe0d)
    expect(describeTranscript(record).join('\n')).toContain('an encrypted ClientHello, or GREASE for one')
  })

  it('names signalling values, and suites that the engine for old clients does not have', async () => {
    const tls = { ...withEngine, legacy: { ...legacy, suites: legacySuites.filter(({ id }) => id === 0x0004) } }
    const octets = helloRecords(helloBody({ suites: [0x0007, 0x00ff] }))
    const { refusals } = await recordOf({ tls }, (echo) => send(echo, octets))
    expect(refusals[0]).toMatch(/no cipher suite in common: the client offers TLSv1 with TLS_RSA_WITH_IDEA_CBC_SHA/)
    const strong = { ...withEngine, policy: { ...withEngine.policy, require128BitEncryption: true } }
    const weak = helloRecords(helloBody({ suites: [0x0009, 0x00ff] }))
    const record = await recordOf({ tls: strong }, (echo) => send(echo, weak))
    expect(record.refusals[0]).toMatch(/TLS_RSA_WITH_DES_CBC_SHA \(56 bits\), TLS_EMPTY_RENEGOTIATION_INFO_SCSV/)
  })

  it('an unknown name in SNI and an unknown ALPN name are no reason to refuse', async () => {
    const octets = hello12([0xc02f], ...modern, serverName('unknown.test'), alpn('unknown'))
    const record = await recordOf({ tls: tlsSettings }, async (echo) => {
      const socket = open(echo)
      socket.write(octets)
      expect(((await once(socket, 'data')) as [Buffer])[0][0]).toBe(22)
      socket.destroy()
    })
    expect(record.hello).toMatchObject({ serverName: 'unknown.test', alpn: ['unknown'] })
    expect(record.refusals[0]).toMatch(/the client closed the connection during the handshake/)
  })
})

const served: readonly (readonly [string, TlsSettings, Buffer])[] = [
  ['Node.js', tlsSettings, good],
  ['the engine for old clients', withEngine, helloRecords(helloBody({ suites: [0x0004] }))],
]
/** For clients that stop. Busy machines answer a ClientHello within it, too. */
const SHORT_MS = 1_000

describe.each(served)('a client that stops is explained: %s', (_, tls, octets) => {
  it.each<[string, number, boolean, RegExp]>([
    ['closes before its ClientHello', 0, true, /^the client closed the connection before the handshake/],
    ['closes in its ClientHello', 20, true, /^the client closed the connection in the middle of its ClientHello/],
    ['sends nothing', 0, false, /^the client sent nothing before the end of limits\.handshakeTimeout \(1 s\)/],
    ['stops in its ClientHello', 20, false, /^the client did not finish its ClientHello in time/],
    ['closes after its ClientHello', 1_000, true, /^the client closed the connection during the handshake/],
    ['stops after its ClientHello', 1_000, false, /^the client did not finish the handshake in time \(limits\./],
  ])('%s', async (_, octetsSent, closes, why) => {
    const handshakeTimeoutMs = closes ? tls.handshakeTimeoutMs : SHORT_MS
    const { refusals } = await recordOf({ tls: { ...tls, handshakeTimeoutMs } }, async (echo) => {
      const socket = open(echo)
      await once(socket, 'connect')
      socket.write(octets.subarray(0, octetsSent))
      if (octetsSent >= octets.length) await once(socket, 'data')
      if (closes) socket.end()
      await once(socket.resume(), 'close')
    })
    expect(refusals).toHaveLength(1)
    expect(refusals[0]?.replace('TLS handshake: ', '')).toMatch(why)
  })

  const alerts = [
    0, 10, 20, 21, 22, 40, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 70, 71, 80, 86, 90, 109, 110, 111, 112, 113, 114,
    115, 116, 120, 121, 77,
  ]
  it.each(alerts)('sends the alert %i', async (number) => {
    const { refusals } = await recordOf({ tls }, async (echo) => {
      const socket = open(echo)
      socket.write(octets)
      const [first] = (await once(socket, 'data')) as [Buffer]
      const version = first.subarray(1, 3)
      socket.end(Buffer.concat([Buffer.of(21), version, vector(2, Buffer.of(2, number))]))
      await once(socket.resume(), 'close')
    })
    // Node.js reports neither close_notify nor an alert that OpenSSL does not know: then the close counts.
    const closed = [0, 77, 121].includes(number) ? '|closed the connection during' : ''
    expect(refusals.join()).toMatch(
      new RegExp(`^TLS handshake: the (?:client|user) .*(?:\\(alert ${number}[,)]${closed})`),
    )
  })
})

describe('a corrupt record is explained', () => {
  it('in a handshake of TLS 1.3', async () => {
    const { refusals } = await recordOf({ tls: tlsSettings }, async (echo) => {
      const socket = open(echo)
      socket.write(hello13(...modern, share))
      await once(socket, 'data')
      socket.write(Buffer.concat([Buffer.of(23, 3, 3), vector(2, Buffer.alloc(53, 7))]))
      await once(socket.resume(), 'close')
    })
    expect(refusals[0]).toMatch(/a record does not have the right checksum \(bad MAC\): something between/)
  })

  it('after a handshake of the engine for old clients', async () => {
    const record = await recordOf({ tls: withEngine }, async (echo) => {
      const client = LegacyClient.connect(echo.server.tlsPort as number, { suites: [0x002f] })
      await client.handshake()
      client.transport.raw.write(Buffer.concat([Buffer.of(23, 3, 1), vector(2, Buffer.alloc(64, 7))]))
      await expect(client.expectText('never')).rejects.toThrow('bad_record_mac')
    })
    expect(notes(record)).toMatch(/a record does not have the right checksum/)
    expect(notes(record)).not.toMatch(/does it accept the certificate/)
  })

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('after a handshake of Node.js, with %s', async (maxVersion) => {
    const record = await recordOf({ tls: tlsSettings }, async (echo) => {
      const raw = open(echo)
      const wire = corruptible(raw)
      const client = tls.connect({ socket: wire, servername: 'localhost', ca: rsa.certificatePem, maxVersion })
      client.on('error', () => {})
      await once(client, 'data')
      wire.corrupt = true
      client.write('corrupted\r\n')
      await once(raw, 'close')
    })
    expect(notes(record)).toMatch(/a record does not have the right checksum/)
    expect(notes(record)).not.toMatch(/does it accept the certificate/)
  })
})

/** Returns a stream over a socket. While `corrupt` is set, the last octet of each write is changed. */
function corruptible(socket: Socket): Duplex & { corrupt: boolean } {
  const wire = new Duplex({
    read: () => socket.resume(),
    write(chunk: Buffer, _encoding, done) {
      const octets = Buffer.from(chunk)
      if (wire.corrupt) octets[octets.length - 1] = (octets.at(-1) as number) ^ 1
      socket.write(octets, () => done())
    },
  }) as Duplex & { corrupt: boolean }
  socket.on('data', (chunk) => wire.push(chunk))
  socket.on('close', () => wire.push(null))
  return wire
}

describe.skipIf(!needs('openssl'))('a missing or unknown client certificate is explained', () => {
  const clientCertificates = { mode: 'require', authoritiesPem: [rsa.certificatePem], judge: async () => ({}) } as const
  it.each(['-tls1_2', '-tls1_3'])('%s', async (version) => {
    const record = await recordOf({ tls: { ...tlsSettings, clientCertificates } }, (echo) =>
      sClient(['-connect', `127.0.0.1:${echo.server.tlsPort}`, version], 'QUIT\r\n'),
    )
    expect(record.refusals[0]).toMatch(/the client sent no certificate.*this virtual server requires one/)
  })
})

describe('TLS on a clear-text port is explained', () => {
  it.skipIf(!needs('openssl'))('openssl', async () => {
    const record = await recordOf({ tls: tlsSettings }, (echo) =>
      sClient(['-connect', `127.0.0.1:${echo.server.port}`], ''),
    )
    expect(record.refusals[0]).toMatch(/the client started TLS on the clear-text port: use STARTTLS there, or/)
  })

  it('also without an octet that would end a line', async () => {
    const octets = hello12([0xc02f], signatureAlgorithms(0x0804))
    expect(octets.includes('\n')).toBe(false)
    const record = await recordOf({ tls: tlsSettings }, async (echo) => {
      const socket = connect({ host: '127.0.0.1', port: echo.server.port as number })
      await once(socket, 'data')
      socket.end(octets)
      await once(socket.resume(), 'close')
    })
    expect(record.refusals[0]).toMatch(/the client started TLS on the clear-text port/)
  })
})
