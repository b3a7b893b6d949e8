import { afterAll, describe, expect, it } from 'vitest'
import { type DefectName, defectNames, type VariantName, variantNames } from '../../../src/core/config/schema.ts'
import { startLab } from '../../../src/testing/index.ts'
import { isLong } from '../../support/long.ts'
import { inspect } from './inspect.ts'

const HOST = 'localhost'
const only = ['chain', 'names', 'dates', 'key', 'purposes', 'revocation']

/** The check that reports each defect, and its words. `good`: no check fails. */
const expectations: Readonly<Record<DefectName | VariantName, readonly [check: string, words: RegExp] | 'good'>> = {
  expired: ['dates', /^fail: localhost expired on .*, 1 day ago$/],
  'not-yet-valid': ['dates', /^fail: localhost is not valid before /],
  'wrong-host': ['names', /^fail: wrong name: issued to other.host.example, not to localhost$/],
  'self-signed': ['chain', /^fail: self-signed: localhost is its own issuer/],
  'untrusted-root': ['chain', /^fail: the chain ends in Unknown Root CA \w+, which is not a trusted root$/],
  'incomplete-chain': [
    'chain',
    /^fail: not trusted: Intermediate CA \w+ issued localhost; it is not among the trusted roots,/,
  ],
  'reversed-chain': ['chain', /^warn: the server sends its certificates in the wrong order/],
  revoked: ['revocation', /^fail: revoked, according to the list at http:/],
  'no-san': ['names', /^fail: no names: current clients check only subjectAltName/],
  'no-subject': 'good',
  'weak-key': ['key', /^fail: localhost has a key of RSA 1024$/],
  'weak-key-512': ['key', /^fail: localhost has a key of RSA 512$/],
  'sha1-signature': ['key', /^fail: localhost is signed with SHA1$/],
  'md5-signature': ['key', /^fail: localhost is signed with MD5$/],
  'wrong-purpose': ['purposes', /^fail: not for servers: Client Authentication$/],
  'ca-as-leaf': ['purposes', /^warn: this is a certificate authority’s certificate: /],
  'name-constraint-violated': ['chain', /^fail: permitted subtree violation/],
  'thousand-sans': 'good',
  'rsa-8192': 'good',
  'ip-only': ['names', /^fail: wrong name: issued to 127.0.0.1, .*, not to localhost$/],
  wildcard: ['names', /^fail: wrong name: issued to \*/],
  'must-staple-without-staple': ['revocation', /^fail: the certificate requires a stapled OCSP response/],
  rsa: 'good',
  p256: 'good',
  p384: 'good',
  ed25519: 'good',
  'one-intermediate': 'good',
  'two-intermediates': 'good',
}

const lab = await startLab({
  hostname: HOST,
  certificates: { service: { port: 0 } },
  virtualServers: [{ protocol: 'imap4', port: 0, tlsPort: 0, tls: { ocspStapling: true } }],
})
afterAll(() => lab.stop())

const look = () => {
  const { tlsPort } = lab.server('imap4')
  return inspect('imap4', tlsPort, { ca: [lab.ca], serverName: HOST, implicitTls: true, only })
}

describe('a lab that serves a defective or unusual certificate', () => {
  it.each([
    // The RSA key of 8,192 bits takes seconds to generate.
    ...defectNames.filter((name) => isLong || name !== 'rsa-8192').map((name) => ({ name, choice: { defect: name } })),
    ...variantNames.map((name) => ({ name, choice: { variant: name } })),
  ])('$name', async ({ name, choice }) => {
    await lab.useCertificate(choice)
    const seen = await look()
    const expected = expectations[name]
    if (expected === 'good')
      expect([seen.failed, seen.verdict]).toEqual([[], expect.stringMatching(/^no check failed/)])
    else {
      const [check, words] = expected
      expect(seen.words(check)).toMatch(words)
      // Newer versions of OpenSSL also refuse some of them, which the chain check reports.
      const fails = words.source.startsWith('^fail')
      expect(seen.failed.filter((one) => one !== 'chain')).toEqual(fails && check !== 'chain' ? [check] : [])
    }
  })
})

describe('revocation', () => {
  it('is reported from the stapled response: good, then revoked', async () => {
    await lab.useCertificate('auto')
    expect((await look()).words('revocation')).toMatch(
      /^pass: good, according to a stapled OCSP response valid until 20\d\d-/,
    )
    const issued = await lab.certificates.issue({ for: 'imap4', resolver: async () => ['127.0.0.1'] })
    if (issued.state !== 'issued') throw new Error(issued.state)
    await lab.authorities.revoke(issued.record.thumbprint, 'keyCompromise')
    await expect
      .poll(async () => (await look()).words('revocation'), { timeout: 20_000, interval: 200 })
      .toBe('fail: revoked, according to the stapled OCSP response')
  })
})
