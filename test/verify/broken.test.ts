import { beforeAll, describe, expect, it } from 'vitest'
import type { Protocol } from '../../src/config/schema.ts'
import { type Identity, TestAuthority } from './authority.ts'
import { type Faults, startDouble } from './double.ts'
import { type InspectOptions, inspect } from './inspect.ts'

let authority: TestAuthority
let good: Identity
beforeAll(async () => {
  authority = await TestAuthority.create()
  good = await authority.issue()
})

const protocols: readonly Protocol[] = ['smtp', 'pop3', 'imap4', 'nntp']

/** Looks at a double with the test's root trusted. */
async function look(protocol: Protocol, faults: Faults, identity = good, options: InspectOptions = {}) {
  await using double = await startDouble(protocol, identity, faults)
  const implicitTls = faults.implicitTls !== undefined
  return await inspect(protocol, double.port, { ca: [authority.rootPem], implicitTls, ...options })
}

describe('a server as it should be', () => {
  it.each(protocols)('is all green: %s, STARTTLS and implicit TLS', async (protocol) => {
    for (const faults of [{}, { implicitTls: true }]) {
      const { failed, verdict } = await look(protocol, faults)
      expect([failed, verdict]).toEqual([[], expect.stringMatching(/^all promises kept: \d+ checks passed$/)])
    }
  })
})

describe('a certificate', () => {
  const cases: [string, () => Promise<Identity>, string[], string, RegExp][] = [
    [
      'expired',
      () => authority.issue({ from: -30, to: -2 }),
      ['dates'],
      'dates',
      /localhost expired on .*, 2 days ago/,
    ],
    ['of tomorrow', () => authority.issue({ from: 1 }), ['dates'], 'dates', /is not valid before/],
    [
      'of another name',
      () => authority.issue({ names: ['other.test'] }),
      ['names'],
      'names',
      /wrong name: issued to other.test, not to localhost/,
    ],
    [
      'with an incomplete chain',
      () => authority.issueWithoutChain(),
      ['chain'],
      'chain',
      /incomplete chain: Test Intermediate, which issued localhost, is neither sent/,
    ],
    [
      'that is self-signed',
      () => authority.selfSigned(),
      ['chain'],
      'chain',
      /self-signed: localhost vouches for itself/,
    ],
    [
      'of an unknown authority',
      async () => (await TestAuthority.create()).issueByRoot(),
      ['chain'],
      'chain',
      /incomplete chain: Test Root, which issued localhost, is neither/,
    ],
    [
      'for clients',
      () => authority.issue({ purpose: 'clientAuth' }),
      ['chain', 'purposes'],
      'purposes',
      /not for servers/,
    ],
  ]

  it.each(cases)('%s is red', async (_, make, failed, check, words) => {
    const seen = await look('smtp', {}, await make())
    expect(seen.failed).toEqual(failed)
    expect(seen.words(check)).toMatch(words)
    expect(seen.verdict).toMatch(/^broken: 127.0.0.1, port \d+: certificate /)
  })

  it('is looked behind where it can be pinned: the rest is still verified', async () => {
    const seen = await look('imap4', { injectable: true }, await authority.selfSigned())
    expect(seen.failed).toEqual(['chain', 'injection'])
  })

  it.each([
    ['a short key', { key: 'rsa-1024' }, /localhost has a key of RSA 1024/],
    ['a SHA-1 signature', { hash: 'sha1' }, /localhost is signed with SHA1/],
    ['an MD5 signature', { hash: 'md5' }, /localhost is signed with MD5/],
  ] as const)('with %s is red', async (_, defect, words) => {
    const seen = await look('pop3', { tls: { ciphers: 'DEFAULT:@SECLEVEL=0' } }, await authority.issue(defect))
    expect(seen.failed).toContain('key')
    expect(seen.words('key')).toMatch(words)
  })

  it('that ends within two weeks is a warning', async () => {
    const seen = await look('smtp', {}, await authority.issue({ to: 10 }))
    expect([seen.failed, seen.words('dates')]).toEqual([[], expect.stringMatching(/^warn: .* 9 days left$/)])
  })
})

describe('TLS', () => {
  it('1.0 only is red', async () => {
    const seen = await look('smtp', {
      tls: { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'DEFAULT:@SECLEVEL=0' },
    })
    expect(seen.failed).toEqual(['negotiated', 'versions'])
    expect(seen.words('negotiated')).toMatch(/TLSv1 TLS_\w+, \d+ bits.*: TLSv1 must not be used \(RFC 8996\)/)
    expect(seen.words('versions')).toMatch(/accepts TLSv1, against RFC 8996 \(accepted: TLSv1; refused: SSLv3, TLSv1.1/)
  })

  it('1.1 beside better ones is red', async () => {
    const seen = await look('nntp', { tls: { minVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' } })
    expect(seen.failed).toEqual(['versions'])
    expect(seen.words('versions')).toMatch(/^fail: accepts TLSv1.1,/)
  })

  it('with NULL suites alone is red', async () => {
    const ciphers = 'NULL-SHA256:@SECLEVEL=0'
    const seen = await look('imap4', { tls: { maxVersion: 'TLSv1.2', ciphers } })
    expect(seen.failed).toEqual(['negotiated', 'suites'])
    expect(seen.words('negotiated')).toMatch(/TLS_RSA_WITH_NULL_SHA256, 0 bits.*: no encryption at all/)
  })

  it('with NULL and anonymous suites beside better ones is red', async () => {
    const seen = await look('pop3', {
      tls: { maxVersion: 'TLSv1.2', ciphers: 'ALL:eNULL:@SECLEVEL=0', dhparam: 'auto' },
    })
    expect(seen.failed).toEqual(['suites'])
    expect(seen.words('suites')).toMatch(/^fail: accepts NULL \(0 bits\)$/)
  })

  it('1.3 only, with a certificate that does not verify, is red all the same', async () => {
    const seen = await look('smtp', { tls: { minVersion: 'TLSv1.3' } }, await authority.selfSigned())
    expect(seen.failed).toEqual(['chain'])
    expect(seen.words('chain')).toMatch(/self-signed certificate \(DEPTH_ZERO_SELF_SIGNED_CERT\)/)
  })
})

describe('STARTTLS', () => {
  it.each(protocols)('not announced is red: %s', async (protocol) => {
    const seen = await look(protocol, { startTls: 'absent' })
    expect(seen.failed).toEqual(['tls'])
    expect(seen.words('tls')).toMatch(/ is not announced: everything crosses the wire in clear/)
  })

  it.each([
    ['refused', /announced, and fails: 454 4.7.0 TLS not available/],
    ['garbage', /announced, and fails: the server answers with something that is not TLS/],
    ['closes', /announced, and fails: /],
  ] as const)('announced and then %s is red', async (startTls, words) => {
    const seen = await look('smtp', { startTls })
    expect(seen.failed).toEqual(['tls', 'negotiated'])
    expect(seen.words('tls')).toMatch(words)
  })

  it.each(protocols)('that lets commands be injected is red: %s', async (protocol) => {
    const seen = await look(protocol, { injectable: true })
    expect(seen.failed).toEqual(['injection'])
    expect(seen.words('injection')).toMatch(/commands can be injected: .* is answered under TLS: /)
  })

  it.each(['smtp', 'nntp'] as const)('that forgets nothing is red: %s', async (protocol) => {
    const seen = await look(protocol, { keepsState: true })
    expect([seen.failed, seen.words('state')]).toEqual([['state'], expect.stringMatching(/survives STARTTLS/)])
  })

  it('that remembers the user name given in clear is red: pop3', async () => {
    const faults = { keepsState: true, clearLogOn: 'accepted' } as const
    const credentials = { user: 'alice', password: 'secret-word' }
    const seen = await look('pop3', faults, good, { credentials, only: ['state'] })
    expect(seen.words('state')).toMatch(/^fail: the user name given in clear survives STARTTLS/)
  })

  it.each(protocols)('taken a second time is red: %s', async (protocol) => {
    expect((await look(protocol, { secondStartTls: true })).failed).toEqual(['second-starttls'])
  })
})

describe('the channel', () => {
  it.each(protocols)('log-on accepted in clear is red: %s', async (protocol) => {
    const seen = await look(protocol, { clearLogOn: 'accepted' })
    expect(seen.failed.slice(0, 2)).toEqual(['log-on', 'stripping'])
    expect(seen.words('log-on')).toMatch(/accepted in clear: the password crosses the wire readable/)
  })

  it.each(protocols)('log-on announced in clear is red: %s', async (protocol) => {
    const seen = await look(protocol, { clearLogOn: 'announced' })
    expect(seen.failed).toEqual(['log-on', 'mechanisms', 'stripping'])
    expect(seen.words('mechanisms')).toMatch(/announced in clear \(before TLS: /)
  })

  it('MAIL in clear is red where a secure channel is required, green where it is refused', async () => {
    const required = { requireSecureChannel: true }
    const open = await look('smtp', {}, good, required)
    expect(open.failed).toEqual(['secure-channel'])
    expect(open.words('secure-channel')).toMatch(/MAIL FROM:<> in clear is answered 250 ok, not 530/)
    const closed = await look('smtp', { secureChannel: true }, good, required)
    expect(closed.words('secure-channel')).toMatch(/^pass: MAIL FROM:<> is refused: 530/)
  })

  it('clear text on a TLS port is red', async () => {
    const seen = await look('pop3', { implicitTls: 'clear' })
    expect(seen.failed).toEqual(['greeting', 'tls', 'negotiated'])
    expect(seen.words('tls')).toMatch(/something that is not TLS/)
  })

  it('a greeting of another protocol is red', async () => {
    const seen = await look('imap4', { greeting: '220 double ESMTP' })
    expect(seen.words('greeting')).toBe('fail: “220 double ESMTP” is no IMAP4 greeting')
  })

  it('a port where nothing listens is red', async () => {
    const { port } = await (async () => {
      await using double = await startDouble('smtp', good)
      return double
    })()
    const seen = await inspect('smtp', port, { ca: [authority.rootPem] })
    expect(seen.verdict).toMatch(/: reachable: nothing listens there \(connection refused\)$/)
  })
})
