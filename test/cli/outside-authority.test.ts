import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { some } from '../support/thorough.ts'
import { CertificateLab, smtp } from './cert-support.ts'

const pki = new CertificateLab()

await pki.outsideAuthority('world')

/**
 * Creates a subordinate authority that `world` signs with these lines of extensions, and installs it. Returns the lines on
 * standard error.
 */
async function subordinate(name: string, ...extensions: readonly string[]): Promise<string[]> {
  await pki.done('ca', 'create', 'subordinate', name, '--outside', '--out', 'sub.csr')
  const lines = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign', ...extensions]
  writeFileSync(pki.path('sub.ext'), `${lines.join('\n')}\n`)
  const signer = ['-CA', 'world.pem', '-CAkey', 'world.key', '-extfile', 'sub.ext', '-days', '20']
  await pki.openssl('x509', '-req', '-in', 'sub.csr', ...signer, '-out', 'sub.pem')
  pki.write('answer.pem', pki.text('sub.pem') + pki.text('world.pem'))
  const { status, stderr } = await pki.sealpost('ca', 'install', 'answer.pem')
  expect([status, stderr]).toEqual([0, expect.any(String)])
  return stderr.split('\n').filter((line) => line !== '')
}

describe('a subordinate of an outside authority', () => {
  it.each(
    some(
      [
        ['random', `subjectKeyIdentifier=${randomBytes(20).toString('hex')}`],
        ['SHA-256', `subjectKeyIdentifier=${randomBytes(32).toString('hex')}`],
        ['SHA-1', 'subjectKeyIdentifier=hash'],
        ['absent', 'subjectKeyIdentifier=none'],
      ],
      2,
    ),
  )('issues certificates and CRLs that verify if its key identifier is %s', async (title, identifier) => {
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

describe('ca install warns', { shuffle: false }, () => {
  const constraints = 'nameConstraints=critical,permitted;DNS:example.com'
  const why = 'cannot issue for certificate: auto: "\\w+" may issue only for example\\.com, not for .*'

  it('if the name constraints of the authority forbid what certificate: auto issues', async () => {
    expect(await subordinate('Permitted', 'nameConstraints=critical,excluded;DNS:example.com')).toEqual([])
    const warnings = await subordinate('Constrained', constraints)
    expect(warnings).toEqual([
      expect.stringMatching(new RegExp(`^warning: "Constrained" ${why}; keep another one as the default$`)),
    ])
  })

  it('if that authority is the default one, and if its issuer is missing', async () => {
    await pki.done('ca', 'default', 'Permitted')
    await pki.done('ca', 'renew', 'Permitted', '--out', 'sub.csr')
    writeFileSync(pki.path('sub.ext'), `basicConstraints=critical,CA:TRUE\n${constraints}\n`)
    await pki.outsideAuthority('elsewhere')
    const signer = ['-CA', 'elsewhere.pem', '-CAkey', 'elsewhere.key', '-extfile', 'sub.ext', '-days', '20']
    await pki.openssl('x509', '-req', '-in', 'sub.csr', ...signer, '-out', 'sub.pem')
    expect(await pki.json('ca', 'install', 'sub.pem')).toEqual({
      name: 'Permitted',
      ready: true,
      warnings: [
        'the chain is incomplete: the issuer elsewhere is neither in the file nor in the store',
        expect.stringMatching(new RegExp(`^"Permitted" ${why}; make another .*: sealpost ca default NAME$`)),
      ],
    })
  })
})
