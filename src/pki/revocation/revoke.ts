import { openAuthority } from '../authority/issue.ts'
import { type IndexDraft, slug } from '../certificate-store/draft.ts'
import { findIssued, type IssuedRecord } from '../certificate-store/index-file.ts'
import type { CertificateStore } from '../certificate-store/types.ts'
import { writePem } from '../der/pem.ts'
import { PkiError } from '../errors.ts'
import { createCrl, type RevocationReason } from './crl.ts'

/**
 * Revokes a certificate by serial number or thumbprint, and publishes its authority's CRL. A `certificateHold` can be
 * lifted later by `removeFromCRL`, or made final by another reason.
 * @throws PkiError
 */
export function revokeCertificate(
  store: CertificateStore,
  serial: string,
  reason: RevocationReason = 'unspecified',
  authority?: string,
): Promise<{ entry: IssuedRecord; authority: string }> {
  return store.update(async (draft) => {
    const found = findIssued(draft.index, serial, authority)
    applyReason(found.entry, reason, new Date(store.clock.now()).toISOString())
    await publish(store, draft, found.authority.name)
    return { entry: found.entry, authority: found.authority.name }
  })
}

export interface PublishedCrl {
  readonly authority: string
  readonly der: Buffer
  readonly pem: string
}

/** Creates an authority's certificate revocation list and stores it. @throws PkiError */
export const publishCrl = (store: CertificateStore, authority?: string): Promise<PublishedCrl> =>
  store.update((draft) => publish(store, draft, authority))

async function publish(store: CertificateStore, draft: IndexDraft, name: string | undefined): Promise<PublishedCrl> {
  const { record, issuer } = await openAuthority(store, name, draft)
  const nowMs = store.clock.now()
  const der = createCrl(record.issued, issuer, nowMs)
  const pem = writePem('X509 CRL', der)
  record.crl = draft.put(`authorities/${slug(record.name)}/${slug(record.name)}-${nowMs}.crl.pem`, pem)
  return { authority: record.name, der, pem }
}

function applyReason(entry: IssuedRecord, reason: RevocationReason, at: string): void {
  const { serial, subject, revoked } = entry
  const onHold = revoked?.reason === 'certificateHold'
  if (reason === 'removeFromCRL') {
    if (!onHold) {
      const state = revoked ? `permanently revoked (${revoked.reason})` : 'not revoked'
      throw new PkiError('refused', `${serial} (${subject}) is ${state}: only a certificateHold can be lifted`)
    }
    delete entry.revoked
    return
  }
  if (revoked && !onHold) {
    const day = revoked.at.slice(0, 10)
    throw new PkiError('refused', `${serial} (${subject}) was already revoked on ${day} (${revoked.reason})`)
  }
  entry.revoked = { at, reason }
}
