import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { startLab } from '../../src/testing/start-lab.ts'
import { CertificateLab, pop3 } from './cert-support.ts'

const pki = new CertificateLab()

await pki.done('ca', 'create', 'root', 'Second Root')
await pki.done('ca', 'create', 'subordinate', 'Second CA', '--parent', 'Second Root')
await pki.done('cert', 'issue', '--for', pop3, '--cn', 'localhost', '--authority', 'Second CA')

const subjects = (pem: string): string[] =>
  (pem.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? []).map((one) => new X509Certificate(one).subject)

describe('sealpost ca export without a name', () => {
  it('writes every root that clients need, the default one first', async () => {
    expect(await pki.done('ca', 'export', '--out', 'roots.pem')).toBe('Wrote roots.pem (2 certificates)\n')
    expect(subjects(pki.text('roots.pem'))).toEqual([
      expect.stringMatching(/CN=Sealpost Lab Root CA/),
      'CN=Second Root',
    ])
    expect(await pki.done('ca', 'export', '--format', 'p7b', '--out', 'roots.p7b')).toContain('(2 certificates)')
    const listed = await pki.openssl('pkcs7', '-inform', 'DER', '-in', 'roots.p7b', '-print_certs', '-noout')
    expect(listed).toMatch(/CN\s?=\s?Second Root/)
  })

  it('writes the root and not the default authority if that is a subordinate', async () => {
    await pki.done('ca', 'create', 'subordinate', 'Default CA', '--default')
    await pki.done('ca', 'export', '--out', 'roots.pem')
    expect(subjects(pki.text('roots.pem'))).toEqual([
      expect.stringMatching(/CN=Sealpost Lab Root CA/),
      'CN=Second Root',
    ])
  })

  it('refuses DER, which holds one certificate', async () => {
    const why = await pki.refused('ca', 'export', '--format', 'der', '--out', 'roots.der')
    expect(why).toMatch(/DER holds one certificate, and there are 2 roots .*--format p7b.*ca export NAME/)
    await pki.done('ca', 'export', 'Second Root', '--format', 'der', '--out', 'root.der')
    expect(new X509Certificate(readFileSync(pki.path('root.der'))).subject).toBe('CN=Second Root')
  })
})

it('healthcheck and verify trust every root of the lab', async () => {
  await using running = await pki.start(['--config', 'lab.yaml'])
  expect(running.endpoint('pop3').tlsPort).toBeGreaterThan(0)
  expect(await pki.sealpost('healthcheck')).toMatchObject({ status: 0, stderr: '' })
  const verified = await pki.sealpost('verify', '--protocol', 'pop3', 'imap4', '--check', 'chain', 'names')
  expect(verified.status, verified.stdout).toBe(0)
})

it('lab.ca is the bundle of the roots', async () => {
  await using lab = await startLab({ virtualServers: [{ protocol: 'imap4', port: 0, tlsPort: 0 }] })
  await lab.authorities.createRoot({ name: 'Other Root' })
  expect(subjects(lab.ca)).toEqual([expect.stringMatching(/CN=Sealpost Lab Root CA/), 'CN=Other Root'])
})
