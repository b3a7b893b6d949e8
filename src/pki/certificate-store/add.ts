import type { X509Certificate } from 'node:crypto'
import { PkiError } from '../errors.ts'
import { certificatePem, thumbprintOf } from '../x509/certificate.ts'
import { type Draft, slug } from './draft.ts'
import type { CertificateRecord } from './index-file.ts'
import { chainToSend } from './issue.ts'

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
