import { execFile } from 'node:child_process'
import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import forge from 'node-forge'
import { beforeAll, describe, expect, it } from 'vitest'
import { certificatePem } from '../../../src/tls/pki/certificate/certificate.ts'
import { generalName } from '../../../src/tls/pki/certificate/names.ts'
import { createRequest, readRequest } from '../../../src/tls/pki/certificate/request.ts'
import { openCertificateStore } from '../../../src/tls/pki/certificate-store/store.ts'
import { generateKey, readPrivateKey } from '../../../src/tls/pki/keys.ts'
import { readCertificates, writePkcs7 } from '../../../src/tls/pki/keystore/certificate-files.ts'
import { readPkcs12, writePkcs12 } from '../../../src/tls/pki/keystore/pkcs12.ts'
import { newFolder } from '../../support/folder.ts'
import { put, run, storeOptions } from './support.ts'

// node-forge implements the same formats in another code base. Its public-key functions support RSA only.

/** Forge does not encode passwords in UTF-8 for PBKDF2, as RFC 8018 recommends. Its own scheme handles any text. */
const passwords = { pbkdf2: 'password & more', pkcs12: 'pässword & 日本' }
let key: KeyObject
let certificates: readonly [X509Certificate, X509Certificate]
let forgeKey: forge.pki.rsa.PrivateKey
let forgeCertificates: forge.pki.Certificate[]

beforeAll(async () => {
  await using store = await openCertificateStore(storeOptions('memory', { key: 'rsa-2048' }))
  const [installed] = await store.resolve('a', { kind: 'auto' }, ['mail.test'])
  key = readPrivateKey(installed?.privateKeyPem ?? '')
  certificates = [new X509Certificate(installed?.certificatePem ?? ''), new X509Certificate(store.rootPem)]
  forgeKey = forge.pki.privateKeyFromPem(key.export({ type: 'pkcs1', format: 'pem' }).toString())
  forgeCertificates = certificates.map((one) => forge.pki.certificateFromPem(certificatePem(one)))
})

const toForge = (der: Buffer): forge.asn1.Asn1 => forge.asn1.fromDer(der.toString('latin1'))
const fromForge = (value: forge.asn1.Asn1): Buffer => Buffer.from(forge.asn1.toDer(value).getBytes(), 'latin1')
const fingerprints = (all: readonly X509Certificate[]): string[] => all.map(({ fingerprint }) => fingerprint)

describe('requests', () => {
  const subject = [
    { type: 'C', value: 'JP' },
    { type: 'O', value: 'Example K.K.' },
    { type: 'CN', value: 'mail.example.test' },
  ]
  const names = ['mail.example.test', '192.0.2.7', 'admin@example.test'].map(generalName)

  it.each([
    { form: 'PKCS#10', microsoft: false },
    { form: 'Microsoft', microsoft: true },
  ])('of ours are verified and read by forge: $form', ({ microsoft }) => {
    const pem = createRequest({ subject, key, names, microsoft }).replaceAll('NEW CERTIFICATE', 'CERTIFICATE')
    const read = forge.pki.certificationRequestFromPem(pem, true)
    expect(read.verify()).toBe(true)
    expect(read.subject.attributes.map(({ shortName, value }) => [shortName, value])).toEqual([
      ['C', 'JP'],
      ['O', 'Example K.K.'],
      ['CN', 'mail.example.test'],
    ])
    expect((read.publicKey as forge.pki.rsa.PublicKey).n.toString(16)).toBe(forgeKey.n.toString(16))
    if (microsoft) return
    const { extensions } = read.getAttribute({ name: 'extensionRequest' }) as {
      extensions: { name: string; altNames: { type: number; value: string; ip?: string }[] }[]
    }
    const altNames = extensions.find(({ name }) => name === 'subjectAltName')?.altNames
    expect(altNames?.map(({ type, value, ip }) => [type, ip ?? value])).toEqual([
      [2, 'mail.example.test'],
      [7, '192.0.2.7'],
      [1, 'admin@example.test'],
    ])
  })

  it('with a changed octet are refused by forge and by us', () => {
    const pem = createRequest({ subject, key, names: [] })
    const der = Buffer.from(pem.replace(/-----.*-----/g, ''), 'base64')
    der[der.indexOf('mail.example') + 2] = 0x41
    expect(forge.pki.certificationRequestFromAsn1(toForge(der), true).verify()).toBe(false)
    expect(() => readRequest(der)).toThrow(/signature of the certificate request is invalid/)
  })

  it.each(['sha1', 'sha256', 'sha384', 'sha512'] as const)('of forge are read by us: %s', (hash) => {
    const request = forge.pki.createCertificationRequest()
    request.publicKey = forge.pki.rsa.setPublicKey(forgeKey.n, forgeKey.e)
    request.setSubject([
      { shortName: 'O', value: 'Forge Ltd' },
      { shortName: 'CN', value: 'forge.test' },
    ])
    const altNames = [
      { type: 2, value: 'forge.test' },
      { type: 7, ip: '192.0.2.9' },
    ]
    request.setAttributes([
      {
        name: 'extensionRequest',
        extensions: [
          { name: 'subjectAltName', altNames },
          { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
        ],
      },
    ])
    request.sign(forgeKey, forge.md[hash].create())
    const read = readRequest(Buffer.from(forge.pki.certificationRequestToPem(request)))
    expect(read.subject).toEqual([
      { type: 'O', value: 'Forge Ltd' },
      { type: 'CN', value: 'forge.test' },
    ])
    expect(read.names).toEqual([
      { type: 'dns', value: 'forge.test' },
      { type: 'ip', value: '192.0.2.9' },
    ])
    expect([...read.purposes].sort()).toEqual(['clientAuth', 'serverAuth'])
    expect(read.authority).toBe(false)
    expect(read.publicKey.equals(createPublicKey(key))).toBe(true)
  })
})

describe('certificates', () => {
  it('of ours are verified and read by forge', () => {
    const [leaf, root] = forgeCertificates
    if (!leaf || !root) throw new Error('no certificates')
    expect(root.verify(leaf)).toBe(true)
    expect(forge.pki.verifyCertificateChain(forge.pki.createCaStore([root]), [leaf])).toBe(true)
    expect(leaf.serialNumber.toUpperCase().replace(/^0+/, '')).toBe(certificates[0].serialNumber.replace(/^0+/, ''))
    expect(leaf.validity.notAfter).toEqual(new Date(certificates[0].validTo))
    expect(leaf.getExtension('extKeyUsage')).toMatchObject({ serverAuth: true })
    expect(root.getExtension('basicConstraints')).toMatchObject({ cA: true, critical: true })
  })
})

describe('PKCS#7', () => {
  it('of ours is read by forge', () => {
    const read = forge.pkcs7.messageFromAsn1(toForge(writePkcs7(certificates))) as forge.pkcs7.PkcsSignedData
    const pems = read.certificates.map((one) => forge.pki.certificateToPem(one))
    expect(pems.map((pem) => new X509Certificate(pem).fingerprint)).toEqual(fingerprints(certificates))
  })

  it.each(['DER', 'PEM'])('of forge is read by us: %s', (form) => {
    const message = forge.pkcs7.createSignedData()
    for (const one of forgeCertificates) message.addCertificate(one)
    const octets = form === 'DER' ? fromForge(message.toAsn1()) : Buffer.from(forge.pkcs7.messageToPem(message))
    expect(fingerprints(readCertificates(octets))).toEqual(fingerprints(certificates))
  })

  it('of forge with a signature is read by us', () => {
    const message = forge.pkcs7.createSignedData()
    message.content = forge.util.createBuffer('signed text')
    for (const one of forgeCertificates) message.addCertificate(one)
    message.addSigner({
      key: forgeKey,
      certificate: forgeCertificates[0] as forge.pki.Certificate,
      digestAlgorithm: forge.pki.oids.sha256 as string,
      authenticatedAttributes: [
        { type: forge.pki.oids.contentType as string, value: forge.pki.oids.data as string },
        { type: forge.pki.oids.messageDigest as string },
      ],
    })
    message.sign()
    expect(fingerprints(readCertificates(fromForge(message.toAsn1())))).toEqual(fingerprints(certificates))
  })
})

describe('PKCS#12', () => {
  it.each([false, true])('of ours is read by forge, with its MAC: legacy %s', (legacy) => {
    const password = legacy ? passwords.pkcs12 : passwords.pbkdf2
    const der = writePkcs12({ friendlyName: 'Default SMTP', key, certificates, password, legacy })
    const read = forge.pkcs12.pkcs12FromAsn1(toForge(der), password)
    const bags = (type: string): forge.pkcs12.Bag[] => {
      const id = forge.pki.oids[type] as string
      return read.getBags({ bagType: id })[id] ?? []
    }
    const [{ key: keyRead, attributes } = { key: undefined, attributes: {} }] = bags('pkcs8ShroudedKeyBag')
    expect((keyRead as forge.pki.rsa.PrivateKey).d.toString(16)).toBe(forgeKey.d.toString(16))
    expect(attributes.friendlyName).toEqual(['Default SMTP'])
    const pems = bags('certBag').map(({ cert }) => forge.pki.certificateToPem(cert as forge.pki.Certificate))
    expect(pems.map((pem) => new X509Certificate(pem).fingerprint)).toEqual(fingerprints(certificates))
    expect(() => forge.pkcs12.pkcs12FromAsn1(toForge(der), 'wrong')).toThrow(/Invalid password/)
  })

  it.each(['3des', 'aes128', 'aes192', 'aes256'] as const)('of forge is read by us: %s', async (algorithm) => {
    const password = algorithm === '3des' ? passwords.pkcs12 : passwords.pbkdf2
    const asn1 = forge.pkcs12.toPkcs12Asn1(forgeKey, forgeCertificates, password, {
      algorithm,
      friendlyName: 'By Forge',
    })
    const der = fromForge(asn1)
    const read = await readPkcs12(der, password)
    expect(read.friendlyName).toBe('By Forge')
    expect(read.keys.map((one) => one.equals(key))).toEqual([true])
    expect(fingerprints(read.certificates)).toEqual(fingerprints(certificates))
    await expect(readPkcs12(der, 'wrong')).rejects.toThrow(/wrong password/)
  })

  it('of forge without encryption is read by us', async () => {
    const asn1 = forge.pkcs12.toPkcs12Asn1(forgeKey, forgeCertificates, null as unknown as string)
    expect((await readPkcs12(fromForge(asn1), '')).keys).toHaveLength(1)
  })
})

it('forge is loaded for old ciphers only', { timeout: 60_000 }, async () => {
  const modern = writePkcs12({ friendlyName: 'x', key: await generateKey('p256'), certificates, password: 'x' })
  const legacy = writePkcs12({ friendlyName: 'x', key, certificates, password: 'x', legacy: true })
  const module = new URL('../../../dist/src/tls/pki/keystore/pkcs12.js', import.meta.url).href
  const script = `
    import { createRequire } from 'node:module'
    const { readPkcs12 } = await import(${JSON.stringify(module)})
    for (const text of process.argv.slice(1)) await readPkcs12(Buffer.from(text, 'base64'), 'x')
    const { cache } = createRequire(import.meta.url)
    process.stdout.write(String(Object.keys(cache).some((path) => path.includes('node-forge'))))`
  const isLoaded = async (...files: readonly Buffer[]): Promise<string> => {
    const args = ['--input-type=module', '-e', script, ...files.map((file) => file.toString('base64'))]
    return (await promisify(execFile)(process.execPath, args)).stdout
  }
  expect(await isLoaded(modern, legacy)).toBe('false')
  const folder = newFolder()
  const keyFile = await put(folder, 'key.pem', key.export({ type: 'pkcs8', format: 'pem' }))
  const certificateFile = await put(folder, 'leaf.pem', certificatePem(certificates[0]))
  const old = join(folder, 'old.p12')
  const args = ['pkcs12', '-export', '-legacy', '-inkey', keyFile, '-in', certificateFile, '-passout', 'pass:x']
  expect(await run('openssl', [...args, '-out', old])).toMatchObject({ code: 0 })
  expect(await isLoaded(await readFile(old))).toBe('true')
})
