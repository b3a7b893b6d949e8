import { X509Certificate } from 'node:crypto'
import { openAuthority } from '../certificate-store/issue.ts'
import type { CertificateStore } from '../certificate-store/store.ts'
import type { InstalledCertificate } from '../types.ts'
import { certIdOf, createOcspResponse, ocspLifeMs } from './ocsp.ts'

/**
 * What makes the OCSP response to staple with a certificate: a fresh one after each change of the store, else the same for
 * half its life. Undefined where no authority of the store issued the certificate.
 */
export async function staple(
  store: CertificateStore,
  { thumbprint, certificatePem }: InstalledCertificate,
): Promise<(() => Buffer) | undefined> {
  const book = store.index.authorities.find(({ issued }) => issued.some((one) => one.thumbprint === thumbprint))
  if (book?.certificate === undefined) return undefined
  const { record, chain, issuer } = await openAuthority(store, store.materials, book.name)
  const [own] = chain
  if (own === undefined) return undefined
  const id = certIdOf(new X509Certificate(certificatePem), own)
  let made: { der: Buffer; revision: number; at: number } | undefined
  return () => {
    const nowMs = store.clock.now()
    const { revision, authorities } = store.index
    if (made === undefined || made.revision !== revision || Math.abs(nowMs - made.at) > ocspLifeMs / 2) {
      const issued = authorities.find(({ name }) => name === record.name)?.issued ?? record.issued
      made = { der: createOcspResponse({ ids: [id] }, issued, issuer, nowMs), revision, at: nowMs }
    }
    return made.der
  }
}
