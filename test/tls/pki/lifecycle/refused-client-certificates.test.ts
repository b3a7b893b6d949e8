import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { type ConnectionOptions, connect, type SecureVersion } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLab } from '../../../../src/testing/start-lab.ts'
import type { TestLab } from '../../../../src/testing/test-lab.ts'
import { authoritiesOf } from '../../../../src/tls/pki/authority/authorities.ts'
import { certificatePem, createCertificate, type Issuer } from '../../../../src/tls/pki/certificate/certificate.ts'
import * as ext from '../../../../src/tls/pki/certificate/extensions.ts'
import { createAuthorityCertificate, createEndEntityCertificate } from '../../../../src/tls/pki/certificate/profiles.ts'
import { openCertificateStore } from '../../../../src/tls/pki/certificate-store/store.ts'
import { context, octetString, oid, sequence } from '../../../../src/tls/pki/der/encode.ts'
import { newFolder } from '../../../support/folder.ts'
import { LineClient } from '../../../support/line-client.ts'
import { put, storeOptions } from '../support.ts'

const DAY_MS = 86_400_000
const newKey = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey

function outsideRoot(name: string): Issuer & { readonly certificate: X509Certificate } {
  const key = newKey()
  const profile = { subject: [{ type: 'CN', value: name }], publicKey: createPublicKey(key), nowMs: Date.now() }
  return { key, certificate: createAuthorityCertificate(profile, { key, certificate: 'self' }) }
}

interface ClientOptions {
  readonly fromDays?: number
  readonly days?: number
  readonly purpose?: 'clientAuth' | 'serverAuth'
  readonly email?: string
  readonly commonName?: string
}

/** Issues a certificate for a client. */
function client(
  issuer: Issuer,
  { fromDays = 0, days = 2, purpose = 'clientAuth', email, commonName = 'Zoe' }: ClientOptions = {},
) {
  const key = newKey()
  const dns = purpose === 'serverAuth' ? [{ type: 'dns' as const, value: 'localhost' }] : []
  const profile = {
    subject: [{ type: 'CN', value: commonName }],
    publicKey: createPublicKey(key),
    names: email === undefined ? dns : [{ type: 'email' as const, value: email }],
    purposes: [purpose],
    nowMs: Date.now() + fromDays * DAY_MS,
    latestMs: Date.now() + (fromDays + days) * DAY_MS,
  }
  const certificate = createEndEntityCertificate(
    profile,
    issuer.certificate === 'self' ? { key, certificate: 'self' } : issuer,
  )
  return { key: key.export({ type: 'pkcs8', format: 'pem' }), cert: certificatePem(certificate) }
}

/** Returns a certificate whose signature is wrong. */
function forged(issuer: Issuer, options: ClientOptions = {}) {
  const { key, cert } = client(issuer, options)
  const der = Buffer.from(new X509Certificate(cert).raw)
  der[der.length - 1] = (der.at(-1) as number) ^ 1
  return { key, cert: certificatePem(new X509Certificate(der)) }
}

/** Returns a certificate with a critical extension that nothing knows. */
function unknownExtension(issuer: Issuer, fromDays = -1) {
  const key = newKey()
  const content = {
    subject: [{ type: 'CN', value: 'Zoe' }],
    publicKey: ext.publicKeyInfo(createPublicKey(key)),
    notBefore: new Date(Date.now() + fromDays * DAY_MS),
    notAfter: new Date(Date.now() + (fromDays + 2) * DAY_MS),
    extensions: [sequence(oid('1.3.6.1.4.1.99999.1'), Buffer.from([1, 1, 0xff]), octetString(context(0)))],
  }
  return { key: key.export({ type: 'pkcs8', format: 'pem' }), cert: certificatePem(createCertificate(content, issuer)) }
}

/** Returns a client's certificate of a good authority as an issuer, which it may not be. */
function notAnAuthority(): Issuer {
  const { key, cert } = client(partner, { fromDays: 400 })
  return { key: createPrivateKey(key), certificate: new X509Certificate(cert) }
}

const partner = outsideRoot('Partner Root CA')
const second = outsideRoot('Second Root CA')
const stranger = outsideRoot('Stranger Root CA')
const self = { key: newKey(), certificate: 'self' as const }

type LabConfig = NonNullable<Parameters<typeof startLab>[0]> & object
type Certificate = NonNullable<NonNullable<LabConfig['virtualServers']>[number]['certificate']>
type ClientCertificates = Exclude<NonNullable<LabConfig['virtualServers']>[number]['clientCertificates'], undefined>

/** Starts a lab that asks the clients of IMAP4 for certificates. */
const serve = (clientCertificates: ClientCertificates, store = 'memory', certificate?: Certificate): Promise<TestLab> =>
  startLab({
    certificates: store,
    directory: {
      accounts: ['alice', 'partner'].map((user) => ({ user, password: 'secret' })),
      certificateMapping: [{ issuer: 'CN=Second Root CA', account: 'partner' }],
    },
    virtualServers: [
      { protocol: 'imap4', port: 0, tlsPort: 0, clientCertificates, ...(certificate ? { certificate } : {}) },
    ],
  })

/** Logs on by certificate. Returns the number of the alert, or the account. */
async function logOn(
  lab: TestLab,
  version: SecureVersion,
  identity: ConnectionOptions,
  ca: string | string[] = lab.ca,
): Promise<string | undefined> {
  const port = lab.server('imap4').tlsPort
  const versions = { minVersion: version, maxVersion: version }
  const socket = connect({ host: '127.0.0.1', port, ca, servername: 'localhost', ...versions, ...identity })
  const failed = new Promise<string>((resolve) => {
    socket.on('error', ({ message }) => resolve(/SSL alert number (\d+)/.exec(message)?.[1] ?? message))
  })
  const done = async (): Promise<string | undefined> => {
    await once(socket, 'secureConnect')
    const talk = new LineClient(socket)
    await talk.line()
    talk.send('a AUTHENTICATE EXTERNAL =\r\n')
    const answer = await talk.line()
    return answer?.startsWith('a OK') ? `logged on as ${lab.sessions().at(-1)?.user}` : answer
  }
  const result = await Promise.race([failed, done().catch(() => failed)])
  socket.destroy()
  return result
}

describe('outside roots', () => {
  let folder: string
  let lab: TestLab

  beforeAll(async () => {
    folder = newFolder()
    const file = await put(folder, 'partner.pem', certificatePem(partner.certificate))
    lab = await serve({ mode: 'require', trust: [{ file }] })
  })
  afterAll(() => lab.stop())

  const cases: readonly (readonly [what: string, identity: object, alert: string, words: RegExp])[] = [
    ['an unknown authority', client(stranger), '48', /CN=Zoe\) is not verified: no authority that this .* trusts/],
    ['itself', client(self), '48', /is not verified: it is self-signed/],
    ['nobody: the signature is wrong', forged(partner), '42', /is not verified: its signature, .* is wrong/],
    ['a good authority, and has expired', client(partner, { fromDays: -9 }), '45', /has expired/],
    ['a good authority, and is not yet valid', client(partner, { fromDays: 9 }), '45', /not yet valid/],
    ['a good authority, for servers', client(partner, { purpose: 'serverAuth' }), '43', /is not for clients/],
    ['a good authority, with an unknown extension', unknownExtension(partner), '46', /OpenSSL refuses it/],
  ]

  describe.each(['TLSv1.2', 'TLSv1.3'] as const)('%s', (version) => {
    it.each(cases)('refuses a client certificate issued by %s', async (_, identity, alert, words) => {
      expect(await logOn(lab, version, identity)).toBe(alert)
      expect(lab.sessions().at(-1)?.refusals).toEqual([expect.stringMatching(words)])
    })

    it('refuses a client without a certificate', async () => {
      // RFC 8446 section 4.4.2.4, RFC 5246 section 7.4.6
      expect(await logOn(lab, version, {})).toBe(version === 'TLSv1.3' ? '116' : '40')
      expect(lab.sessions().at(-1)?.refusals).toEqual([expect.stringMatching(/sent no certificate/)])
    })

    it('lets a certificate of an outside root log on, and one of the lab', async () => {
      expect(await logOn(lab, version, client(partner, { email: 'alice@lab.test' }))).toBe('logged on as alice')
      const { pkcs12 } = await lab.authorities.issueUser({ commonName: 'Alice', emails: ['alice@lab.test'] })
      expect(await logOn(lab, version, { pfx: pkcs12('pw'), passphrase: 'pw' })).toBe('logged on as alice')
    })
  })

  it('are trusted by name, and a rule maps their certificates by issuer', async () => {
    const clientCertificates = { trust: ['Second Root CA'] }
    await expect(serve(clientCertificates)).rejects.toThrow(
      /no outside root "Second Root CA"; there are: none; add it with sealpost ca add-trusted/,
    )
    const store = join(folder, 'certs')
    {
      await using opened = await openCertificateStore(storeOptions(store))
      await authoritiesOf(opened).addTrusted(Buffer.from(certificatePem(second.certificate)))
    }
    await using accepting = await serve(clientCertificates, store)
    expect(await logOn(accepting, 'TLSv1.3', client(second))).toBe('logged on as partner')
    expect(await logOn(accepting, 'TLSv1.3', client(partner, { email: 'alice@lab.test' }))).toMatch(/^a (NO|BAD)/)
    // Without the root, its certificates log on no more, and other changes are served.
    await accepting.authorities.removeTrusted('Second Root CA')
    await expect.poll(() => logOn(accepting, 'TLSv1.3', client(second)), { timeout: 10_000 }).toMatch(/^a (NO|BAD)/)
  })

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('are judged by the clock of the lab (%s)', async (version) => {
    // The server's certificate, which this client judges by the time of the machine, is valid throughout.
    const server = client(partner, { days: 800, purpose: 'serverAuth' })
    const [trust, file, keyFile] = await Promise.all([
      put(folder, 'partner.pem', certificatePem(partner.certificate)),
      put(folder, 'server.pem', server.cert),
      put(folder, 'server.key', String(server.key)),
    ])
    await using lab = await serve({ mode: 'require', trust: [{ file: trust }] }, 'memory', { file, keyFile })
    const result = (identity: ConnectionOptions) => logOn(lab, version, identity, certificatePem(partner.certificate))
    const early = client(partner, { fromDays: 400, email: 'alice@lab.test' })
    const present = client(partner, { email: 'alice@lab.test' })
    await lab.clock.advance('401d')
    const { pkcs12 } = await lab.authorities.issueUser({ commonName: 'Alice', emails: ['alice@lab.test'] })
    const own = { pfx: pkcs12('pw'), passphrase: 'pw' }
    expect(await result(early)).toBe('logged on as alice')
    expect(await result(own)).toBe('logged on as alice')
    // OpenSSL, which judges by the time of the machine, accepts this one.
    expect(await result(present)).toBe('45')
    expect(lab.sessions().at(-1)?.refusals).toEqual([expect.stringMatching(/is not verified: it.* has expired/)])
    // The date hides the other defects from OpenSSL.
    const hidden: readonly (readonly [identity: object, alert: string, words: RegExp])[] = [
      [client(stranger, { fromDays: 400 }), '48', /no authority that this .* trusts issued it/],
      [client(self, { fromDays: 400 }), '48', /it is self-signed/],
      [client(partner, { fromDays: 400, purpose: 'serverAuth' }), '43', /is not for clients/],
      [unknownExtension(partner, 400), '46', /a critical extension/],
      [client(notAnAuthority(), { fromDays: 400 }), '48', /no authority that this .* trusts issued it/],
    ]
    for (const [identity, alert, words] of hidden) {
      expect(await result(identity)).toBe(alert)
      expect(lab.sessions().at(-1)?.refusals).toEqual([expect.stringMatching(words)])
    }
    // It sends the root, too. OpenSSL of Node.js 20 may refuse the signature itself, without an alert.
    await result(forged(partner, { fromDays: 400 }))
    expect(lab.sessions().at(-1)?.refusals).toEqual([
      expect.stringMatching(/no authority that this .* trusts issued it|a signature is wrong/),
    ])
    await lab.clock.reset()
    for (const identity of [early, own]) {
      expect(await result(identity)).toBe('45')
      expect(lab.sessions().at(-1)?.refusals).toEqual([expect.stringMatching(/is not verified: it.* not yet valid/)])
    }
    expect(await result(present)).toBe('logged on as alice')
  })

  it('need a root in their file', async () => {
    const file = await put(folder, 'leaf.pem', client(partner).cert)
    await expect(serve({ trust: [{ file }] })).rejects.toThrow(/leaf\.pem has no root/)
  })
})
