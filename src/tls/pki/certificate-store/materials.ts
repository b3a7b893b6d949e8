import type { KeyObject, X509Certificate } from 'node:crypto'
import { memoizeText } from '../../../core/values/memoize-text.ts'
import { readCertificate, thumbprintOf } from '../certificate/certificate.ts'
import { readPem, writePem } from '../der/pem.ts'
import { PkiError } from '../errors.ts'
import { readPrivateKey } from '../keys.ts'
import { type ReadCrl, readCrl } from '../revocation/read-crl.ts'
import type { InstalledCertificate, StoreLog } from '../types.ts'
import { keysOf, noCertificate } from './authority-keys.ts'
import type { StoreFiles } from './files.ts'
import {
  type AuthorityRecord,
  type CertificateRecord,
  indexPath,
  type StoreIndex,
  type TrustedRecord,
} from './index-file.ts'

const BEGIN = '-----BEGIN '
/** The last files that were parsed: reading a key takes OpenSSL half a millisecond. */
const certificatesOf = memoizeText<readonly X509Certificate[]>(32)
const privateKeys = memoizeText<KeyObject>(32)

const CURE = 'Restore a backup with `sealpost store restore DIR`'

const damagedFile = (path: string, why: string, options?: ErrorOptions): PkiError =>
  new PkiError('store', `${path} is damaged: ${why}. ${CURE}`, options)

/** Reads a private key of the store. @throws PkiError `store`, which names the file */
export async function openPrivateKey(files: { read(path: string): Promise<string> }, path: string): Promise<KeyObject> {
  const pem = await files.read(path)
  try {
    return privateKeys(pem, () => readPrivateKey(pem))
  } catch (cause) {
    throw damagedFile(path, (cause as Error).message, { cause })
  }
}

/** Reads and caches the PEM files behind the index. */
export class Materials {
  readonly #files: StoreFiles
  readonly #log: StoreLog
  readonly #texts = new Map<string, string>()
  /** By thumbprint, with the path that they were read from. */
  readonly #installed = new Map<string, { readonly path: string; readonly installed: InstalledCertificate }>()
  readonly #fresh = new Set<string>()
  readonly #lists = new Map<string, readonly ReadCrl[]>()
  /** Paths of chains whose signatures were verified. */
  readonly #verified = new Set<string>()

  constructor(files: StoreFiles, log: StoreLog) {
    this.#files = files
    this.#log = log
  }

  /** Reads every file again the next time it is needed. */
  forget(): void {
    this.#texts.clear()
    this.#fresh.clear()
    this.#lists.clear()
    this.#verified.clear()
  }

  /** Returns a file's text. @throws PkiError `store` if there is no such file */
  async read(path: string): Promise<string> {
    const known = this.#texts.get(path)
    if (known !== undefined) return known
    const text = await this.#files.read(path)
    if (text === undefined) {
      throw new PkiError('store', `${this.#files.place}/${path}, which ${indexPath} names, is missing. ${CURE}`)
    }
    this.#texts.set(path, text)
    return text
  }

  /** Returns the certificates of a PEM file, in its order. @throws PkiError `store` */
  async certificates(path: string): Promise<X509Certificate[]> {
    const text = await this.read(path)
    return [...certificatesOf(text, () => this.#parse(path, text))]
  }

  #parse(path: string, text: string): X509Certificate[] {
    const blocks = readPem(text)
    if (blocks.length === 0 || blocks.length !== text.split(BEGIN).length - 1) {
      throw this.#damaged(path, text === '' ? 'it is empty' : 'it is cut off, or holds no certificate')
    }
    try {
      return blocks.map(({ der }) => readCertificate(der))
    } catch (cause) {
      // One whose key this Node.js does not support.
      if (cause instanceof PkiError && cause.code === 'refused') throw cause
      throw this.#damaged(path, 'it is not a certificate', { cause })
    }
  }

  #damaged(path: string, why: string, options?: ErrorOptions): PkiError {
    return damagedFile(`${this.#files.place}/${path}`, why, options)
  }

  /**
   * Returns a certificate with its key and chain. If a file has become unreadable, logs that and returns what was read
   * before. @throws PkiError `store` if nothing was
   */
  async load(record: CertificateRecord): Promise<InstalledCertificate> {
    const { path, installed: known } = this.#installed.get(record.thumbprint) ?? {}
    // Another path has the same certificate with another chain.
    const isCurrent = path === record.certificate && known?.friendlyName === record.friendlyName
    if (known && isCurrent && this.#fresh.has(record.thumbprint)) return known
    try {
      const installed = await this.#read(record)
      this.#installed.set(record.thumbprint, { path: record.certificate, installed })
      this.#fresh.add(record.thumbprint)
      return installed
    } catch (error) {
      if (known === undefined) throw error
      const { message } = error as Error
      this.#log.error(
        { err: error, thumbprint: record.thumbprint },
        `${message}; the certificate that was read before stays in use`,
      )
      return known
    }
  }

  async #read(record: CertificateRecord): Promise<InstalledCertificate> {
    const [certificate, ...chain] = await this.certificates(record.certificate)
    const privateKeyPem = await this.read(record.key)
    if (!certificate || thumbprintOf(certificate) !== record.thumbprint) {
      throw this.#damaged(
        record.certificate,
        `it is not the certificate with the thumbprint ${record.thumbprint} that ${indexPath} names`,
      )
    }
    if (!certificate.checkPrivateKey(await openPrivateKey(this, record.key))) {
      throw this.#damaged(record.key, `it is not the key of ${record.certificate}`)
    }
    return {
      friendlyName: record.friendlyName,
      thumbprint: record.thumbprint,
      certificatePem: writePem('CERTIFICATE', certificate.raw),
      chainPem: chain.map(({ raw }) => writePem('CERTIFICATE', raw)),
      privateKeyPem,
    }
  }

  /** Returns an authority's certificate and its issuers up to the root. @throws PkiError `refused` while it has none */
  async authorityChain(
    record: Pick<AuthorityRecord, 'name' | 'certificate'>,
  ): Promise<[X509Certificate, ...X509Certificate[]]> {
    if (record.certificate === undefined) throw noCertificate(record.name)
    const [own, ...above] = (await this.certificates(record.certificate)) as [X509Certificate, ...X509Certificate[]]
    if (!this.#verified.has(record.certificate)) {
      for (const [i, one] of [own, ...above].entries()) {
        const issuer = above[i] ?? one
        const isSigned = !one.checkIssued(issuer) || one.verify(issuer.publicKey)
        if (!isSigned) throw this.#damaged(record.certificate, 'the signature of a certificate does not match')
      }
      this.#verified.add(record.certificate)
    }
    return [own, ...above]
  }

  /** Returns the outside roots that the lab's checks accept. @throws PkiError `store` */
  async trustedRoots(index: StoreIndex): Promise<X509Certificate[]> {
    return (await Promise.all(trustedFiles(index, 'root').map((path) => this.certificates(path)))).flat()
  }

  /** Returns the outside revocation lists that the lab's checks accept. @throws PkiError `store` */
  async trustedCrls(index: StoreIndex): Promise<ReadCrl[]> {
    return (await Promise.all(trustedFiles(index, 'crl').map((path) => this.#crls(path)))).flat()
  }

  /** Returns the lists of a file. A list can be long, and every client certificate is looked up in it. */
  async #crls(path: string): Promise<readonly ReadCrl[]> {
    const lists = this.#lists.get(path) ?? readPem(await this.read(path)).map(({ der }) => readCrl(der))
    this.#lists.set(path, lists)
    return lists
  }

  /** Returns all authorities' certificates that the store has: its own authorities', and those in installed chains. */
  async knownIssuers(index: StoreIndex): Promise<X509Certificate[]> {
    const paths = [
      ...index.authorities.flatMap((record) => keysOf(record).map(({ certificate }) => certificate)),
      ...index.certificates.map(({ certificate }) => certificate),
      ...trustedFiles(index, 'root'),
      ...trustedFiles(index, 'intermediate'),
    ]
    // An unreadable file is reported when its own certificate is used; here it only means fewer known issuers.
    const all = await Promise.all(paths.map((path) => this.certificates(path).catch(() => [])))
    return all.flat().filter((certificate) => certificate.ca)
  }
}

const trustedFiles = ({ trusted = [] }: StoreIndex, kind: TrustedRecord['kind']): string[] =>
  trusted.filter((one) => one.kind === kind).map(({ file }) => file)
