import { expect, it } from 'vitest'
import { badPorts } from '../../../src/checks/audit/lab.ts'
import type { ServerProtocol } from '../../../src/core/config/schema.ts'
import { type AuditOptions, type AuditResult, auditClient } from '../../../src/testing/index.ts'
import { isLong } from '../../support/long.ts'
import { some } from '../../support/thorough.ts'
import { type Leaks, leakyClient } from './leaky-client.ts'

const titleOf = ({ name, protocol, form }: AuditResult): string => `${name} ${protocol} ${form}`

const audited = (leaks: Leaks, options: AuditOptions): Promise<AuditResult[]> =>
  auditClient(leakyClient(leaks), { timeoutMs: 6_000, ...options })

const protocols: readonly ServerProtocol[] = isLong
  ? ['smtp', 'pop3', 'imap4', 'nntp', 'lmtp', 'managesieve']
  : ['smtp', 'nntp', 'managesieve']

const badCertificates = ['expired', 'wrong-host', 'self-signed', 'untrusted-root']
const attacks = ['starttls-stripped', 'starttls-fails', 'handshake-alert']

/** Clients with one leak each, and the servers with which it shows. */
const family: readonly (readonly [string, Leaks, AuditOptions])[] = [
  ['sends its password before TLS', { beforeTls: true }, { names: ['expired', ...attacks], forms: ['starttls'] }],
  ['falls back to clear text', { fallsBack: true }, { names: attacks, forms: ['starttls'] }],
  [
    'falls back to clear text, and throws after it sent the message',
    { fallsBack: true, throwsAfterwards: true },
    { names: attacks, forms: ['starttls'] },
  ],
  ['accepts every certificate', { acceptsAnyCertificate: true }, { names: badCertificates }],
  [
    'accepts every certificate, and throws after it sent the message',
    { acceptsAnyCertificate: true, throwsAfterwards: true },
    { names: badCertificates },
  ],
  ['ignores the host name', { ignoresHostName: true }, { names: ['wrong-host', 'ip-only'] }],
  ['sends its password, then verifies the certificate', { verifiesLate: true }, { names: badCertificates }],
  ['reports success although it failed', { hidesFailure: true }, { names: [...badCertificates, ...attacks] }],
]

it.each(some(family, 3))('a client that %s is unsafe', { timeout: 60_000 }, async (_, leaks, options) => {
  const results = await audited(leaks, { ...options, names: [...(options.names ?? []), 'p256'], protocols })
  const bad = results.filter(({ name }) => name !== 'p256' || leaks.beforeTls)
  expect([...new Set(bad.map(({ protocol }) => protocol))]).toEqual(protocols)
  expect(bad.filter(({ verdict }) => verdict !== 'unsafe').map(titleOf)).toEqual([])
  const good = results.filter((result) => !bad.includes(result))
  expect(good.filter(({ verdict }) => verdict !== 'safe').map(titleOf)).toEqual([])
})

it('names what a client sent, and keeps the client’s error', async () => {
  const only = { names: ['starttls-stripped'], protocols: ['smtp'] } as const
  const [fallsBack] = await audited({ fallsBack: true, throwsAfterwards: true }, only)
  expect(fallsBack).toMatchObject({
    accepted: false,
    verdict: 'unsafe',
    reason: expect.stringMatching(/^sent in clear text: AUTH PLAIN, MAIL, RCPT, DATA/),
    detail: 'something unrelated',
  })
  expect(fallsBack?.disclosed).toContainEqual({ kind: 'credentials', what: 'AUTH PLAIN', encrypted: false })
  const [late] = await audited(
    { verifiesLate: true },
    { names: ['expired'], protocols: ['imap4'], forms: ['implicit'] },
  )
  expect(late).toMatchObject({
    reason: 'sent after the handshake: LOGIN',
    detail: 'CERT_HAS_EXPIRED',
    disclosed: [{ kind: 'credentials', what: 'LOGIN', encrypted: true }],
  })
})

/** All servers, except one whose key takes seconds to generate and one that waits for seconds. */
const quick = [...new Set(badPorts.map(({ name }) => name))].filter(
  (name) => !/^(?:rsa-8192|slow-handshake)$/.test(name),
)

it('a careful client is safe with every server', { timeout: 120_000 }, async () => {
  const results = await audited({}, isLong ? { protocols } : { protocols: ['imap4', 'managesieve'], names: quick })
  expect(results.length).toBeGreaterThan(60)
  expect(results.filter(({ verdict }) => verdict !== 'safe')).toEqual([])
})
