import type { X509Certificate } from 'node:crypto'
import { findAuthority } from '../authority/find.ts'
import { revokeCertificate } from '../authority/revoke.ts'
import { recordIssued } from '../certificate-store/issue.ts'
import type { CertificateStore } from '../certificate-store/store.ts'

/** Writes a certificate into its authority's book, and revokes it there: the list and the OCSP answers tell so. */
export async function revokeIssued(
  store: CertificateStore,
  authority: string,
  certificate: X509Certificate,
): Promise<void> {
  await store.update((draft) => recordIssued(draft, findAuthority(draft.index, authority), certificate))
  await revokeCertificate(store, certificate.serialNumber, 'keyCompromise', authority)
}
