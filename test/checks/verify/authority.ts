import { generateKeyPairSync, type KeyObject, type X509Certificate } from 'node:crypto'
import { certificatePem, createCertificate, type Issuer } from '../../../src/tls/pki/certificate/certificate.ts'
import * as ext from '../../../src/tls/pki/certificate/extensions.ts'
import { generalName } from '../../../src/tls/pki/certificate/names.ts'
import { octetString, oid, sequence } from '../../../src/tls/pki/der/encode.ts'
import { generateKey, type HashName, type KeySpec, privateKeyPem } from '../../../src/tls/pki/keys.ts'

const DAY_MS = 86_400_000

/** A certificate and its key, for tls.createServer. */
export interface ServerIdentity {
  readonly key: string
  readonly cert: string
  readonly certificate: X509Certificate
}

/** The defects of a certificate. Default: a valid certificate for localhost. */
interface Defect {
  readonly names?: readonly string[]
  /** Days from now. */
  readonly from?: number
  readonly to?: number
  readonly key?: KeySpec
  readonly hash?: HashName
  readonly purpose?: 'serverAuth' | 'clientAuth'
  readonly crl?: string
  /** A list of certificate timestamps. RFC 6962 section 3.3 */
  readonly timestamps?: Buffer
}

/** A root and an intermediate authority that issue test certificates. */
export class TestAuthority {
  readonly root: X509Certificate
  readonly intermediate: X509Certificate
  readonly #leafKeys = new Map<KeySpec, Promise<KeyObject>>()
  readonly #rootKey: KeyObject
  readonly #intermediateKey: KeyObject

  private constructor(keys: readonly [KeyObject, KeyObject]) {
    ;[this.#rootKey, this.#intermediateKey] = keys
    this.root = authority('Test Root', this.#rootKey, { key: this.#rootKey, certificate: 'self' })
    this.intermediate = authority('Test Intermediate', this.#intermediateKey, this.rootIssuer)
  }

  /** Creates the authorities, with RSA keys so that old suites work too, or with keys on a curve. */
  static async create(namedCurve?: string): Promise<TestAuthority> {
    const key = async (): Promise<KeyObject> =>
      namedCurve ? generateKeyPairSync('ec', { namedCurve }).privateKey : generateKey('rsa-2048')
    return new TestAuthority([await key(), await key()])
  }

  get rootIssuer(): Issuer {
    return { key: this.#rootKey, certificate: this.root }
  }

  get rootPem(): string {
    return certificatePem(this.root)
  }

  /** Issues a server certificate with its chain. */
  async issue(defect: Defect = {}): Promise<ServerIdentity> {
    const one = await this.#leaf(defect, { key: this.#intermediateKey, certificate: this.intermediate })
    return { ...one, cert: one.cert + certificatePem(this.intermediate) }
  }

  /** Issues a server certificate without the intermediate's certificate. */
  issueWithoutChain(): Promise<ServerIdentity> {
    return this.#leaf({}, { key: this.#intermediateKey, certificate: this.intermediate })
  }

  /** Issues a server certificate directly from the root. */
  issueByRoot(defect: Defect = {}): Promise<ServerIdentity> {
    return this.#leaf(defect, this.rootIssuer)
  }

  async selfSigned(): Promise<ServerIdentity> {
    const key = await this.#leafKey('rsa-2048')
    return identity(key, leaf({}, key, { key, certificate: 'self' }))
  }

  /** Returns the key for server certificates, which share it because RSA keys are slow to generate. */
  #leafKey(spec: KeySpec): Promise<KeyObject> {
    const key = this.#leafKeys.get(spec) ?? generateKey(spec)
    this.#leafKeys.set(spec, key)
    return key
  }

  async #leaf(defect: Defect, issuer: Issuer): Promise<ServerIdentity> {
    const key = await this.#leafKey(defect.key ?? 'rsa-2048')
    return identity(key, leaf(defect, key, { ...issuer, ...(defect.hash ? { hash: defect.hash } : {}) }))
  }
}

function leaf(defect: Defect, key: KeyObject, issuer: Issuer): X509Certificate {
  const { names = ['localhost', '127.0.0.1'], from = -1, to = 90, purpose = 'serverAuth', crl, timestamps } = defect
  return createCertificate(
    {
      subject: [{ type: 'CN', value: names[0] ?? '' }],
      publicKey: ext.publicKeyInfo(key),
      ...dates(from, to),
      extensions: [
        ext.endEntityConstraints(),
        ext.keyUsage(['digitalSignature', 'keyEncipherment']),
        ext.extKeyUsage([purpose]),
        ext.subjectAltName(names.map(generalName)),
        ...(crl === undefined ? [] : [ext.crlDistributionPoints([crl])]),
        ...(timestamps === undefined
          ? []
          : [sequence(oid('1.3.6.1.4.1.11129.2.4.2'), octetString(octetString(timestamps)))]),
      ],
    },
    issuer,
  )
}

function authority(name: string, key: KeyObject, issuer: Issuer): X509Certificate {
  return createCertificate(
    {
      subject: [{ type: 'CN', value: name }],
      publicKey: ext.publicKeyInfo(key),
      ...dates(-400, 400),
      extensions: [ext.authorityConstraints(), ext.keyUsage(['keyCertSign', 'cRLSign'])],
    },
    issuer,
  )
}

const dates = (from: number, to: number): { notBefore: Date; notAfter: Date } => ({
  notBefore: new Date(Date.now() + from * DAY_MS),
  notAfter: new Date(Date.now() + to * DAY_MS),
})

const identity = (key: KeyObject, certificate: X509Certificate): ServerIdentity => ({
  key: privateKeyPem(key),
  cert: certificatePem(certificate),
  certificate,
})
