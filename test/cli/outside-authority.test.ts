import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CertificateLab, smtp } from './cert-support.ts'

let pki: CertificateLab

beforeAll(async () => {
  pki = new CertificateLab()
  await pki.outsideAuthority('world')
})
afterAll(() => pki.remove())

/** Creates a subordinate authority that `world` signs with these lines of extensions, and installs it. */
async function subordinate(name: string, ...extensions: readonly string[]): Promise<void> {
  await pki.done('ca', 'create', 'subordinate', name, '--outside', '--out', 'sub.csr')
  const lines = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign', ...extensions]
  writeFileSync(pki.path('sub.ext'), `${lines.join('\n')}\n`)
  const signer = ['-CA', 'world.pem', '-CAkey', 'world.key', '-extfile', 'sub.ext', '-days', '20']
  await pki.openssl('x509', '-req', '-in', 'sub.csr', ...signer, '-out', 'sub.pem')
  pki.write('answer.pem', pki.text('sub.pem') + pki.text('world.pem'))
  await pki.done('ca', 'install', 'answer.pem')
}

describe('a subordinate of an outside authority', () => {
  it.each([
    ['random', `subjectKeyIdentifier=${randomBytes(20).toString('hex')}`],
    ['SHA-256', `subjectKeyIdentifier=${randomBytes(32).toString('hex')}`],
    ['SHA-1', 'subjectKeyIdentifier=hash'],
    ['absent', 'subjectKeyIdentifier=none'],
  ])('issues certificates and CRLs that verify if its key identifier is %s', async (title, identifier) => {
    const name = `Guest ${title}`
    await subordinate(name, identifier)
    await pki.done('cert', 'issue', '--for', smtp, '--cn', 'localhost', '--authority', name, '--name', title)
    await pki.done('cert', 'export', title, '--out', 'leaf.cer')
    await pki.openssl('x509', '-inform', 'DER', '-in', 'leaf.cer', '-out', 'leaf.pem')
    const chain = ['-purpose', 'sslserver', '-CAfile', 'world.pem', '-untrusted', 'sub.pem']
    expect(await pki.openssl('verify', ...chain, 'leaf.pem')).toContain('OK')
    await pki.done('ca', 'crl', name, '--out', 'sub.crl')
    expect(await pki.openssl('verify', ...chain, '-crl_check', '-CRLfile', 'sub.crl', 'leaf.pem')).toContain('OK')
    const { serial } = await pki.json('cert', 'show', title)
    await pki.done('ca', 'revoke', serial ?? '')
    await pki.done('ca', 'crl', name, '--out', 'sub.crl')
    expect(await pki.opensslCode('verify', ...chain, '-crl_check', '-CRLfile', 'sub.crl', 'leaf.pem')).toBe(2)
  })
})

it('its request contains the name constraints and the path length, which an authority of the lab honours', async () => {
  const limits = ['--permit', 'example.test', '192.0.2.0/24', '--exclude', 'secret.example.test', '--path-length', '1']
  await pki.done('ca', 'create', 'subordinate', 'Limited', '--outside', '--out', 'limited.csr', ...limits)
  const expected =
    /CA:TRUE, pathlen:1[\s\S]*Name Constraints: critical\s+Permitted:\s+DNS:example\.test\s+IP:192\.0\.2\.0\/255\.255\.255\.0\s+Excluded:\s+DNS:secret\.example\.test/
  expect(await pki.openssl('req', '-in', 'limited.csr', '-verify', '-noout', '-text')).toMatch(expected)
  await pki.done('ca', 'sign', 'limited.csr', '--subordinate', '--out', 'limited.pem')
  expect(await pki.openssl('x509', '-in', 'limited.pem', '-noout', '-text')).toMatch(expected)
})
