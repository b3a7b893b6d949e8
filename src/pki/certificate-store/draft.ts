import { createHash, type KeyObject, type X509Certificate } from 'node:crypto'
import { chainToSend } from '../authority/issue.ts'
import { certificatePem, thumbprintOf } from '../certificate/certificate.ts'
import { publicKeyInfo } from '../certificate/extensions.ts'
import { PkiError } from '../errors.ts'
import { privateKeyPem } from '../keys.ts'
import type { CertificateRecord, StoreIndex } from './index-file.ts'

/** A file name that people recognise: `default-smtp-virtual-server`. */
export const slug = (text: string): string =>
  text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9.]+/g, '-')
    .replace(/^[-.]+|[-.]+$/g, '')
    .slice(0, 48) || 'unnamed'

/** The change being made: an index to alter at will, and the files that go with it. Nothing is seen until it is whole. */
export class Draft {
  readonly index: StoreIndex
  readonly files = new Map<string, string>()
  readonly #read: (path: string) => Promise<string>

  constructor(index: StoreIndex, read: (path: string) => Promise<string>) {
    this.index = structuredClone(index)
    this.#read = read
  }

  async read(path: string): Promise<string> {
    return this.files.get(path) ?? (await this.#read(path))
  }

  /** Adds a file. Returns its path. */
  put(path: string, text: string): string {
    this.files.set(path, text)
    return path
  }

  /** Adds a private key; the same key has the same path. */
  putKey(title: string, key: KeyObject): string {
    const id = createHash('sha1').update(publicKeyInfo(key)).digest('hex').slice(0, 8)
    return this.put(`keys/${slug(title)}-${id}.pem`, privateKeyPem(key))
  }
}

export interface NewCertificate {
  readonly friendlyName: string
  /** The certificate first; a root at the end is left off, since clients have it. */
  readonly certificates: readonly [X509Certificate, ...X509Certificate[]]
  /** Path of the key in the store. */
  readonly key: string
  readonly origin: CertificateRecord['origin']
}

/** Adds a certificate to the store's own. @throws PkiError `refused` where it is there already */
export function addCertificate(draft: Draft, added: NewCertificate, nowMs: number): CertificateRecord {
  const [leaf, ...chain] = added.certificates
  const thumbprint = thumbprintOf(leaf)
  if (draft.index.certificates.some((one) => one.thumbprint === thumbprint)) {
    throw new PkiError('refused', `the certificate is in the store already (thumbprint ${thumbprint})`)
  }
  const path = `certificates/${slug(added.friendlyName)}-${thumbprint.slice(0, 8)}.pem`
  const record: CertificateRecord = {
    thumbprint,
    friendlyName: added.friendlyName,
    certificate: draft.put(path, [leaf, ...chainToSend(chain)].map(certificatePem).join('')),
    key: added.key,
    origin: added.origin,
    addedAt: new Date(nowMs).toISOString(),
    notAfter: new Date(leaf.validTo).toISOString(),
  }
  draft.index.certificates.push(record)
  return record
}

/** Puts one certificate in the place of another wherever that is assigned. */
export function takeOver(draft: Draft, old: string, next: string): void {
  const { assignments } = draft.index
  for (const [server, thumbprint] of Object.entries(assignments)) {
    if (thumbprint === old) assignments[server] = next
  }
}
