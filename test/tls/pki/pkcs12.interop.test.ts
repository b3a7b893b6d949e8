import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { openCertificateStore } from '../../../src/tls/pki/certificate-store/store.ts'
import { readPrivateKey } from '../../../src/tls/pki/keys.ts'
import { readCertificates, writePkcs7 } from '../../../src/tls/pki/keystore/certificate-files.ts'
import { readPkcs12, writePkcs12 } from '../../../src/tls/pki/keystore/pkcs12.ts'
import { newFolder } from '../../support/folder.ts'
import { needs } from '../../support/programs.ts'
import { put, run, storeOptions } from './support.ts'

const password = 'pässword & 日本'

describe.each(['rsa-2048', 'p256'] as const)('PKCS#12, %s', (kind) => {
  let folder: string
  let files: { key: string; certificate: string; root: string }
  let certificates: [X509Certificate, X509Certificate]
  let keyPem: string

  beforeAll(async () => {
    folder = newFolder()
    await using store = await openCertificateStore(storeOptions('memory', { key: kind }))
    const [installed] = await store.resolve('a', { kind: 'auto' }, ['mail.test'])
    keyPem = installed?.privateKeyPem ?? ''
    certificates = [new X509Certificate(installed?.certificatePem ?? ''), new X509Certificate(store.rootPem)]
    files = {
      key: await put(folder, 'key.pem', keyPem),
      certificate: await put(folder, 'leaf.pem', installed?.certificatePem ?? ''),
      root: await put(folder, 'root.pem', store.rootPem),
    }
  })

  const write = (legacy: boolean, secret = password): Promise<string> => {
    const content = {
      friendlyName: 'Default SMTP',
      key: readPrivateKey(keyPem),
      certificates,
      password: secret,
      legacy,
    }
    return put(folder, 'out.pfx', writePkcs12(content))
  }

  it.each([false, true])('of ours is read by openssl: legacy %s', async (legacy) => {
    const path = await write(legacy)
    const shown = await run('openssl', ['pkcs12', '-in', path, '-passin', `pass:${password}`, '-noenc', '-info'])
    expect(shown).toMatchObject({ code: 0 })
    expect(shown.out.match(/BEGIN CERTIFICATE/g)).toHaveLength(2)
    expect(shown.out).toContain('friendlyName: Default SMTP')
    expect(shown.out).toContain('BEGIN PRIVATE KEY')
    expect(shown.err).toContain(legacy ? 'pbeWithSHA1And3-KeyTripleDES-CBC' : 'AES-256-CBC')
    expect(await run('openssl', ['pkcs12', '-in', path, '-passin', 'pass:no', '-noenc'])).not.toMatchObject({ code: 0 })
  })

  it.runIf(needs('keytool')).each([false, true])('of ours is read by Java keytool: legacy %s', async (legacy) => {
    const path = await write(legacy, 'changeit')
    const args = ['-list', '-v', '-keystore', path, '-storetype', 'PKCS12', '-storepass', 'changeit']
    const shown = await run('keytool', args)
    expect(shown).toMatchObject({ code: 0 })
    expect(shown.out).toContain('PrivateKeyEntry')
    expect(shown.out).toContain('Certificate chain length: 2')
  })

  it.runIf(needs('pk12util')).each([false, true])('is exchanged with NSS pk12util: legacy %s', async (legacy) => {
    const path = await write(legacy, 'changeit')
    const database = newFolder()
    const db = `sql:${database}`
    expect(await run('certutil', ['-N', '-d', db, '--empty-password'])).toMatchObject({ code: 0 })
    expect(await run('pk12util', ['-i', path, '-d', db, '-W', 'changeit'])).toMatchObject({ code: 0 })
    const listed = await run('certutil', ['-L', '-d', db])
    expect(listed.out).toMatch(/Default SMTP\s+u,u,u/)
    const back = join(database, 'nss.p12')
    const exported = await run('pk12util', ['-o', back, '-n', 'Default SMTP', '-d', db, '-W', 'other password'])
    expect(exported).toMatchObject({ code: 0 })
    const read = await readPkcs12(await readFile(back), 'other password')
    expect(read.certificates.some((one) => one.checkPrivateKey(readPrivateKey(keyPem)))).toBe(true)
  })

  /** Schemes that old versions of OpenSSL and Java used. */
  const pkcs5 = (scheme: string): string[] => ['-legacy', '-certpbe', scheme, '-keypbe', scheme]
  const opensslForms = [
    { title: 'modern', args: [] },
    { title: 'triple DES', args: ['-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES', '-macalg', 'sha1'] },
    { title: 'RC2-40', args: ['-legacy'] },
    { title: 'RC2-128', args: ['-legacy', '-certpbe', 'PBE-SHA1-RC2-128', '-keypbe', 'PBE-SHA1-RC2-128'] },
    { title: 'MD5 and DES', args: pkcs5('PBE-MD5-DES') },
    { title: 'SHA-1 and DES', args: pkcs5('PBE-SHA1-DES') },
    { title: 'MD5 and RC2', args: pkcs5('PBE-MD5-RC2-64') },
    { title: 'PBKDF2 and DES', args: pkcs5('DES-CBC') },
    { title: 'without MAC', args: ['-nomac'] },
    { title: 'keys in clear', args: ['-keypbe', 'NONE', '-certpbe', 'NONE'] },
    { title: 'PBMAC1', args: ['-pbmac1_pbkdf2'] },
  ]
  it.each(opensslForms)('of openssl is read by us: $title', async ({ args }) => {
    const path = join(folder, 'openssl.p12')
    const base = ['pkcs12', '-export', '-inkey', files.key, '-in', files.certificate, '-certfile', files.root]
    const made = await run('openssl', [...base, '-name', 'Ours', '-passout', `pass:${password}`, '-out', path, ...args])
    expect(made).toMatchObject({ code: 0 })
    const octets = await readFile(path)
    const read = await readPkcs12(octets, password)
    expect(read.friendlyName).toBe('Ours')
    expect(read.certificates).toHaveLength(2)
    expect(certificates[0].checkPrivateKey(read.keys[0] ?? readPrivateKey(''))).toBe(true)
    if (args[0] === '-nomac' || args[1] === 'NONE') return
    await expect(readPkcs12(octets, 'no')).rejects.toThrow(/wrong password/)
    await expect(readPkcs12(octets, '')).rejects.toThrow(/is needed/)
  })

  it('PKCS#7 is exchanged with openssl', async () => {
    const der = writePkcs7(certificates)
    const path = await put(folder, 'chain.p7b', der)
    const shown = await run('openssl', ['pkcs7', '-inform', 'DER', '-in', path, '-print_certs'])
    expect(shown.out.match(/BEGIN CERTIFICATE/g)).toHaveLength(2)
    const made = join(folder, 'openssl.p7b')
    const args = ['crl2pkcs7', '-nocrl', '-certfile', files.certificate, '-certfile', files.root, '-out', made]
    expect(await run('openssl', args)).toMatchObject({ code: 0 })
    for (const octets of [der, await readFile(made)]) {
      expect(
        readCertificates(octets)
          .map(({ fingerprint }) => fingerprint)
          .sort(),
      ).toEqual(certificates.map(({ fingerprint }) => fingerprint).sort())
    }
  })
})
