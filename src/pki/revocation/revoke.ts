import { openAuthority } from '../authority/issue.ts'
import { type Draft, slug } from '../certificate-store/draft.ts'
import { findIssued, type IssuedRecord } from '../certificate-store/index-file.ts'
import type { CertificateStore } from '../certificate-store/store.ts'
import { writePem } from '../der/pem.ts'
import { PkiError } from '../errors.ts'
import { createCrl, type RevocationReason } from './crl.ts'

export interface PublishedCrl {
  readonly authority: string
  readonly der: Buffer
  readonly pem: string
}

async function publish(store: CertificateStore, draft: Draft, name: string | undefined): Promise<PublishedCrl> {
  const { record, issuer } = await openAuthority(draft, store.materials, name)
  const nowMs = store.clock.now()
  const der = createCrl(record.issued, issuer, nowMs)
  const pem = writePem('X509 CRL', der)
  record.crl = draft.put(`authorities/${slug(record.name)}/${slug(record.name)}-${nowMs}.crl.pem`, pem)
  return { authority: record.name, der, pem }
}

/** Makes and publishes an authority's certificate revocation list. @throws PkiError */
export const publishCrl = (store: CertificateStore, authority?: string): Promise<PublishedCrl> =>
  store.update((draft) => publish(store, draft, authority))

function applyReason(entry: IssuedRecord, reason: RevocationReason, at: string): void {
  const held = entry.revoked?.reason === 'certificateHold'
  if (reason === 'removeFromCRL') {
    if (held) delete entry.revoked
    else
      throw new PkiError(
        'refused',
        `${entry.serial} (${entry.subject}) is ${entry.revoked ? `revoked for good (${entry.revoked.reason})` : 'not revoked'}: only a certificateHold can be lifted`,
      )
    return
  }
  if (entry.revoked && !held) {
    throw new PkiError(
      'refused',
      `${entry.serial} (${entry.subject}) was revoked on ${entry.revoked.at.slice(0, 10)} (${entry.revoked.reason})`,
    )
  }
  entry.revoked = { at, reason }
}

/**
 * Revokes a certificate by serial number or thumbprint, and publishes its authority's list. `certificateHold` can be lifted
 * again by `removeFromCRL`, or made final by another reason.
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
