import { existsSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { hasInn } from '../support/inn.ts'
import { type Identity, TestAuthority } from './authority.ts'
import { DOVECOT_HOST, startDovecot } from './debian/dovecot.ts'
import { startInnReaders } from './debian/inn.ts'
import { startPostfix } from './debian/postfix.ts'
import { inspect } from './inspect.ts'

let authority: TestAuthority
let good: Identity
let ca: string[]
beforeAll(async () => {
  authority = await TestAuthority.create()
  good = await authority.issue()
  ca = [authority.rootPem]
})

/** Whether a server's program is here; an error where it must be. */
function has(program: string): boolean {
  const found = existsSync(program)
  if (!found && process.env.SEALPOST_CI === '1') throw new Error(`${program} is not installed`)
  if (!found) console.warn(`skipped, not installed: ${program}`)
  return found
}

const credentials = { user: 'alice', password: 'secret-word' }

describe.skipIf(!has('/usr/sbin/dovecot'))('Dovecot', () => {
  it('as Debian has it is green: POP3 and IMAP4, STARTTLS and implicit TLS', async () => {
    await using server = await startDovecot(good)
    for (const protocol of ['pop3', 'imap4'] as const) {
      const { port, tlsPort } = server[protocol]
      const seen = await inspect(protocol, port, { ca, host: DOVECOT_HOST, requireSecureChannel: true })
      expect(seen.failed).toEqual([])
      const tls = await inspect(protocol, tlsPort, { ca, host: DOVECOT_HOST, implicitTls: true })
      expect(tls.failed).toEqual([])
    }
  })

  it('that lets log-ons in clear, and TLS 1.0, is red', async () => {
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
  it('as Debian has it takes TLS 1.0, which is red', async () => {
    await using server = await startPostfix(good)
    const seen = await inspect('smtp', server.port, { ca })
    expect(seen.failed).toEqual(['versions'])
    expect(seen.words('versions')).toMatch(/accepts TLSv1, TLSv1.1, against RFC 8996/)
    expect(seen.words('suites')).toMatch(/^warn: accepts anonymous/)
    expect(seen.words('state')).toMatch(/^pass: the mail transaction begun in clear is forgotten/)
  })

  it('with TLS 1.2, and TLS required, is all green, STARTTLS and implicit TLS', async () => {
    const settings = `smtpd_tls_security_level = encrypt
smtpd_tls_mandatory_protocols = >=TLSv1.2
smtpd_tls_mandatory_exclude_ciphers = aNULL`
    await using server = await startPostfix(good, settings)
    const seen = await inspect('smtp', server.port, { ca, requireSecureChannel: true })
    expect([seen.failed, seen.verdict]).toEqual([[], expect.stringMatching(/^all promises kept: \d+ checks passed$/)])
    expect(seen.words('secure-channel')).toMatch(/^pass: MAIL FROM:<> is refused: 530 5.7.0 Must issue a STARTTLS/)
    expect((await inspect('smtp', server.tlsPort, { ca, implicitTls: true })).failed).toEqual([])
  })

  it('with the certificate of another host is red', async () => {
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

  it('as Debian has it takes log-ons in clear, which is red', async () => {
    await using server = await startInnReaders(good, 'anywhere')
    const seen = await inspect('nntp', server.port, { ca, credentials, mailbox })
    expect(seen.failed).toEqual(['log-on', 'mechanisms', 'stripping'])
    expect(seen.words('state')).toMatch(/^pass: the newsgroup chosen in clear is forgotten/)
  })

  it('that takes them under TLS only is green, and an article goes there and back', async () => {
    await using server = await startInnReaders(good, 'under TLS')
    for (const [port, implicitTls] of [
      [server.port, false],
      [server.tlsPort, true],
    ] as const) {
      const seen = await inspect('nntp', port, { ca, credentials, mailbox, implicitTls })
      expect(seen.failed).toEqual([])
      expect(seen.words('delivery')).toMatch(/^pass: posted to test.general .*; encrypted on the wire: \d+ octets/)
    }
  })
})
