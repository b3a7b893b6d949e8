import { existsSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { hasInn } from '../../support/inn.ts'
import { type ServerIdentity, TestAuthority } from './authority.ts'
import { DOVECOT_HOST, startDovecot } from './debian/dovecot.ts'
import { startInnReaders } from './debian/inn.ts'
import { selfSignedByOpenssl, startOpenssl } from './debian/openssl.ts'
import { startPostfix } from './debian/postfix.ts'
import { inspect } from './inspect.ts'

let authority: TestAuthority
let good: ServerIdentity
let ca: string[]
beforeAll(async () => {
  authority = await TestAuthority.create()
  good = await authority.issue()
  ca = [authority.rootPem]
})

/** Returns whether a program is installed. @throws if it is missing in CI */
function has(program: string): boolean {
  const found = existsSync(program)
  if (!found && process.env.SEALPOST_CI === '1') throw new Error(`${program} is not installed`)
  if (!found) console.warn(`skipped, not installed: ${program}`)
  return found
}

const credentials = { user: 'alice', password: 'secret-word' }

describe.skipIf(!has('/usr/sbin/dovecot'))('Dovecot', () => {
  it('passes with Debian’s settings: POP3 and IMAP4, STARTTLS and implicit TLS', async () => {
    await using server = await startDovecot(good)
    for (const protocol of ['pop3', 'imap4'] as const) {
      const { port, tlsPort } = server[protocol]
      const seen = await inspect(protocol, port, { ca, host: DOVECOT_HOST, requireSecureChannel: true })
      expect(seen.failed).toEqual([])
      const tls = await inspect(protocol, tlsPort, { ca, host: DOVECOT_HOST, implicitTls: true })
      expect(tls.failed).toEqual([])
    }
  })

  it('fails if it accepts clear-text log-on and TLS 1.0', async () => {
    const settings =
      'ssl = yes\nauth_allow_cleartext = yes\nssl_min_protocol = TLSv1\nssl_cipher_list = DEFAULT:@SECLEVEL=0'
    await using server = await startDovecot(await authority.issue({ to: -1, from: -9 }), settings)
    const seen = await inspect('imap4', server.imap4.port, { ca, host: DOVECOT_HOST })
    expect(seen.failed).toEqual(['dates', 'versions', 'log-on', 'mechanisms', 'stripping'])
  })
})

const isRoot = process.getuid?.() === 0
if (!isRoot) console.warn('skipped, Postfix needs root')

describe.skipIf(!has('/usr/lib/postfix/sbin/master') || !isRoot)('Postfix', () => {
  it('fails with Debian’s settings, which accept TLS 1.0', async () => {
    await using server = await startPostfix(good)
    const seen = await inspect('smtp', server.port, { ca })
    expect(seen.failed).toEqual(['versions'])
    expect(seen.words('versions')).toMatch(/accepts TLSv1, TLSv1.1, against RFC 8996/)
    expect(seen.words('suites')).toMatch(/^warn: accepts anonymous/)
    expect(seen.words('dh-groups')).toMatch(/^warn: 1024 bits .*in suites without a certificate/)
    expect(seen.words('state')).toMatch(/^pass: the mail transaction from before TLS is forgotten/)
  })

  it('passes if it requires TLS 1.2, with STARTTLS and implicit TLS', async () => {
    const settings = `smtpd_tls_security_level = encrypt
smtpd_tls_mandatory_protocols = >=TLSv1.2
smtpd_tls_mandatory_exclude_ciphers = aNULL`
    await using server = await startPostfix(good, settings)
    const seen = await inspect('smtp', server.port, { ca, requireSecureChannel: true })
    expect([seen.failed, seen.verdict]).toEqual([[], expect.stringMatching(/^no check failed: \d+ checks passed$/)])
    expect(seen.words('secure-channel')).toMatch(/^pass: MAIL FROM:<> is refused: 530 5.7.0 Must issue a STARTTLS/)
    expect((await inspect('smtp', server.tlsPort, { ca, implicitTls: true })).failed).toEqual([])
  })

  it('fails with a certificate for another host', async () => {
    await using server = await startPostfix(await authority.issue({ names: ['mx.other.test'] }))
    const seen = await inspect('smtp', server.tlsPort, {
      ca,
      implicitTls: true,
      only: ['chain', 'names', 'mechanisms'],
    })
    expect([seen.failed, seen.words('names')]).toEqual([['names'], expect.stringMatching(/issued to mx.other.test/)])
  })
})

describe.skipIf(!hasInn())('INN', () => {
  const mailbox = 'alice@inn.test'

  it('fails with Debian’s settings, which accept clear-text log-on', async () => {
    await using server = await startInnReaders(good, 'anywhere')
    const seen = await inspect('nntp', server.port, { ca, credentials, mailbox })
    expect(seen.failed).toEqual(['log-on', 'mechanisms', 'stripping'])
    expect(seen.words('state')).toMatch(/^pass: the newsgroup selected before TLS is forgotten/)
  })

  it('passes if it accepts log-on under TLS only, and an article is sent and read', async () => {
    await using server = await startInnReaders(good, 'under TLS')
    for (const [port, implicitTls] of [
      [server.port, false],
      [server.tlsPort, true],
    ] as const) {
      const seen = await inspect('nntp', port, { ca, credentials, mailbox, implicitTls })
      expect(seen.failed).toEqual([])
      expect(seen.words('delivery')).toMatch(
        /^pass: posted to test.general .*; encrypted on the wire: the text is not among the \d+ octets/,
      )
    }
  })
})

describe('openssl s_server', () => {
  const old = ['-cipher', 'ALL:@SECLEVEL=0']

  it.each([
    [['-dhparam', 'dh.pem', '-tls1_2', ...old], 'dh-groups', /^fail: 1024 bits: below 2048 bits/],
    [['-client_renegotiation', '-tls1_2'], 'renegotiation', /^fail: the client can renegotiate at least 10 times/],
    [[], 'dh-groups', /^pass: \d{4} bits|^pass: not used/],
    [[], 'renegotiation', /^pass: the server refuses renegotiation by the client/],
    [[], 'downgrade', /^pass: a client that fell back to TLSv1.2 is refused/],
    [[], 'compression', /^pass/],
    [['-cipher', 'AES128-SHA', '-tls1_2'], 'robot', /^pass: every padding gets the same answer \(alert 20/],
    [[], 'heartbleed', /^pass/],
    [['-groups', 'X448', '-tls1_3'], 'versions', /^pass: accepted: TLSv1.3/],
    [['-alpn', 'imap'], 'alpn', /^pass: the server chooses imap; .* are refused$/],
    [['-alpn', 'h2'], 'alpn', /^fail: clients that offer imap are refused/],
    [[], 'alpn', /^pass: not used/],
    [[], 'ccs-injection', /^pass: .* is refused \(alert 10\)/],
  ])('%j: %s', async (options, check, words) => {
    await using server = await startOpenssl(good, options, { 'dh.pem': DH_1024 })
    const seen = await inspect('imap4', server.port, { ca, implicitTls: true, only: [check] })
    expect(seen.words(check)).toMatch(words)
  })

  it('-www, which knows only GET, is examined as HTTP', async () => {
    await using server = await startOpenssl(good, ['-www'])
    const seen = await inspect('http', server.port, { ca, implicitTls: true, timeoutMs: 2_000 })
    expect(seen.failed).toEqual([])
    expect(seen.words('greeting')).toMatch(/^pass: HTTP\/1\.0 200/)
  })

  it('with an ML-DSA certificate is not broken, whether or not this Node.js supports it', async () => {
    const identity = selfSignedByOpenssl('ML-DSA-65')
    await using server = await startOpenssl(identity)
    const only = ['tls', 'negotiated', 'chain', 'names', 'key', 'versions']
    const seen = await inspect('imap4', server.port, { ca: [identity.cert], implicitTls: true, only })
    expect(seen.failed).toEqual([])
    expect(seen.words('versions')).toMatch(/^pass: accepted: TLSv1.3/)
    const supported = /^(?:3\.[5-9]|[4-9])/.test(process.versions.openssl)
    if (supported) expect(seen.words('key')).toMatch(/^pass: .*signed with ML-DSA-65/)
    else expect(seen.words('tls')).toMatch(/^warn: the server answers with TLSv1.3 .* cannot finish the handshake/)
  })
})

/** A safe prime of 1,024 bits, made with `openssl dhparam 1024`. */
const DH_1024 = `-----BEGIN DH PARAMETERS-----
MIGLAoGBAIx0AQiwL+rezqCXdDqPDWuUvDaJdK3OIIC3Jbhd4MnQXHlcEig/6YlT
UbHZy7iS0gfi6mOaBGEpfkS3cndRB5gWzZouXtyOI83bX09XsFsbkZofWZxO4sI2
27CV7AVDhxhbWAxfgO0FQhNXH/6U4Sp5WvxEg4W3RCKXR9uajL3fAgECAgIArw==
-----END DH PARAMETERS-----
`
