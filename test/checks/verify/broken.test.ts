import { describe, expect, it } from 'vitest'
import { checks } from '../../../src/checks/verify/run.ts'
import type { Protocol } from '../../../src/core/config/schema.ts'
import { isLong } from '../../support/long.ts'
import { some } from '../../support/thorough.ts'
import { type ServerIdentity, TestAuthority } from './authority.ts'
import { startDouble } from './double.ts'
import type { Faults } from './double-answers.ts'
import { type InspectOptions, inspect } from './inspect.ts'

const slowChecks = ['versions', 'suites', 'dh-groups', 'downgrade', 'renegotiation', 'compression', 'robot'].concat([
  'resumption',
  'transparency',
  'heartbleed',
  'ccs-injection',
])

/** All checks but those that offer many versions and suites, each on a new connection. */
const quickChecks = checks.map(({ name }) => name).filter((name) => !slowChecks.includes(name))

const authority = await TestAuthority.create()
const good = await authority.issue()

const protocols: readonly Protocol[] = ['smtp', 'pop3', 'imap4', 'nntp']

/** Verifies a test double, with the test's root trusted. */
async function look(protocol: Protocol, faults: Faults, identity = good, options: InspectOptions = {}) {
  await using double = await startDouble(protocol, identity, faults)
  const implicitTls = faults.implicitTls !== undefined
  // The short form makes the slow checks only where they matter: for a good server, and for its TLS settings.
  const isQuick =
    !isLong && !faults.tls && (identity !== good || Object.keys(faults).some((key) => key !== 'implicitTls'))
  return await inspect(protocol, double.port, {
    ca: [authority.rootPem],
    implicitTls,
    ...(isQuick ? { only: quickChecks } : {}),
    ...options,
  })
}

describe('a server without faults', () => {
  it.each(some(protocols, 1))('passes every check: %s, STARTTLS and implicit TLS', async (protocol) => {
    for (const faults of [{}, { implicitTls: true }]) {
      const { failed, verdict } = await look(protocol, faults)
      expect([failed, verdict]).toEqual([[], expect.stringMatching(/^no check failed: \d+ checks passed$/)])
    }
  })
})

describe('a certificate', () => {
  const cases: [string, () => Promise<ServerIdentity>, string[], string, RegExp][] = [
    [
      'expired',
      () => authority.issue({ from: -30, to: -2 }),
      ['dates'],
      'dates',
      /localhost expired on .*, 2 days ago/,
    ],
    ['not valid yet', () => authority.issue({ from: 1 }), ['dates'], 'dates', /is not valid before/],
    [
      'for another name',
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
      /not trusted: Test Intermediate issued localhost; it is not among the trusted roots,/,
    ],
    ['self-signed', () => authority.selfSigned(), ['chain'], 'chain', /self-signed: localhost is its own issuer/],
    [
      'issued by an unknown authority',
      async () => (await TestAuthority.create()).issueByRoot(),
      ['chain'],
      'chain',
      /not trusted: Test Root issued localhost; it is not among the trusted roots,/,
    ],
    [
      'for clients only',
      () => authority.issue({ purpose: 'clientAuth' }),
      ['chain', 'purposes'],
      'purposes',
      /not for servers/,
    ],
  ]

  it.each(some(cases, 3))('%s fails', async (_, make, failed, check, words) => {
    const seen = await look('smtp', {}, await make())
    expect(seen.failed).toEqual(failed)
    expect(seen.words(check)).toMatch(words)
    expect(seen.verdict).toMatch(/^failed: 127.0.0.1, port \d+: certificate /)
  })

  it('that does not verify is pinned, so that the other checks still run', async () => {
    const seen = await look('imap4', { injectable: true }, await authority.selfSigned())
    expect(seen.failed).toEqual(['chain', 'injection'])
  })

  it.each([
    ['a short key', { key: 'rsa-1024' }, /localhost has a key of RSA 1024/],
    ['a SHA-1 signature', { hash: 'sha1' }, /localhost is signed with SHA1/],
    ['an MD5 signature', { hash: 'md5' }, /localhost is signed with MD5/],
  ] as const)('with %s fails', async (_, defect, words) => {
    const seen = await look('pop3', { tls: { ciphers: 'DEFAULT:@SECLEVEL=0' } }, await authority.issue(defect))
    expect(seen.failed).toContain('key')
    expect(seen.words('key')).toMatch(words)
  })

  it('that expires within two weeks is a warning', async () => {
    const seen = await look('smtp', {}, await authority.issue({ to: 10 }))
    expect([seen.failed, seen.words('dates')]).toEqual([[], expect.stringMatching(/^warn: .* 9 days left$/)])
  })
})

describe('TLS', () => {
  it('1.0 alone fails', async () => {
    const seen = await look('smtp', {
      tls: { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'DEFAULT:@SECLEVEL=0' },
    })
    expect(seen.failed).toEqual(['negotiated', 'versions'])
    expect(seen.words('negotiated')).toMatch(/TLSv1 TLS_\w+, \d+ bits.*: TLSv1 must not be used \(RFC 8996\)/)
    expect(seen.words('versions')).toMatch(
      /accepts TLSv1, against RFC 8996 \(accepted: TLSv1; refused: SSLv2, SSLv3, TLSv1.1/,
    )
  })

  it('1.1 in addition to newer versions fails', async () => {
    const seen = await look('nntp', { tls: { minVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' } })
    expect(seen.failed).toEqual(['versions'])
    expect(seen.words('versions')).toMatch(/^fail: accepts TLSv1.1,/)
  })

  it('with NULL suites alone fails', async () => {
    const ciphers = 'NULL-SHA256:@SECLEVEL=0'
    const seen = await look('imap4', { tls: { maxVersion: 'TLSv1.2', ciphers } })
    expect(seen.failed).toEqual(['negotiated', 'suites'])
    expect(seen.words('negotiated')).toMatch(/TLS_RSA_WITH_NULL_SHA256, 0 bits.*: no encryption$/)
  })

  it('with NULL and anonymous suites in addition to strong ones fails', async () => {
    const seen = await look('pop3', {
      tls: { maxVersion: 'TLSv1.2', ciphers: 'ALL:eNULL:@SECLEVEL=0', dhparam: 'auto' },
    })
    expect(seen.failed).toEqual(['suites'])
    expect(seen.words('suites')).toMatch(/^fail: accepts NULL \(0 bits\); also anonymous \(no certificate\)$/)
  })

  it('1.3 alone with a certificate that does not verify fails', async () => {
    const seen = await look('smtp', { tls: { minVersion: 'TLSv1.3' } }, await authority.selfSigned())
    expect(seen.failed).toEqual(['chain'])
    expect(seen.words('chain')).toMatch(/self-signed certificate \(DEPTH_ZERO_SELF_SIGNED_CERT\)/)
  })
})

describe('STARTTLS', () => {
  it.each(some(protocols, 1))('not announced fails: %s', async (protocol) => {
    const seen = await look(protocol, { startTls: 'absent' })
    expect(seen.failed).toEqual(['tls'])
    expect(seen.words('tls')).toMatch(/ is not announced, so all traffic is clear text/)
  })

  it.each([
    ['refused', /announced but fails: 454 4.7.0 TLS not available/],
    ['garbage', /announced but fails: the server answers with something that is not TLS/],
    ['closes', /announced but fails: /],
  ] as const)('announced and then %s fails', async (startTls, words) => {
    const seen = await look('smtp', { startTls })
    expect(seen.failed).toEqual(['tls', 'negotiated'])
    expect(seen.words('tls')).toMatch(words)
  })

  it.each(some(protocols, 1))('that answers injected commands fails: %s', async (protocol) => {
    const seen = await look(protocol, { injectable: true })
    expect(seen.failed).toEqual(['injection'])
    expect(seen.words('injection')).toMatch(/commands can be injected: .* is answered under TLS: /)
  })

  it.each(['smtp', 'nntp'] as const)('that keeps the state from before TLS fails: %s', async (protocol) => {
    const seen = await look(protocol, { keepsState: true })
    expect([seen.failed, seen.words('state')]).toEqual([['state'], expect.stringMatching(/survives STARTTLS/)])
  })

  it('that keeps the user name from before TLS fails: pop3', async () => {
    const faults = { keepsState: true, clearLogOn: 'accepted' } as const
    const credentials = { user: 'alice', password: 'secret-word' }
    const seen = await look('pop3', faults, good, { credentials, only: ['state'] })
    expect(seen.words('state')).toMatch(/^fail: the user name from before TLS survives STARTTLS/)
  })

  it.each(some(protocols, 1))('accepted a second time fails: %s', async (protocol) => {
    expect((await look(protocol, { secondStartTls: true })).failed).toEqual(['second-starttls'])
  })
})

describe('the channel', () => {
  it.each(some(protocols, 1))('log-on accepted in clear text fails: %s', async (protocol) => {
    const seen = await look(protocol, { clearLogOn: 'accepted' })
    expect(seen.failed.slice(0, 2)).toEqual(['log-on', 'stripping'])
    expect(seen.words('log-on')).toMatch(/the server accepts .+ in clear text, which exposes the password/)
  })

  it.each(some(protocols, 1))('log-on announced in clear text fails: %s', async (protocol) => {
    const seen = await look(protocol, { clearLogOn: 'announced' })
    expect(seen.failed).toEqual(['log-on', 'mechanisms', 'stripping'])
    expect(seen.words('mechanisms')).toMatch(/^fail: the server announces .+ in clear text \(before TLS: /)
  })

  it('if a secure channel is required, MAIL accepted in clear text fails, and refused passes', async () => {
    const required = { requireSecureChannel: true }
    const open = await look('smtp', {}, good, required)
    expect(open.failed).toEqual(['secure-channel'])
    expect(open.words('secure-channel')).toMatch(/MAIL FROM:<> in clear text is answered with 250 ok, not 530/)
    const closed = await look('smtp', { secureChannel: true }, good, required)
    expect(closed.words('secure-channel')).toMatch(/^pass: MAIL FROM:<> is refused: 530/)
  })

  it('clear text on a TLS port fails', async () => {
    const seen = await look('pop3', { implicitTls: 'clear' })
    expect(seen.failed).toEqual(['greeting', 'tls', 'negotiated'])
    expect(seen.words('tls')).toMatch(/something that is not TLS/)
  })

  it('a greeting of another protocol fails', async () => {
    const seen = await look('imap4', { greeting: '220 double ESMTP' })
    expect(seen.words('greeting')).toBe('fail: “220 double ESMTP” is not a valid IMAP4 greeting')
  })

  it.each(
    some(
      [
        ['smtp', '421 4.7.0 too many connections'],
        ['pop3', '-ERR [SYS/TEMP] too many sessions'],
        ['imap4', '* BYE Too many connections from your IP address'],
        ['nntp', '400 too many connections'],
      ] as const,
      2,
    ),
  )('a server with too many sessions is tried again: %s', async (protocol, greeting) => {
    for (const implicitTls of [false, true]) {
      const again = await look(protocol, { ...(implicitTls ? { implicitTls } : {}), busy: { greeting, sessions: 2 } })
      expect(again.failed).toEqual([])
    }
    const only = { only: ['greeting'], timeoutMs: 600 }
    const seen = await look(protocol, { busy: { greeting, sessions: Number.POSITIVE_INFINITY } }, good, only)
    expect(seen.words('greeting')).toBe(`fail: the server accepts no more sessions: “${greeting}”`)
  })

  it('a closed port fails', async () => {
    const { port } = await (async () => {
      await using double = await startDouble('smtp', good)
      return double
    })()
    const seen = await inspect('smtp', port, { ca: [authority.rootPem] })
    expect(seen.verdict).toMatch(/: reachable: connection refused: nothing listens on this port$/)
  })
})
