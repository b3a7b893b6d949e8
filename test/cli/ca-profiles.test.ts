import { X509Certificate } from 'node:crypto'
import { expect, it } from 'vitest'
import { CertificateLab, smtp } from './cert-support.ts'

const pki = new CertificateLab(`hostname: localhost
certificates:
  store: certs
  key: rsa-2048
  profiles:
    weekly: { purposes: [serverAuth, clientAuth], lifetime: 7d, hash: sha512 }
    server: { purposes: [serverAuth], lifetime: 30d }
virtualServers: [{ protocol: smtp, port: 0 }]
`)
const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'one.key']
await pki.openssl('req', '-new', ...key, '-subj', '/CN=one.test', '-out', 'one.csr')

const hoursOf = (certificate: X509Certificate): number =>
  (Date.parse(certificate.validTo) - Date.parse(certificate.validFrom)) / 3_600_000

async function signed(...args: string[]): Promise<X509Certificate> {
  await pki.done('ca', 'sign', 'one.csr', '--out', 'one.pem', ...args)
  return new X509Certificate(pki.text('one.pem'))
}

const shown = (extensions: string): Promise<string> =>
  pki.openssl('x509', '-in', 'one.pem', '-noout', '-ext', extensions)

it.each([
  { profile: 'client', purpose: 'TLS Web Client Authentication', hours: 397 * 24 },
  { profile: 'user', purpose: 'TLS Web Client Authentication, E-mail Protection', hours: 397 * 24 },
  { profile: 'smime', purpose: 'E-mail Protection', hours: 397 * 24 },
  { profile: 'code-signing', purpose: 'Code Signing', hours: 397 * 24 },
  { profile: 'ocsp-responder', purpose: 'OCSP Signing', hours: 30 * 24 },
  { profile: 'short-lived', purpose: 'TLS Web Server Authentication', hours: 6 * 24 },
  { profile: 'weekly', purpose: 'TLS Web Server Authentication, TLS Web Client Authentication', hours: 7 * 24 },
  { profile: 'server', purpose: 'TLS Web Server Authentication', hours: 30 * 24 },
])('ca sign --profile $profile issues for its purposes and its lifetime', async ({ profile, purpose, hours }) => {
  expect(hoursOf(await signed('--profile', profile))).toBe(hours)
  expect((await shown('extendedKeyUsage')).trim().split('\n').at(-1)?.trim()).toBe(purpose)
})

it('ca sign takes the hash of a profile, and what is given beside it', async () => {
  await signed('--profile', 'weekly')
  const text = (): Promise<string> => pki.openssl('x509', '-in', 'one.pem', '-noout', '-text')
  expect(await text()).toContain('Signature Algorithm: sha512WithRSAEncryption')
  expect(hoursOf(await signed('--profile', 'weekly', '--hours', '5', '--hash', 'sha384'))).toBe(5)
  expect(await text()).toContain('Signature Algorithm: sha384WithRSAEncryption')
  await pki.done('ca', 'export', '--out', 'root.pem')
  expect(await pki.openssl('verify', '-x509_strict', '-CAfile', 'root.pem', 'one.pem')).toContain('OK')
})

it('refuses unknown profiles, and days together with hours', async () => {
  expect(await pki.refused('ca', 'sign', 'one.csr', '--profile', 'yearly')).toMatch(
    /no certificate profile "yearly"; there are: server, client, user, smime, code-signing, ocsp-responder, short-lived, must-staple, modern, intermediate, old, outlook-express, pqc, weekly/,
  )
  const { status, stderr } = await pki.sealpost('ca', 'sign', 'one.csr', '--days', '1', '--hours', '1')
  expect([status, stderr]).toEqual([2, expect.stringContaining('give --days or --hours, not both')])
})

it('cert issue takes the same options, but not for an authority that decides itself', async () => {
  const { thumbprint = '' } = await pki.json('cert', 'issue', '--for', smtp, '--cn', 'localhost', '--hours', '2')
  const { certificatePem = '' } = await pki.json('cert', 'show', thumbprint)
  expect(hoursOf(new X509Certificate(certificatePem))).toBe(2)
  await pki.done('ca', 'create', 'root', 'Slow', '--type', 'standalone')
  const again = ['cert', 'issue', '--for', smtp, '--cn', 'localhost', '--profile', 'short-lived']
  expect(await pki.refused(...again, '--authority', 'Slow', '--json')).toContain('give them to ca approve')
  const { status } = await pki.sealpost(...again, '--acme', 'http://127.0.0.1:9/directory')
  expect(status).toBe(2)
})
