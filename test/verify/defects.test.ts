import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type DefectName, defectNames, type VariantName, variantNames } from '../../src/config/schema.ts'
import { startLab, type TestLab } from '../../src/index.ts'
import { inspect } from './inspect.ts'

const HOST = 'localhost'
const only = ['chain', 'names', 'dates', 'key', 'purposes', 'revocation']

/** Which check tells each defect, and how; `good`: nothing is wrong with it, or nothing that a client minds. */
const told: Readonly<Record<DefectName | VariantName, readonly [check: string, words: RegExp] | 'good'>> = {
  expired: ['dates', /^fail: localhost expired on .*, 1 day ago$/],
  'not-yet-valid': ['dates', /^fail: localhost is not valid before /],
  'wrong-host': ['names', /^fail: wrong name: issued to other.host.example, not to localhost$/],
  'self-signed': ['chain', /^fail: self-signed: localhost vouches for itself/],
  'untrusted-root': ['chain', /^fail: the chain ends in Unknown Root CA \w+, a root that is not trusted here$/],
  'incomplete-chain': [
    'chain',
    /^fail: incomplete chain: Intermediate CA \w+, which issued localhost, is neither sent/,
  ],
  'reversed-chain': ['chain', /^warn: the server sends its certificates in the wrong order/],
  revoked: ['revocation', /^fail: revoked, by the list at http:/],
  'no-san': ['names', /^fail: no names: clients of today look at subjectAltName alone/],
  'no-subject': 'good',
  'weak-key': ['key', /^fail: localhost has a key of RSA 1024$/],
  'weak-key-512': ['key', /^fail: localhost has a key of RSA 512$/],
  'sha1-signature': ['key', /^fail: localhost is signed with SHA1$/],
  'md5-signature': ['key', /^fail: localhost is signed with MD5$/],
  'wrong-purpose': ['purposes', /^fail: not for servers: Client Authentication$/],
  'ca-as-leaf': ['purposes', /^warn: an authority’s certificate: /],
  'name-constraint-violated': ['chain', /^fail: permitted subtree violation/],
  'thousand-sans': 'good',
  'rsa-8192': 'good',
  'ip-only': ['names', /^fail: wrong name: issued to 127.0.0.1, .*, not to localhost$/],
  wildcard: ['names', /^fail: wrong name: issued to \*/],
  'must-staple-without-staple': ['revocation', /^fail: the certificate says that an OCSP response is stapled/],
  rsa: 'good',
  p256: 'good',
  p384: 'good',
  ed25519: 'good',
  'one-intermediate': 'good',
  'two-intermediates': 'good',
}

let lab: TestLab
beforeAll(async () => {
  lab = await startLab({
    hostname: HOST,
    authorityService: { port: 0 },
    virtualServers: [{ protocol: 'imap4', port: 0, tlsPort: 0, tls: { ocspStapling: true } }],
  })
})
afterAll(() => lab.stop())

const look = () => {
  const { tlsPort } = lab.server('imap4')
  return inspect('imap4', tlsPort, { ca: [lab.ca], serverName: HOST, implicitTls: true, only })
}

describe('a lab that wears a certificate with a defect', () => {
  it.each([
    ...defectNames.map((name) => ({ name, choice: { defect: name } })),
    ...variantNames.map((name) => ({ name, choice: { variant: name } })),
  ])('$name', async ({ name, choice }) => {
    await lab.useCertificate(choice)
    const seen = await look()
    const expected = told[name]
    if (expected === 'good')
      expect([seen.failed, seen.verdict]).toEqual([[], expect.stringMatching(/^all promises kept/)])
    else {
      const [check, words] = expected
      expect(seen.words(check)).toMatch(words)
      // Newer versions of OpenSSL refuse some of them outright, which the chain tells.
      const fails = words.source.startsWith('^fail')
      expect(seen.failed.filter((one) => one !== 'chain')).toEqual(fails && check !== 'chain' ? [check] : [])
    }
  })
})

describe('revocation', () => {
  it('is told by a staple: good, then revoked', async () => {
    await lab.useCertificate('auto')
    expect((await look()).words('revocation')).toMatch(/^pass: good, by a stapled OCSP response until 20\d\d-/)
    const issued = await lab.certificates.issue({ for: 'imap4', resolver: async () => ['127.0.0.1'] })
    if (issued.state !== 'issued') throw new Error(issued.state)
    await lab.authorities.revoke(issued.record.thumbprint, 'keyCompromise')
    await expect
      .poll(async () => (await look()).words('revocation'), { timeout: 20_000, interval: 200 })
      .toBe('fail: revoked, by the stapled OCSP response')
  })
})
