import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { startLab } from '../../../../src/testing/start-lab.ts'
import { certificatePem, createCertificate } from '../../../../src/tls/pki/certificate/certificate.ts'
import * as ext from '../../../../src/tls/pki/certificate/extensions.ts'
import { privateKeyPem } from '../../../../src/tls/pki/keys.ts'
import { servingProblem } from '../../../../src/tls/pki/lifecycle/serving.ts'
import { HttpLab } from '../../../servers/http/client.ts'
import { newFolder } from '../../../support/folder.ts'
import { certificateOn } from '../../../support/session-load.ts'

const virtualServers = [
  { protocol: 'imap4' as const, port: 'off' as const, tlsPort: 0 },
  { protocol: 'pop3' as const, port: 'off' as const, tlsPort: 0 },
  { protocol: 'http' as const, port: 'off' as const, tlsPort: 0 },
]
const imap = 'Default IMAP4 Virtual Server'

const DAY_MS = 86_400_000
/** Parameters of DSA take long to generate. */
const dsaKey = readFileSync(new URL('../servability/dsa-1024.key', import.meta.url))

/** Makes a self-signed certificate for localhost. Every client that trusts it accepts it. */
function made(key: KeyObject): { readonly certificate: string; readonly key: string } {
  const certificate = createCertificate(
    {
      subject: [{ type: 'CN', value: 'localhost' }],
      publicKey: ext.publicKeyInfo(createPublicKey(key)),
      notBefore: new Date(Date.now() - DAY_MS),
      notAfter: new Date(Date.now() + 90 * DAY_MS),
      extensions: [ext.endEntityConstraints(), ext.subjectAltName([{ type: 'dns', value: 'localhost' }])],
    },
    { key, certificate: 'self', hash: 'sha256' },
  )
  return { certificate: certificatePem(certificate), key: privateKeyPem(key) }
}

const dsa = () => made(createPrivateKey(dsaKey))
const small = (bits: number) => made(generateKeyPairSync('rsa', { modulusLength: bits }).privateKey)
const curve = (namedCurve: string) => made(generateKeyPairSync('ec', { namedCurve }).privateKey)

const servedOn = async (port: number, ca: string, protocol: 'imap4' | 'pop3' | 'http' = 'imap4') =>
  (await certificateOn(port, ca, protocol)).fingerprint.replaceAll(':', '')

/** Returns the thumbprint of the certificate that a client with OpenSSL's lowest security level sees and verifies. */
async function weakClient(port: number, ca: string, protocol: 'imap4' | 'http'): Promise<string> {
  const socket = connect({
    host: '127.0.0.1',
    port,
    ca,
    servername: 'localhost',
    ciphers: 'DEFAULT:@SECLEVEL=0',
    ecdhCurve: 'X25519:secp224r1',
  })
  if (protocol === 'http') socket.write('HEAD /livez HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await once(socket, 'data')
  const { fingerprint } = socket.getPeerX509Certificate() as X509Certificate
  socket.destroy()
  return fingerprint.replaceAll(':', '')
}

/** Imports a certificate, then replaces its files by one that no server can use, as a store of another Node.js has it. */
async function storeWithUnservable(path: string): Promise<string> {
  await using lab = await startLab({ certificates: { store: path, key: 'p256' }, virtualServers })
  const good = curve('prime256v1')
  const { certificate, key, thumbprint } = await lab.certificates.import(Buffer.from(good.certificate), {
    key: good.key,
    for: 'imap4',
    friendlyName: 'Bad',
  })
  const bad = dsa()
  await writeFile(join(path, certificate), bad.certificate)
  await writeFile(join(path, key), bad.key)
  const next = new X509Certificate(bad.certificate).fingerprint.replaceAll(':', '')
  const index = await readFile(join(path, 'store.json'), 'utf8')
  await writeFile(join(path, 'store.json'), index.replaceAll(thumbprint, next))
  return next
}

describe('a certificate of the store that no server can use', () => {
  it('stops neither the start nor changes of other servers, and is reported', async () => {
    const folder = newFolder()
    const path = join(folder, 'certs')
    const thumbprint = await storeWithUnservable(path)
    await using http = await HttpLab.start({
      certificates: { store: path, key: 'p256' },
      virtualServers: [...virtualServers.slice(0, 2), { protocol: 'http' }],
    })
    const { lab } = http
    const automatic = await servedOn(lab.server('pop3').tlsPort, lab.ca, 'pop3')
    expect(await servedOn(lab.server('imap4').tlsPort, lab.ca)).toBe(automatic)

    const issued = await lab.certificates.issue({ for: 'pop3', resolver: async () => ['127.0.0.1'] })
    if (issued.state !== 'issued') throw new Error(issued.state)
    await expect.poll(() => servedOn(lab.server('pop3').tlsPort, lab.ca, 'pop3')).toBe(issued.record.thumbprint)
    expect(await servedOn(lab.server('imap4').tlsPort, lab.ca)).toBe(automatic)

    const why = 'DSA keys need suites that Node.js does not have (DHE-DSS)'
    const listed = (await lab.certificates.list()).find((one) => one.friendlyName === 'Bad')
    expect(listed).toMatchObject({ usedBy: [imap], notServed: why })
    const warnings = await lab.certificates.warnings()
    expect(warnings).toContainEqual(
      expect.objectContaining({
        code: 'not-served',
        severity: 'error',
        virtualServer: imap,
        message: `${imap}: the certificate "Bad" is installed but not served: ${why}`,
      }),
    )
    expect((await http.request('health')).body).toMatchObject({
      ok: false,
      certificates: { ok: false, notServed: [{ virtualServer: imap, friendlyName: 'Bad', why }] },
    })
    const { body } = await http.request('/metrics')
    expect(body).toContain(
      `sealpost_certificate_not_served{virtual_server="${imap}",friendly_name="Bad",thumbprint="${thumbprint}"} 1`,
    )
  })

  it('is not assigned to another server, and gives way to one that can be served', async () => {
    const folder = newFolder()
    const path = join(folder, 'certs')
    await storeWithUnservable(path)
    await using lab = await startLab({ certificates: { store: path, key: 'p256' }, virtualServers })
    await expect(lab.certificates.assign('Bad', 'pop3')).rejects.toThrow(/cannot serve this certificate: DSA keys/)
    const good = curve('secp384r1')
    const { thumbprint } = await lab.certificates.import(Buffer.from(good.certificate), { key: good.key, for: 'imap4' })
    await expect.poll(() => servedOn(lab.server('imap4').tlsPort, good.certificate)).toBe(thumbprint)
    expect((await lab.certificates.warnings()).filter(({ code }) => code === 'not-served')).toEqual([])
  })

  it('keeps only a certificate: a reload changes who may connect, and other changes go on', async () => {
    const folder = newFolder()
    const path = join(folder, 'certs')
    await storeWithUnservable(path)
    const config = { certificates: { store: path, key: 'p256' as const }, virtualServers }
    await using lab = await startLab(config)
    const secured = async (maxVersion?: 'TLSv1.2'): Promise<string> => {
      const port = lab.server('imap4').tlsPort
      const socket = connect({
        host: '127.0.0.1',
        port,
        ca: lab.ca,
        servername: 'localhost',
        ...(maxVersion && { maxVersion }),
      })
      try {
        const [data] = (await once(socket, 'data')) as [Buffer]
        return String(data).slice(0, 4)
      } catch (error) {
        return (error as NodeJS.ErrnoException).code ?? 'closed'
      } finally {
        socket.destroy()
      }
    }
    expect(await secured('TLSv1.2')).toBe('* OK')
    const tls = { minVersion: 'TLSv1.3' as const }
    await lab.reload({
      ...config,
      virtualServers: virtualServers.map((one) => (one.protocol === 'imap4' ? { ...one, tls } : one)),
    })
    expect(await secured()).toBe('* OK')
    expect(await secured('TLSv1.2')).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION')
    await lab.useCertificate({ defect: 'expired' }, 'pop3')
    await lab.clock.advance('1h')
    await lab.reset()
  })

  it('stops no start either if its file is damaged', async () => {
    const folder = newFolder()
    const path = join(folder, 'certs')
    const thumbprint = await storeWithUnservable(path)
    const { certificates } = JSON.parse(await readFile(join(path, 'store.json'), 'utf8'))
    const bad = certificates.find((one: { thumbprint: string }) => one.thumbprint === thumbprint)
    await writeFile(join(path, bad.certificate), 'junk')
    await using lab = await startLab({ certificates: { store: path, key: 'p256' }, virtualServers })
    const automatic = await servedOn(lab.server('pop3').tlsPort, lab.ca, 'pop3')
    expect(await servedOn(lab.server('imap4').tlsPort, lab.ca)).toBe(automatic)
  })

  it('is rejected in a file by a reload, and does not stop the start', async () => {
    const folder = newFolder()
    const bad = dsa()
    const [file, keyFile] = [join(folder, 'bad.pem'), join(folder, 'bad.key')]
    await writeFile(file, bad.certificate)
    await writeFile(keyFile, bad.key)
    await using lab = await startLab({ virtualServers })
    await expect(lab.useCertificate({ file, keyFile }, 'imap4')).rejects.toThrow(
      `"${imap}" cannot serve the certificate "${file}": DSA keys`,
    )
    expect(await servedOn(lab.server('imap4').tlsPort, lab.ca)).toMatch(/^[0-9A-F]{40}$/)
    await using started = await startLab({
      virtualServers: [
        { protocol: 'imap4', port: 0, tlsPort: 0, certificate: { file, keyFile } },
        { protocol: 'pop3', port: 'off', tlsPort: 0 },
      ],
    })
    expect(await servedOn(started.server('pop3').tlsPort, started.ca, 'pop3')).toMatch(/^[0-9A-F]{40}$/)
  })
})

describe('at the door', () => {
  it('a key that no server can use is rejected by import, and changes nothing', async () => {
    await using lab = await startLab({ virtualServers })
    const before = await lab.certificates.list()
    for (const { certificate, key } of [dsa(), curve('secp112r1')]) {
      await expect(lab.certificates.import(Buffer.from(certificate), { key })).rejects.toThrow(
        /^no server can use this certificate: (DSA keys|TLS has no group)/,
      )
    }
    expect(await lab.certificates.list()).toEqual(before)
  })

  it('a root that names its own key as its signer and has a wrong signature is rejected, also beside the true root', async () => {
    await using lab = await startLab({ virtualServers })
    const [rootKey, ownKey] = ['root', 'own'].map(
      () => generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey,
    ) as [KeyObject, KeyObject]
    const dates = { notBefore: new Date(Date.now() - DAY_MS), notAfter: new Date(Date.now() + 90 * DAY_MS) }
    const root = createCertificate(
      {
        subject: [{ type: 'CN', value: 'World' }],
        publicKey: ext.publicKeyInfo(createPublicKey(rootKey)),
        ...dates,
        extensions: [ext.authorityConstraints(), ext.keyUsage(['keyCertSign'])],
      },
      { key: rootKey, certificate: 'self', hash: 'sha256' },
    )
    const own = createCertificate(
      {
        subject: [{ type: 'CN', value: 'localhost' }],
        publicKey: ext.publicKeyInfo(createPublicKey(ownKey)),
        ...dates,
        extensions: [ext.subjectAltName([{ type: 'dns', value: 'localhost' }])],
      },
      { key: rootKey, certificate: root, hash: 'sha256' },
    )
    const changed = Buffer.from(root.raw)
    changed.writeUInt8(changed.readUInt8(changed.length - 1) ^ 1, changed.length - 1)
    for (const others of [[], [root]]) {
      const file = [own, new X509Certificate(changed), ...others].map(certificatePem).join('')
      await expect(lab.certificates.import(Buffer.from(file), { key: privateKeyPem(ownKey) })).rejects.toThrow(
        /the signature of World is wrong: it names its own key as its signer, but that key did not sign it/,
      )
    }
  })

  it('weak keys are served at a lower security level, on HTTP too, with a warning about their clients', async () => {
    await using lab = await startLab({ virtualServers })
    for (const [material, words] of [
      [small(512), /key of 512 bits/],
      [small(1024), /key of 1024 bits.*Apple clients/],
      [curve('secp224r1'), /curve secp224r1, which TLS 1.3 does not have: browsers/],
    ] as const) {
      const { certificate, key } = material
      const { thumbprint } = await lab.certificates.import(Buffer.from(certificate), { key })
      for (const protocol of ['imap4', 'http'] as const) {
        await lab.certificates.assign(thumbprint, protocol)
        const port = lab.server(protocol).tlsPort
        await expect.poll(() => weakClient(port, material.certificate, protocol)).toBe(thumbprint)
      }
      expect((await lab.certificates.warnings()).map(({ message }) => message).join('\n')).toMatch(words)
    }
  })
})

it('a certificate is judged once for all virtual servers that use it', () => {
  const { certificate, key } = curve('prime256v1')
  const installed = {
    friendlyName: 'One',
    thumbprint: '',
    certificatePem: certificate,
    chainPem: [],
    privateKeyPem: key,
  }
  const asked: object[] = []
  const server = {
    name: 'a server',
    address: '127.0.0.1',
    protocol: 'smtp',
    certificate: { kind: 'none' },
    requireSecureChannel: false,
    rejects: (one: object) => void asked.push(one),
  } as const
  for (let count = 0; count < 3; count++) expect(servingProblem(server, installed)).toBeUndefined()
  expect(asked).toHaveLength(3)
  expect(new Set(asked).size).toBe(1)
})
