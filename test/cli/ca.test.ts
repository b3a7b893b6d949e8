import { statSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readPkcs12 } from '../../src/pki/pkcs12/read.ts'
import { CertificateOffice, imap4, pop3, type ShownCertificate, smtp } from './cert-support.ts'

let office: CertificateOffice

beforeAll(() => {
  office = new CertificateOffice()
})
afterAll(() => office.remove())

interface ShownAuthority {
  readonly name: string
  readonly role: string
  readonly type: string
  readonly default: boolean
  readonly ready: boolean
  readonly waiting: number
}

/** Makes a request by openssl: NAME.csr and NAME.key. */
async function csr(name: string, subject: string, ...args: readonly string[]): Promise<void> {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${name}.key`]
  await office.openssl('req', '-new', ...key, '-subj', subject, '-out', `${name}.csr`, ...args)
}

describe('sealpost ca create', () => {
  it('makes a structure of any depth that openssl follows', async () => {
    await office.done('ca', 'create', 'root', 'Big Root', '--o', 'Example Ltd', '--c', 'JP', '--path-length', '2')
    await office.done('ca', 'create', 'subordinate', 'Middle CA', '--parent', 'Big Root')
    await office.done(
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
    const list = await office.json<ShownAuthority[]>('ca', 'list')
    expect(list.map(({ name, role, default: first }) => [name, role, first]).slice(-3)).toEqual([
      ['Big Root', 'root', false],
      ['Middle CA', 'subordinate', false],
      ['Issuing CA', 'subordinate', true],
    ])
    await office.done('cert', 'issue', '--for', smtp, '--cn', 'localhost')
    await office.done('cert', 'export', smtp, '--out', 'leaf.cer')
    await office.openssl('x509', '-inform', 'DER', '-in', 'leaf.cer', '-out', 'leaf.pem')
    await office.done('ca', 'export', 'Big Root', '--out', 'big.pem')
    await office.done('ca', 'export', 'Issuing CA', '--format', 'chain', '--out', 'chain.pem')
    const args = ['-x509_strict', '-purpose', 'sslserver', '-CAfile', 'big.pem', '-untrusted', 'chain.pem', 'leaf.pem']
    expect(await office.openssl('verify', ...args)).toContain('OK')
    const shown = await office.json<ShownCertificate>('cert', 'show', smtp)
    expect(shown.chain).toEqual(['CN=Issuing CA', 'CN=Middle CA'])
  })

  it('refuses what no client would follow', async () => {
    expect(await office.refused('ca', 'create', 'subordinate', 'Too deep', '--parent', 'Issuing CA')).toMatch(
      /"Big Root" allows no further authority/,
    )
    expect(await office.refused('ca', 'create', 'root', 'big root')).toContain(
      'there is an authority "Big Root" already',
    )
    expect(await office.refused('ca', 'create', 'subordinate', 'X', '--parent', 'nobody')).toMatch(
      /no authority "nobody"; there are/,
    )
  })

  it('sets name constraints that openssl holds to', async () => {
    const limits = ['--permit', 'example.test', '127.0.0.0/8', '--exclude', 'secret.example.test']
    await office.done('ca', 'create', 'root', 'Narrow', ...limits)
    await office.done('ca', 'export', 'Narrow', '--out', 'narrow.pem')
    for (const [name, code] of [
      ['mail.example.test', 0],
      ['a.secret.example.test', 2],
      ['mail.other.test', 2],
    ] as const) {
      await csr('n', `/CN=${name}`)
      await office.done('ca', 'sign', 'n.csr', '--authority', 'Narrow', '--out', 'n.pem')
      expect(await office.opensslCode('verify', '-CAfile', 'narrow.pem', 'n.pem'), name).toBe(code)
    }
  })

  it('signs with SHA-1 for old clients', async () => {
    await office.done('ca', 'create', 'root', 'Old Root', '--hash', 'sha1', '--bits', '1024')
    await csr('o', '/CN=old.test')
    await office.done('ca', 'sign', 'o.csr', '--authority', 'Old Root', '--out', 'o.pem')
    expect(await office.openssl('x509', '-in', 'o.pem', '-noout', '-text')).toContain('sha1WithRSAEncryption')
  })

  it('lets an outside authority sign: request out, answer in', async () => {
    await office.outsideAuthority('world')
    await office.done(
      'ca',
      'create',
      'subordinate',
      'Guest CA',
      '--outside',
      '--out',
      'guest.csr',
      '--o',
      'Example Ltd',
    )
    const asked = await office.openssl('req', '-in', 'guest.csr', '-verify', '-noout', '-text')
    expect(asked).toMatch(/verify OK[\s\S]*CA:TRUE/)
    expect(await office.refused('ca', 'export', 'Guest CA')).toContain('has no certificate yet')
    expect(
      await office.refused('cert', 'issue', '--for', pop3, '--cn', 'localhost', '--authority', 'Guest CA'),
    ).toContain('has no certificate yet')
    await office.sign('world', 'guest.csr', 'leafish.pem')
    expect(await office.refused('ca', 'install', 'leafish.pem')).toMatch(/not one of an authority/)
    const ext = ['-CA', 'world.pem', '-CAkey', 'world.key', '-extfile', 'world.ext', '-days', '20']
    await office.openssl('x509', '-req', '-in', 'guest.csr', ...ext, '-out', 'guest.pem')
    office.write('answer.pem', office.text('guest.pem') + office.text('world.pem'))
    expect(await office.done('ca', 'install', 'answer.pem')).toContain('can issue now')
    await office.done('cert', 'issue', '--for', pop3, '--cn', 'localhost', '--authority', 'Guest CA')
    await office.done('cert', 'export', pop3, '--out', 'pop3.p7b')
    await office.openssl('pkcs7', '-inform', 'DER', '-in', 'pop3.p7b', '-print_certs', '-out', 'pop3.pem')
    const chain = ['-CAfile', 'world.pem', '-untrusted', 'pop3.pem', 'pop3.pem']
    expect(await office.openssl('verify', ...chain)).toContain('OK')
  })

  it.each(['der', 'p7b'])('exports as %s', async (format) => {
    await office.done('ca', 'export', 'Issuing CA', '--format', format, '--out', `out.${format}`)
    const reader = format === 'der' ? ['x509', '-noout', '-subject'] : ['pkcs7', '-print_certs']
    expect(await office.openssl(...reader, '-inform', 'DER', '-in', `out.${format}`)).toContain('Issuing CA')
  })
})

describe('a standalone authority', () => {
  it('queues the request until it is approved', async () => {
    await office.done('ca', 'create', 'root', 'Slow CA', '--type', 'standalone')
    const said = await office.done('cert', 'issue', '--for', imap4, '--cn', 'localhost', '--authority', 'Slow CA')
    expect(said).toMatch(/standalone authority and does not answer at once[\s\S]*number 1/)
    const waiting = await office.sealpost('cert', 'install', '--pending')
    expect(waiting).toMatchObject({ status: 1, stdout: expect.stringContaining('still waits at "Slow CA"') })
    expect(await office.json('ca', 'requests')).toMatchObject([{ id: 1, authority: 'Slow CA', state: 'pending' }])
    expect(await office.done('ca', 'approve', '1')).toMatch(/Request 1 is approved/)
    expect(await office.refused('ca', 'approve', '1')).toContain('is issued already')
    expect(await office.done('cert', 'install', '--pending')).toContain(`installed on "${imap4}"`)
    expect(await office.json<ShownCertificate>('cert', 'show', imap4)).toMatchObject({
      issuedBy: 'Slow CA',
      usedBy: [imap4],
    })
  })

  it('turns requests down', async () => {
    await csr('d', '/CN=denied.test')
    expect(await office.done('ca', 'submit', 'd.csr', '--authority', 'Slow CA')).toContain('as number 2')
    await office.done('ca', 'deny', '2')
    expect(await office.refused('ca', 'approve', '2')).toContain('is denied already')
    expect(await office.refused('ca', 'approve', '9')).toMatch(/no request 9; none is waiting/)
    const renewed = await office.json<{ id: number }>('cert', 'renew', '--for', imap4)
    expect(renewed).toMatchObject({ state: 'queued', authority: 'Slow CA' })
    await office.done('ca', 'deny', String(renewed.id))
    expect((await office.sealpost('cert', 'install', '--pending')).stdout).toContain('denied request')
    await office.done('cert', 'cancel', imap4)
  })
})

describe('sealpost ca sign', () => {
  it('signs what is asked, or what is told', async () => {
    await csr(
      's',
      '/CN=sign.test',
      '-addext',
      'subjectAltName=DNS:a.test,IP:192.0.2.1',
      '-addext',
      'extendedKeyUsage=clientAuth',
    )
    await office.done('ca', 'sign', 's.csr', '--out', 's.pem', '--days', '7')
    const text = await office.openssl('x509', '-in', 's.pem', '-noout', '-text')
    expect(text).toMatch(/DNS:a\.test, IP Address:192\.0\.2\.1/)
    expect(text).toContain('TLS Web Client Authentication')
    await office.done('ca', 'sign', 's.csr', '--out', 's.pem', '--purpose', 'serverAuth', '--san', 'b.test')
    expect(await office.openssl('x509', '-in', 's.pem', '-noout', '-text')).toMatch(
      /Web Server Auth[\s\S]*DNS:b\.test\n/,
    )
  })

  it('makes an authority only when told to', async () => {
    await csr('ca', '/CN=Sub by request', '-addext', 'basicConstraints=critical,CA:TRUE')
    expect(await office.refused('ca', 'sign', 'ca.csr', '--authority', 'Big Root')).toContain('--subordinate')
    await office.done(
      'ca',
      'sign',
      'ca.csr',
      '--authority',
      'Big Root',
      '--subordinate',
      '--path-length',
      '0',
      '--out',
      'ca.pem',
    )
    expect(await office.openssl('x509', '-in', 'ca.pem', '-noout', '-text')).toContain('CA:TRUE, pathlen:0')
  })

  it('refuses a request whose signature is wrong, and what is no request', async () => {
    const der = Buffer.from(office.text('s.csr').replace(/-----.*-----/g, ''), 'base64')
    der[der.length - 3] = (der.at(-3) ?? 0) ^ 1
    office.write(
      'bad.csr',
      `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`,
    )
    expect(await office.refused('ca', 'sign', 'bad.csr')).toMatch(/signature of the certificate request is wrong/)
    expect(await office.refused('ca', 'sign', 's.pem')).toMatch(/holds no certificate request/)
    office.write('junk', 'junk')
    expect(await office.refused('ca', 'sign', 'junk')).toMatch(/broken ASN\.1|not a certificate request/)
  })
})

describe('sealpost ca revoke and ca crl', () => {
  it('publish lists that openssl checks against', async () => {
    await csr('r', '/CN=revoke.test')
    const { serial = '' } = await office.json(
      'ca',
      'sign',
      'r.csr',
      '--authority',
      'Narrow',
      '--san',
      'r.example.test',
      '--out',
      'r.pem',
    )
    const check = async (): Promise<number> => {
      await office.done('ca', 'crl', 'Narrow', '--out', 'narrow.crl')
      expect(await office.openssl('crl', '-in', 'narrow.crl', '-CAfile', 'narrow.pem', '-noout')).toContain('verify OK')
      return office.opensslCode('verify', '-crl_check', '-CRLfile', 'narrow.crl', '-CAfile', 'narrow.pem', 'r.pem')
    }
    expect(await check()).toBe(0)
    const colons = (serial.toLowerCase().match(/../g) ?? []).join(':')
    expect(await office.done('ca', 'revoke', colons, '--reason', 'certificatehold')).toContain(
      'is revoked (certificateHold)',
    )
    expect(await check()).toBe(2)
    await office.done('ca', 'revoke', serial, '--reason', 'removeFromCRL')
    expect(await check()).toBe(0)
    await office.done('ca', 'revoke', serial, '--reason', 'superseded')
    expect(await check()).toBe(2)
    expect(await office.openssl('crl', '-in', 'narrow.crl', '-noout', '-text')).toMatch(/Superseded/)
    expect(await office.refused('ca', 'revoke', serial)).toContain('was revoked on')
    expect(await office.refused('ca', 'revoke', 'ABCDEF')).toMatch(/no authority of this lab has issued/)
    expect(await office.sealpost('ca', 'revoke', serial, '--reason', 'boredom')).toMatchObject({ status: 2 })
    expect(await office.json('ca', 'issued', 'Narrow')).toContainEqual(
      expect.objectContaining({ serial, revoked: expect.objectContaining({ reason: 'superseded' }) }),
    )
  })

  it('mark a certificate of the store as revoked', async () => {
    const { thumbprint } = await office.json<ShownCertificate>('cert', 'show', smtp)
    await office.done('ca', 'revoke', thumbprint, '--reason', 'keyCompromise')
    expect(await office.json<ShownCertificate>('cert', 'show', smtp)).toMatchObject({ state: 'revoked' })
    expect((await office.sealpost('cert', 'list')).stderr).toMatch(/Default SMTP Virtual Server.*is revoked/)
  })
})

describe('sealpost ca user', () => {
  it('issues a certificate for log-on and S/MIME as .p12', async () => {
    const names = ['--email', 'alice@lab.test', '--upn', 'alice@lab.test']
    await office.done('ca', 'user', 'Alice', ...names, '--out', 'alice.p12', '--password', 'secret')
    expect(statSync(office.path('alice.p12')).mode & 0o777).toBe(0o600)
    const { readFile } = await import('node:fs/promises')
    const { keys, certificates, friendlyName } = await readPkcs12(await readFile(office.path('alice.p12')), 'secret')
    expect(friendlyName).toBe('Alice')
    expect(keys).toHaveLength(1)
    office.write('alice.pem', certificates[0]?.toString() ?? '')
    const text = await office.openssl('x509', '-in', 'alice.pem', '-noout', '-text', '-nameopt', 'utf8')
    expect(text).toMatch(/TLS Web Client Authentication, E-mail Protection/)
    expect(text).toMatch(/email:alice@lab\.test/)
    expect(text).toMatch(/UPN:?:?\s?alice@lab\.test|othername: UPN:alice@lab\.test/i)
    const chain = ['-CAfile', 'big.pem', '-untrusted', 'chain.pem', 'alice.pem']
    expect(await office.openssl('verify', '-purpose', 'smimesign', ...chain)).toContain('OK')
    expect(await office.openssl('verify', '-purpose', 'sslclient', ...chain)).toContain('OK')
    expect(await office.sealpost('ca', 'user', 'Bob', '--upn', 'bob@lab.test', '--out', 'b.p12')).toMatchObject({
      status: 2,
    })
    expect(await office.refused('ca', 'user', 'Bob', '--out', 'b.p12', '--password', 'x')).toMatch(
      /needs a mail address/,
    )
  })
})
