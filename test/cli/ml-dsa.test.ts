import { beforeAll, describe, expect, it } from 'vitest'
import { requestPages } from '../../src/cli/cert/wizard/pages.ts'
import { supportsMlDsa } from '../../src/core/config/ml-dsa-support.ts'
import { sClient } from '../support/openssl.ts'
import { CertificateLab, pop3, type ShownCertificate, smtp } from './cert-support.ts'

const yaml = `hostname: localhost
certificates: { store: certs, key: p256 }
virtualServers:
  - { protocol: smtp, port: 0 }
  - { protocol: pop3, port: 0, tlsPort: 0 }
  - { protocol: imap4, port: 0, tlsPort: 0, certificate: [auto, { variant: ml-dsa-65 }] }
`

let pki: CertificateLab

/** An ML-DSA certificate of openssl as PEM with its key, encrypted or not, and as PFX; a request for one. */
beforeAll(async () => {
  pki = new CertificateLab(supportsMlDsa() ? yaml : yaml.replace(', { variant: ml-dsa-65 }', ''))
  await pki.done('ca', 'list')
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  const key = ['-newkey', 'ML-DSA-65', '-nodes', '-keyout', 'own.key']
  await pki.openssl('req', '-x509', ...key, '-days', '20', ...subject, '-out', 'own.pem')
  await pki.openssl('req', '-new', '-key', 'own.key', ...subject, '-out', 'own.csr')
  await pki.openssl('pkey', '-in', 'own.key', '-aes256', '-passout', 'pass:secret', '-out', 'own.enc')
  pki.write('plain.pem', pki.text('own.pem') + pki.text('own.key'))
  pki.write('encrypted.pem', pki.text('own.pem') + pki.text('own.enc'))
  const own = ['-in', 'own.pem', '-inkey', 'own.key']
  await pki.openssl('pkcs12', '-export', ...own, '-passout', 'pass:secret', '-out', 'own.pfx')
})

const files = [
  ['plain.pem', []],
  ['encrypted.pem', ['--password', 'secret']],
  ['own.pfx', ['--password', 'secret']],
] as const

describe.runIf(supportsMlDsa())('ML-DSA keys', () => {
  it.each(['44', '65', '87'])(
    'sign certificates, revocation lists and requests that openssl accepts: ML-DSA-%s',
    async (size) => {
      const key = ['--key', `ml-dsa-${size}`]
      await pki.done('ca', 'create', 'root', `Root ${size}`, ...key)
      await pki.done('ca', 'create', 'subordinate', `Issuing ${size}`, '--parent', `Root ${size}`, ...key)
      await pki.done('ca', 'export', `Root ${size}`, '--out', 'root.pem')
      await pki.done('ca', 'export', `Issuing ${size}`, '--out', 'issuing.pem')
      await pki.issue(smtp, size, '--authority', `Issuing ${size}`, ...key)
      const shown = await pki.json<ShownCertificate>('cert', 'show', size)
      expect(shown.key).toContain(`ML-DSA-${size}`)
      pki.write('leaf.pem', shown.certificatePem)
      const text = await pki.openssl('x509', '-in', 'leaf.pem', '-noout', '-text')
      expect(text).toMatch(
        new RegExp(`Signature Algorithm: ML-DSA-${size}[\\s\\S]*Public Key Algorithm: ML-DSA-${size}`),
      )
      // Keys of ML-DSA only sign. RFC 9881 section 5
      expect(text).toMatch(/X509v3 Key Usage: critical\s+Digital Signature\n/)
      await pki.done('ca', 'crl', `Issuing ${size}`, '--out', 'issuing.crl')
      await pki.done('ca', 'crl', `Root ${size}`, '--out', 'root.crl')
      pki.write('all.crl', pki.text('issuing.crl') + pki.text('root.crl'))
      const checks = ['-x509_strict', '-purpose', 'sslserver', '-crl_check_all', '-CRLfile', 'all.crl']
      const chain = ['-CAfile', 'root.pem', '-untrusted', 'issuing.pem', 'leaf.pem']
      expect(await pki.openssl('verify', ...checks, ...chain)).toContain('OK')
      await pki.request(pop3, ...key)
      expect(await pki.openssl('req', '-in', 'certreq.txt', '-verify', '-noout', '-text')).toContain(`ML-DSA-${size}`)
      await pki.done('ca', 'sign', 'certreq.txt', '--authority', `Issuing ${size}`, '--out', 'answer.pem')
      await pki.done('cert', 'install', 'answer.pem')
      await pki.done('ca', 'renew', `Issuing ${size}`, '--new-key')
      expect(await pki.json('ca', 'list')).toContainEqual(
        expect.objectContaining({ name: `Issuing ${size}`, key: `ML-DSA-${size}`, keys: 2 }),
      )
      const { thumbprint = '' } = await pki.json('cert', 'renew', '--for', pop3, '--new-key')
      expect((await pki.json<ShownCertificate>('cert', 'show', thumbprint)).key).toContain(`ML-DSA-${size}`)
    },
  )

  it.each(files)('are imported from %s and exported', async (file, password) => {
    await pki.done('cert', 'import', file, ...password, '--name', file)
    await pki.done('cert', 'export', file, '--out', 'exported.pfx', '--password', 'other')
    const pem = await pki.openssl('pkcs12', '-in', 'exported.pfx', '-passin', 'pass:other', '-nodes')
    pki.write('exported.pem', pem)
    expect(await pki.openssl('pkey', '-in', 'exported.pem', '-pubout')).toBe(
      await pki.openssl('pkey', '-in', 'own.key', '-pubout'),
    )
    await pki.done('cert', 'delete', file)
  })

  it('are requested from a classical authority by openssl', async () => {
    await pki.done('ca', 'sign', 'own.csr', '--out', 'signed.pem')
    await pki.done('ca', 'export', '--out', 'roots.pem')
    expect(await pki.openssl('verify', '-x509_strict', '-CAfile', 'roots.pem', 'signed.pem')).toContain('OK')
  })

  it('are served beside a classical certificate, to clients that can verify them', async () => {
    await pki.issue(pop3, 'Whole chain', '--key', 'ml-dsa-44', '--authority', 'Root 87')
    await pki.done('ca', 'export', '--out', 'roots.pem')
    await using running = await pki.start(['--config', 'lab.yaml'])
    const connect = (protocol: string, ...args: readonly string[]): Promise<string> => {
      const { tlsPort } = running.endpoint(protocol)
      return sClient(
        ['-connect', `127.0.0.1:${tlsPort}`, '-CAfile', pki.path('roots.pem'), '-verify_return_error', ...args],
        'QUIT\r\na LOGOUT\r\n',
      )
    }
    for (const name of [[], ['-servername', 'localhost']]) {
      const able = await connect('imap4', ...name)
      expect(able).toContain('Peer signature type: mldsa65')
      expect(able).toContain('Verification: OK')
      for (const older of [['-tls1_2'], ['-sigalgs', 'ECDSA+SHA256']]) {
        const classical = await connect('imap4', ...name, ...older)
        expect(classical).toContain('Peer signature type: ecdsa_secp256r1_sha256')
        expect(classical).toContain('Verification: OK')
      }
    }
    const alone = await connect('pop3')
    expect(alone).toMatch(/Peer signature type: mldsa44[\s\S]*Verification: OK[\s\S]*\+OK/)
    await connect('pop3', '-tls1_2')
    const { stdout } = await pki.sealpost('sessions', '--json')
    const refusals = stdout.split('\n').filter((line) => line.includes(pop3) && line.includes('TLS handshake'))
    expect(refusals).toHaveLength(1)
    const verified = await pki.sealpost('verify', '--protocol', 'imap4', 'pop3', '--check', 'chain', 'key')
    expect(verified.status, verified.stdout + verified.stderr).toBe(0)
  })

  it('are those of the root and of automatic certificates', async () => {
    const lab = new CertificateLab(yaml.replace('key: p256', 'key: ml-dsa-44'))
    await lab.done('ca', 'export', '--out', 'root.pem')
    await using running = await lab.start(['--config', 'lab.yaml'])
    const { tlsPort } = running.endpoint('pop3')
    const output = await sClient(['-connect', `127.0.0.1:${tlsPort}`, '-CAfile', lab.path('root.pem')], 'QUIT\r\n')
    expect(output).toMatch(/Peer signature type: mldsa44[\s\S]*Verification: OK/)
  })
})

describe.runIf(!supportsMlDsa())('without ML-DSA in Node.js', () => {
  const reason = /ML-DSA keys need Node\.js 24\.6 or later with OpenSSL 3\.5; this is Node\.js \d/

  it('new keys are refused', async () => {
    expect(await pki.refused('ca', 'create', 'root', 'Root', '--key', 'ml-dsa-65')).toMatch(reason)
    expect(await pki.refused('cert', 'issue', '--for', pop3, '--key', 'ML-DSA-87')).toMatch(reason)
    // OpenSSL 3.5 of Node.js 22 can verify the request, and an authority with another key can sign it.
    if (process.versions.openssl.startsWith('3.0.')) {
      expect(await pki.refused('ca', 'sign', 'own.csr', '--out', 'signed.pem')).toMatch(reason)
    }
  })

  it.each(files)('%s is refused', async (file, password) => {
    expect(await pki.refused('cert', 'import', file, ...password)).toMatch(reason)
  })

  it.each([
    ['certificates.key', yaml.replace('key: p256', 'key: ml-dsa-44').replace(', { variant: ml-dsa-65 }', '')],
    ['virtualServers[2].certificate', yaml],
  ])('a configuration with it is refused at %s', async (key, text) => {
    const lab = new CertificateLab(text)
    for (const command of ['start', 'check']) {
      const { status, stderr } = await lab.sealpost(command)
      expect([command, status, stderr]).toEqual([command, 2, expect.stringMatching(reason)])
      expect(stderr).toContain(key)
    }
  })
})

it('names the key types if another is given', async () => {
  const { status, stderr } = await pki.sealpost('ca', 'create', 'root', 'X', '--key', 'dsa-1024')
  expect([status, stderr]).toEqual([2, expect.stringContaining('ml-dsa-65')])
  const both = await pki.sealpost('ca', 'create', 'root', 'X', '--key', 'p256', '--bits', '2048')
  expect([both.status, both.stderr]).toEqual([2, expect.stringContaining('give one of --bits, --curve and --key')])
})

it('is a choice of the wizard where Node.js has it', () => {
  const choices = requestPages.find(({ field }) => field === 'key')?.choices ?? []
  const offered = choices.map(({ value }) => value).filter((value) => value.startsWith('ml-dsa'))
  expect(offered).toEqual(supportsMlDsa() ? ['ml-dsa-44', 'ml-dsa-65', 'ml-dsa-87'] : [])
})
