import { existsSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { hasInn } from '../support/inn.ts'
import { type ServerIdentity, TestAuthority } from './authority.ts'
import { DOVECOT_HOST, startDovecot } from './debian/dovecot.ts'
import { startInnReaders } from './debian/inn.ts'
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
    expect(seen.failed).toEqual(['dates', 'versions', 'log-on', 'stripping'])
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
    expect(seen.words('state')).toMatch(/^pass: the mail transaction from before TLS is forgotten/)
  })

  it('passes if it requires TLS 1.2, with STARTTLS and implicit TLS', async () => {
    const settings = `smtpd_tls_security_level = encrypt
smtpd_tls_mandatory_protocols = >=TLSv1.2
smtpd_tls_mandatory_exclude_ciphers = aNULL`
    await using server = await startPostfix(good, settings)
    const seen = await inspect('smtp', server.port, { ca, requireSecureChannel: true })
    expect([seen.failed, seen.verdict]).toEqual([[], expect.stringMatching(/^all promises kept: \d+ checks passed$/)])
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
