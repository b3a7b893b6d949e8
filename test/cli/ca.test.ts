import { statSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { readPkcs12 } from '../../src/tls/pki/keystore/pkcs12.ts'
import { CertificateLab, imap4, pop3, type ShownCertificate, smtp } from './cert-support.ts'

const pki = new CertificateLab()

interface ShownAuthority {
  readonly name: string
  readonly role: string
  readonly type: string
  readonly default: boolean
  readonly ready: boolean
  readonly waiting: number
}

/** Creates a request with openssl: NAME.csr and NAME.key. */
async function csr(name: string, subject: string, ...args: readonly string[]): Promise<void> {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${name}.key`]
  await pki.openssl('req', '-new', ...key, '-subj', subject, '-out', `${name}.csr`, ...args)
}

// The tests tell one story.
describe('the authorities of a lab', { shuffle: false }, () => {
  describe('sealpost ca create', () => {
    it('creates a chain of authorities that openssl verifies', async () => {
      await pki.done('ca', 'create', 'root', 'Big Root', '--o', 'Example Ltd', '--c', 'JP', '--path-length', '2')
      await pki.done('ca', 'create', 'subordinate', 'Middle CA', '--parent', 'Big Root')
      await pki.done(
        'ca',
        'create',
        'subordinate',
        'Issuing CA',
        '--parent',
        'middle ca',
        '--bits',
        '2048',
        '--default',
      )
      const list = await pki.json<ShownAuthority[]>('ca', 'list')
      expect(list.map(({ name, role, default: first }) => [name, role, first]).slice(-3)).toEqual([
        ['Big Root', 'root', false],
        ['Middle CA', 'subordinate', false],
        ['Issuing CA', 'subordinate', true],
      ])
      await pki.done('cert', 'issue', '--for', smtp, '--cn', 'localhost')
      await pki.done('cert', 'export', smtp, '--out', 'leaf.cer')
      await pki.openssl('x509', '-inform', 'DER', '-in', 'leaf.cer', '-out', 'leaf.pem')
      expect(await pki.done('ca', 'export', 'Big Root', '--out', 'big.pem')).toBe('Wrote big.pem (1 certificate)\n')
      const chained = await pki.done('ca', 'export', 'Issuing CA', '--format', 'chain', '--out', 'chain.pem')
      expect(chained).toMatch(/^Wrote chain\.pem \(\d certificates\)\n$/)
      const args = [
        '-x509_strict',
        '-purpose',
        'sslserver',
        '-CAfile',
        'big.pem',
        '-untrusted',
        'chain.pem',
        'leaf.pem',
      ]
      expect(await pki.openssl('verify', ...args)).toContain('OK')
      const shown = await pki.json<ShownCertificate>('cert', 'show', smtp)
      expect(shown.chain).toEqual(['CN=Issuing CA', 'CN=Middle CA'])
    })

    it('refuses chains that no client would accept', async () => {
      expect(await pki.refused('ca', 'create', 'subordinate', 'Too deep', '--parent', 'Issuing CA')).toMatch(
        /"Big Root" allows no further authority/,
      )
      expect(await pki.refused('ca', 'create', 'root', 'big root')).toContain(
        'there is already an authority "Big Root"',
      )
      expect(await pki.refused('ca', 'create', 'subordinate', 'X', '--parent', 'nobody')).toMatch(
        /no authority "nobody"; there are/,
      )
    })

    it('sets name constraints that openssl enforces', async () => {
      const limits = ['--permit', 'example.test', '127.0.0.0/8', '--exclude', 'secret.example.test']
      await pki.done('ca', 'create', 'root', 'Narrow', ...limits)
      await pki.done('ca', 'export', 'Narrow', '--out', 'narrow.pem')
      for (const [name, code] of [
        ['mail.example.test', 0],
        ['a.secret.example.test', 2],
        ['mail.other.test', 2],
      ] as const) {
        await csr('n', `/CN=${name}`)
        await pki.done('ca', 'sign', 'n.csr', '--authority', 'Narrow', '--out', 'n.pem', '--force')
        expect(await pki.opensslCode('verify', '-CAfile', 'narrow.pem', 'n.pem'), name).toBe(code)
      }
    })

    it('signs with SHA-1 for old clients', async () => {
      await pki.done('ca', 'create', 'root', 'Old Root', '--hash', 'sha1', '--bits', '1024')
      await csr('o', '/CN=old.test')
      await pki.done('ca', 'sign', 'o.csr', '--authority', 'Old Root', '--out', 'o.pem')
      expect(await pki.openssl('x509', '-in', 'o.pem', '-noout', '-text')).toContain('sha1WithRSAEncryption')
    })

    it('writes a request for an outside authority and installs its certificate', async () => {
      await pki.outsideAuthority('world')
      await pki.done('ca', 'create', 'subordinate', 'Guest CA', '--outside', '--out', 'guest.csr', '--o', 'Example Ltd')
      const asked = await pki.openssl('req', '-in', 'guest.csr', '-verify', '-noout', '-text')
      expect(asked).toMatch(/verify OK[\s\S]*CA:TRUE/)
      expect(await pki.refused('ca', 'export', 'Guest CA')).toContain('has no certificate yet')
      expect(
        await pki.refused('cert', 'issue', '--for', pop3, '--cn', 'localhost', '--authority', 'Guest CA'),
      ).toContain('has no certificate yet')
      await pki.sign('world', 'guest.csr', 'leafish.pem')
      expect(await pki.refused('ca', 'install', 'leafish.pem')).toMatch(/not an authority's certificate/)
      expect(await pki.installFrom('world', 'guest.csr')).toContain('can now issue certificates')
      await pki.done('cert', 'issue', '--for', pop3, '--cn', 'localhost', '--authority', 'Guest CA')
      await pki.done('cert', 'export', pop3, '--out', 'pop3.p7b')
      await pki.openssl('pkcs7', '-inform', 'DER', '-in', 'pop3.p7b', '-print_certs', '-out', 'pop3.pem')
      const chain = ['-CAfile', 'world.pem', '-untrusted', 'pop3.pem', 'pop3.pem']
      expect(await pki.openssl('verify', ...chain)).toContain('OK')
    })

    it.each(['der', 'p7b'])('exports as %s', async (format) => {
      await pki.done('ca', 'export', 'Issuing CA', '--format', format, '--out', `out.${format}`)
      const reader = format === 'der' ? ['x509', '-noout', '-subject'] : ['pkcs7', '-print_certs']
      expect(await pki.openssl(...reader, '-inform', 'DER', '-in', `out.${format}`)).toContain('Issuing CA')
    })
  })

  describe('a standalone authority', () => {
    it('queues the request until it is approved', async () => {
      await pki.done('ca', 'create', 'root', 'Slow CA', '--type', 'standalone')
      const said = await pki.done('cert', 'issue', '--for', imap4, '--cn', 'localhost', '--authority', 'Slow CA')
      expect(said).toMatch(/standalone authority: request 1 is pending there/)
      const waiting = await pki.sealpost('cert', 'install', '--pending')
      expect(waiting).toMatchObject({ status: 1, stdout: expect.stringContaining('still pending at "Slow CA"') })
      expect(await pki.json('ca', 'requests')).toMatchObject([{ id: 1, authority: 'Slow CA', state: 'pending' }])
      expect(await pki.done('ca', 'approve', '1')).toMatch(/Request 1 is approved/)
      expect(await pki.refused('ca', 'approve', '1')).toContain('is already issued')
      expect(await pki.done('cert', 'install', '--pending')).toContain(`installed on "${imap4}"`)
      expect(await pki.json<ShownCertificate>('cert', 'show', imap4)).toMatchObject({
        issuedBy: 'Slow CA',
        usedBy: [imap4],
      })
    })

    it('denies requests', async () => {
      await csr('d', '/CN=denied.test')
      expect(await pki.done('ca', 'submit', 'd.csr', '--authority', 'Slow CA')).toContain('request 2 is pending there')
      await pki.done('ca', 'deny', '2')
      expect(await pki.refused('ca', 'approve', '2')).toContain('is already denied')
      expect(await pki.refused('ca', 'approve', '9')).toMatch(/no request 9; none is pending/)
      const renewed = await pki.json<{ id: number }>('cert', 'renew', '--for', imap4)
      expect(renewed).toMatchObject({ state: 'queued', authority: 'Slow CA' })
      await pki.done('ca', 'deny', String(renewed.id))
      expect((await pki.sealpost('cert', 'install', '--pending')).stdout).toContain('denied request')
      await pki.done('cert', 'cancel', imap4)
    })
  })

  describe('sealpost ca sign', () => {
    it('signs the names and purposes of the request or of the options', async () => {
      const names = ['-addext', 'subjectAltName=DNS:a.test,IP:192.0.2.1']
      await csr('s', '/CN=sign.test', ...names, '-addext', 'extendedKeyUsage=clientAuth')
      await pki.done('ca', 'sign', 's.csr', '--out', 's.pem', '--days', '7')
      const text = await pki.openssl('x509', '-in', 's.pem', '-noout', '-text')
      expect(text).toMatch(/DNS:a\.test, IP Address:192\.0\.2\.1/)
      expect(text).toContain('TLS Web Client Authentication')
      await pki.done('ca', 'sign', 's.csr', '--out', 's.pem', '--purpose', 'serverAuth', '--san', 'b.test')
      expect(await pki.openssl('x509', '-in', 's.pem', '-noout', '-text')).toMatch(
        /Web Server Auth[\s\S]*DNS:b\.test\n/,
      )
    })

    it('issues the certificate of an authority only with --subordinate', async () => {
      await csr('ca', '/CN=Sub by request', '-addext', 'basicConstraints=critical,CA:TRUE')
      expect(await pki.refused('ca', 'sign', 'ca.csr', '--authority', 'Big Root')).toContain('--subordinate')
      const authority = ['--authority', 'Big Root', '--subordinate', '--path-length', '0']
      await pki.done('ca', 'sign', 'ca.csr', ...authority, '--out', 'ca.pem')
      expect(await pki.openssl('x509', '-in', 'ca.pem', '-noout', '-text')).toContain('CA:TRUE, pathlen:0')
    })

    it('refuses a request with a wrong signature and other files', async () => {
      const der = Buffer.from(pki.text('s.csr').replace(/-----.*-----/g, ''), 'base64')
      der[der.length - 3] = (der.at(-3) ?? 0) ^ 1
      pki.write(
        'bad.csr',
        `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`,
      )
      expect(await pki.refused('ca', 'sign', 'bad.csr')).toMatch(/signature of the certificate request is invalid/)
      expect(await pki.refused('ca', 'sign', 's.pem')).toMatch(
        /not a certificate request.*it looks like a certificate; name the request/,
      )
      pki.write('junk', 'junk')
      expect(await pki.refused('ca', 'sign', 'junk')).toMatch(/broken ASN\.1|not a certificate request/)
    })
  })

  describe('sealpost ca revoke and ca crl', () => {
    it('publish lists that openssl checks', async () => {
      await csr('r', '/CN=revoke.test')
      const names = ['--authority', 'Narrow', '--san', 'r.example.test']
      const { serial = '' } = await pki.json('ca', 'sign', 'r.csr', ...names, '--out', 'r.pem')
      const check = async (): Promise<number> => {
        await pki.done('ca', 'crl', 'Narrow', '--out', 'narrow.crl')
        expect(await pki.openssl('crl', '-in', 'narrow.crl', '-CAfile', 'narrow.pem', '-noout')).toContain('verify OK')
        return pki.opensslCode('verify', '-crl_check', '-CRLfile', 'narrow.crl', '-CAfile', 'narrow.pem', 'r.pem')
      }
      expect(await check()).toBe(0)
      const colons = (serial.toLowerCase().match(/../g) ?? []).join(':')
      expect(await pki.done('ca', 'revoke', colons, '--reason', 'certificatehold')).toContain(
        'is revoked (certificateHold)',
      )
      expect(await check()).toBe(2)
      await pki.done('ca', 'revoke', serial, '--reason', 'removeFromCRL')
      expect(await check()).toBe(0)
      await pki.done('ca', 'revoke', serial, '--reason', 'superseded')
      expect(await check()).toBe(2)
      expect(await pki.openssl('crl', '-in', 'narrow.crl', '-noout', '-text')).toMatch(/Superseded/)
      const written = await pki.done('ca', 'crl', 'Narrow', '--out', 'narrow.crl')
      expect(written).toBe('Wrote narrow.crl (1 revoked certificate)\n')
      expect(await pki.refused('ca', 'revoke', serial)).toContain('was already revoked on')
      expect(await pki.refused('ca', 'revoke', 'ABCDEF')).toMatch(/no authority of this lab has issued/)
      expect(await pki.sealpost('ca', 'revoke', serial, '--reason', 'boredom')).toMatchObject({ status: 2 })
      expect(await pki.json('ca', 'issued', 'Narrow')).toContainEqual(
        expect.objectContaining({ serial, revoked: expect.objectContaining({ reason: 'superseded' }) }),
      )
    })

    it('mark a certificate of the store as revoked', async () => {
      const { thumbprint } = await pki.json<ShownCertificate>('cert', 'show', smtp)
      const { stderr } = await pki.sealpost('ca', 'revoke', thumbprint, '--reason', 'keyCompromise')
      expect(stderr).toMatch(/Default SMTP Virtual Server.*is revoked/)
      expect(await pki.json<ShownCertificate>('cert', 'show', smtp)).toMatchObject({ state: 'revoked' })
    })
  })

  describe('sealpost ca user', () => {
    it('issues a certificate for log-on and S/MIME as .p12', async () => {
      const names = ['--email', 'alice@lab.test', '--upn', 'alice@lab.test']
      await pki.done('ca', 'user', 'Alice', ...names, '--out', 'alice.p12', '--password', 'secret')
      expect(statSync(pki.path('alice.p12')).mode & 0o777).toBe(0o600)
      const { readFile } = await import('node:fs/promises')
      const { keys, certificates, friendlyName } = await readPkcs12(await readFile(pki.path('alice.p12')), 'secret')
      expect(friendlyName).toBe('Alice')
      expect(keys).toHaveLength(1)
      pki.write('alice.pem', certificates[0]?.toString() ?? '')
      const text = await pki.openssl('x509', '-in', 'alice.pem', '-noout', '-text', '-nameopt', 'utf8')
      expect(text).toMatch(/TLS Web Client Authentication, E-mail Protection/)
      expect(text).toMatch(/email:alice@lab\.test/)
      expect(text).toMatch(/UPN:?:?\s?alice@lab\.test|othername: UPN:alice@lab\.test/i)
      const chain = ['-CAfile', 'big.pem', '-untrusted', 'chain.pem', 'alice.pem']
      expect(await pki.openssl('verify', '-purpose', 'smimesign', ...chain)).toContain('OK')
      expect(await pki.openssl('verify', '-purpose', 'sslclient', ...chain)).toContain('OK')
      expect(await pki.sealpost('ca', 'user', 'Bob', '--upn', 'bob@lab.test', '--out', 'b.p12')).toMatchObject({
        status: 2,
      })
      expect(await pki.refused('ca', 'user', 'Bob', '--out', 'b.p12', '--password', 'x')).toMatch(
        /needs an email address/,
      )
    })
  })
})
