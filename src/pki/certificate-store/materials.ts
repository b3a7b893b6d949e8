import { X509Certificate } from 'node:crypto'
import { readPem, writePem } from '../der/pem.ts'
import { PkiError } from '../errors.ts'
import { readPrivateKey } from '../keys.ts'
import type { Audience, InstalledCertificate } from '../types.ts'
import { audiences } from './auto.ts'
import type { StoreFiles } from './files.ts'
import type { AuthorityRecord, CertificateRecord, StoreIndex } from './index-file.ts'
import type { CertificateStore, StoreLog } from './store.ts'

/** The PEM files behind the index, read once; a broken one is reported and what was read last is given. */
export class Materials {
  readonly #files: StoreFiles
  readonly #log: StoreLog
  readonly #texts = new Map<string, string>()
  readonly #installed = new Map<string, InstalledCertificate>()
  readonly #fresh = new Set<string>()

  constructor(files: StoreFiles, log: StoreLog) {
    this.#files = files
    this.#log = log
  }

  /** Reads everything again when it is next asked for. */
  forget(): void {
    this.#texts.clear()
    this.#fresh.clear()
  }

  /** @throws PkiError `store` where there is no such file */
  async read(path: string): Promise<string> {
    const known = this.#texts.get(path)
    if (known !== undefined) return known
    const text = await this.#files.read(path)
    if (text === undefined) throw new PkiError('store', `${this.#files.place}/${path} is missing`)
    this.#texts.set(path, text)
    return text
  }

  /** The certificates of a PEM file of the store, in its order. */
  async certificates(path: string): Promise<X509Certificate[]> {
    const blocks = readPem(await this.read(path))
    try {
      return blocks.map(({ der }) => new X509Certificate(der))
    } catch (cause) {
      throw new PkiError('store', `${this.#files.place}/${path} is not a certificate`, { cause })
    }
  }

  async load(record: CertificateRecord): Promise<InstalledCertificate> {
    const known = this.#installed.get(record.thumbprint)
    if (known?.friendlyName === record.friendlyName && this.#fresh.has(record.thumbprint)) return known
    try {
      const installed = await this.#read(record)
      this.#installed.set(record.thumbprint, installed)
      this.#fresh.add(record.thumbprint)
      return installed
    } catch (error) {
      if (known === undefined) throw error
      const { message } = error as Error
      this.#log.error({ err: error, thumbprint: record.thumbprint }, `${message}; what was read last stays in service`)
      return known
    }
  }

  async #read(record: CertificateRecord): Promise<InstalledCertificate> {
    const [certificate, ...chain] = await this.certificates(record.certificate)
    const privateKeyPem = await this.read(record.key)
    if (!certificate?.checkPrivateKey(readPrivateKey(privateKeyPem))) {
      throw new PkiError('store', `${record.key} is not the key of ${record.certificate}`)
    }
    return {
      friendlyName: record.friendlyName,
      thumbprint: record.thumbprint,
      certificatePem: writePem('CERTIFICATE', certificate.raw),
      chainPem: chain.map(({ raw }) => writePem('CERTIFICATE', raw)),
      privateKeyPem,
    }
  }

  /** An authority's certificate and all above it. @throws PkiError `refused` while it has none */
  async authorityChain(record: AuthorityRecord): Promise<[X509Certificate, ...X509Certificate[]]> {
    const [own, ...above] = record.certificate === undefined ? [] : await this.certificates(record.certificate)
    if (own === undefined)
      throw new PkiError('refused', `${record.name} has no certificate yet: its request waits for an answer`)
    return [own, ...above]
  }

  /** PEM of the root above the authority that `auto` is issued by. */
  async rootOf(index: StoreIndex, audience: Audience = 'modern'): Promise<string> {
    const authority = index.authorities.find(({ name }) => name === index[audiences[audience].authority])
    if (authority === undefined) return ''
    const chain = await this.authorityChain(authority)
    return writePem('CERTIFICATE', (chain.at(-1) ?? chain[0]).raw)
  }
}

/** Every authority's certificate that the store knows: its own authorities', and the chains of what is installed. */
export async function issuersKnown({ index, materials }: CertificateStore): Promise<X509Certificate[]> {
  const paths = [
    ...index.authorities.flatMap(({ certificate }) => certificate ?? []),
    ...index.certificates.map(({ certificate }) => certificate),
  ]
  // A broken file is not this question's business: what it held is merely not known.
  const all = await Promise.all(paths.map((path) => materials.certificates(path).catch(() => [])))
  return all.flat().filter((certificate) => certificate.ca)
}
