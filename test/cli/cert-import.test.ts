import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { needs } from '../support/programs.ts'
import { isThorough } from '../support/thorough.ts'
import { run } from '../tls/pki/support.ts'
import { CertificateLab, pop3, type ShownCertificate, smtp } from './cert-support.ts'

const pki = new CertificateLab()

beforeAll(async () => {
  await pki.outsideAuthority('root')
  await pki.outsideAuthority('middle', 'root')
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'leaf.key']
  await pki.openssl('req', '-new', ...key, '-subj', '/CN=localhost', '-out', 'leaf.csr')
  await pki.sign('middle', 'leaf.csr', 'leaf.pem')
  pki.write('chain.pem', pki.text('middle.pem') + pki.text('root.pem'))
})

/** Removes the certificate that each test imports. */
const remove = () => pki.done('cert', 'delete', 'Imported')
const pfx = (...args: readonly string[]) =>
  pki.openssl(
    'pkcs12',
    '-export',
    '-inkey',
    'leaf.key',
    '-in',
    'leaf.pem',
    '-certfile',
    'chain.pem',
    '-name',
    'Imported',
    ...args,
  )

describe('sealpost cert import', () => {
  it.each([
    { title: 'a modern .pfx', args: [] },
    { title: 'an old .pfx with RC2 and triple DES', args: ['-legacy'] },
  ])('accepts $title with its chain', async ({ args }) => {
    await pfx('-passout', 'pass:secret', '-out', 'in.pfx', ...args)
    expect(await pki.done('cert', 'import', 'in.pfx', '--password', 'secret')).toContain('"Imported" is imported')
    const shown = await pki.json<ShownCertificate>('cert', 'show', 'Imported')
    expect(shown).toMatchObject({ issuedBy: 'middle', chain: ['CN=middle, O=Outside'], usedBy: [] })
    expect(await pki.refused('cert', 'import', 'in.pfx', '--password', 'secret')).toContain('already in the store')
    await remove()
  })

  it('assigns the certificate, with the password from a file', async () => {
    await pfx('-passout', 'pass:secret', '-out', 'in.pfx')
    pki.write('password', 'secret\n')
    await pki.done('cert', 'import', 'in.pfx', '--password-file', 'password', '--for', pop3)
    expect((await pki.json<ShownCertificate>('cert', 'show', 'Imported')).usedBy).toEqual([pop3])
    await pki.done('cert', 'unassign', '--for', pop3)
    await remove()
  })

  it('accepts PEM with the key in the same file, in another file or encrypted', async () => {
    pki.write('all.pem', pki.text('leaf.key') + pki.text('chain.pem') + pki.text('leaf.pem'))
    await pki.done('cert', 'import', 'all.pem', '--name', 'Imported')
    await remove()
    await pki.done('cert', 'import', 'leaf.pem', '--key', 'leaf.key', '--name', 'Imported')
    await remove()
    await pki.openssl('pkey', '-in', 'leaf.key', '-aes256', '-passout', 'pass:secret', '-out', 'locked.key')
    await pki.openssl('x509', '-in', 'leaf.pem', '-outform', 'DER', '-out', 'leaf.der')
    const args = ['cert', 'import', 'leaf.der', '--key', 'locked.key', '--name', 'Imported']
    expect(await pki.refused(...args)).toContain('a password is needed')
    expect(await pki.refused(...args, '--password', 'no')).toContain('wrong password')
    await pki.done(...args, '--password', 'secret')
    await remove()
  })

  it('reports errors and changes nothing', async () => {
    await pfx('-passout', 'pass:secret', '-out', 'in.pfx')
    expect(await pki.refused('cert', 'import', 'in.pfx', '--password', 'no')).toContain('wrong password')
    expect(await pki.refused('cert', 'import', 'in.pfx')).toContain('the file is encrypted; give its password')
    expect(await pki.refused('cert', 'import', 'leaf.pem')).toContain('no private key')
    expect(await pki.refused('cert', 'import', 'leaf.key')).toContain('no certificate')
    expect(await pki.refused('cert', 'import', 'leaf.pem', '--key', 'root.key')).toContain('does not belong')
    pki.write('junk.pfx', 'junk')
    expect(await pki.refused('cert', 'import', 'junk.pfx')).toMatch(/broken ASN\.1|not a PKCS#12/)
    await pki.openssl('pkcs12', '-export', '-nokeys', '-in', 'leaf.pem', '-passout', 'pass:x', '-out', 'nokey.pfx')
    expect(await pki.refused('cert', 'import', 'nokey.pfx', '--password', 'x')).toContain('contains no private key')
  })
})

describe('sealpost cert export', () => {
  beforeAll(() => pki.done('cert', 'issue', '--for', smtp, '--cn', 'localhost', '--name', 'Ours', '--bits', '2048'))

  it.runIf(isThorough).each([false, true])(
    'writes a .pfx that openssl, Java and NSS read (legacy: %s)',
    async (legacy) => {
      const more = legacy ? ['--legacy'] : []
      await pki.done('cert', 'export', 'Ours', '--out', 'out.pfx', '--password', 'changeit', ...more)
      expect(statSync(pki.path('out.pfx')).mode & 0o777).toBe(0o600)
      const shown = await pki.openssl('pkcs12', '-in', 'out.pfx', '-passin', 'pass:changeit', '-noenc')
      expect(shown.match(/BEGIN CERTIFICATE/g)).toHaveLength(2)
      const keystore = ['-keystore', pki.path('out.pfx'), '-storepass', 'changeit', '-storetype', 'PKCS12']
      if (needs('keytool')) expect((await run('keytool', ['-list', ...keystore])).out).toContain('PrivateKeyEntry')
      if (needs('certutil', 'pk12util')) {
        pki.makeFolder(`nss${legacy}`)
        const db = ['-d', `sql:${pki.path(`nss${legacy}`)}`]
        await run('certutil', ['-N', ...db, '--empty-password'])
        const imported = await run('pk12util', ['-i', pki.path('out.pfx'), ...db, '-W', 'changeit'])
        expect(imported).toMatchObject({ code: 0 })
      }
    },
  )

  it('exports and imports key, chain and name', async () => {
    const before = await pki.json<ShownCertificate>('cert', 'show', 'Ours')
    await pki.done('cert', 'export', 'Ours', '--out', 'back.pfx', '--password', 'secret')
    await pki.done('cert', 'unassign', '--for', smtp)
    await pki.done('cert', 'delete', 'Ours')
    await pki.done('cert', 'import', 'back.pfx', '--password', 'secret', '--for', smtp)
    const after = await pki.json<ShownCertificate>('cert', 'show', 'Ours')
    expect(after.thumbprint).toBe(before.thumbprint)
    expect(after.usedBy).toEqual([smtp])
  })

  it('writes PEM with the key, encrypted with a password', async () => {
    // An existing file that others can read becomes readable by its owner only.
    writeFileSync(pki.path('open.pem'), 'an older export', { mode: 0o644 })
    await pki.done('cert', 'export', 'Ours', '--out', 'open.pem')
    expect(statSync(pki.path('open.pem')).mode & 0o777).toBe(0o600)
    expect(pki.text('open.pem')).toContain('BEGIN PRIVATE KEY')
    await pki.done('cert', 'export', 'Ours', '--out', 'closed.pem', '--password', 'secret')
    expect(pki.text('closed.pem')).toContain('BEGIN ENCRYPTED PRIVATE KEY')
    expect(await pki.openssl('pkey', '-in', 'closed.pem', '-passin', 'pass:secret', '-noout', '-check')).toContain(
      'valid',
    )
  })

  it('writes .cer and .p7b without the key', async () => {
    await pki.done('cert', 'export', 'Ours', '--out', 'out.cer')
    expect(await pki.openssl('x509', '-inform', 'DER', '-in', 'out.cer', '-noout', '-subject')).toContain('localhost')
    await pki.done('cert', 'export', 'Ours', '--out', 'out.p7b')
    const listed = await pki.openssl('pkcs7', '-inform', 'DER', '-in', 'out.p7b', '-print_certs')
    expect(listed.match(/BEGIN CERTIFICATE/g)).toHaveLength(2)
    expect(readFileSync(pki.path('out.cer')).includes('PRIVATE')).toBe(false)
  })

  it('fails without a password, a known format or a certificate', async () => {
    expect(await pki.refused('cert', 'export', 'Ours', '--out', 'x.pfx')).toContain('give it a password')
    expect(await pki.sealpost('cert', 'export', 'Ours', '--out', 'x.txt')).toMatchObject({ status: 2 })
    expect(await pki.refused('cert', 'export', 'Nobody', '--out', 'x.cer')).toContain('no certificate "Nobody"')
  })
})
