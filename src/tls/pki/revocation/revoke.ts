import { openKey } from '../authority/issue.ts'
import { issuedWith, presentKey } from '../certificate-store/authority-keys.ts'
import { type IndexDraft, slug } from '../certificate-store/draft.ts'
import { findAuthority, findIssued, type IssuedRecord } from '../certificate-store/index-file.ts'
import type { CertificateStore } from '../certificate-store/types.ts'
import { writePem } from '../der/pem.ts'
import { PkiError } from '../errors.ts'
import { createCrl, nextCrlNumber, type RevocationReason } from './crl.ts'

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
  /** The list that the present key of the authority signed. */
  readonly der: Buffer
  /** The lists of all its keys, the present key's first. */
  readonly pem: string
  /** Number of lists. */
  readonly lists: number
}

/** Creates an authority's certificate revocation list and stores it. @throws PkiError */
export const publishCrl = (store: CertificateStore, authority?: string): Promise<PublishedCrl> =>
  store.update((draft) => publish(store, draft, authority))

async function publish(store: CertificateStore, draft: IndexDraft, name: string | undefined): Promise<PublishedCrl> {
  const record = findAuthority(draft.index, name)
  const nowMs = store.clock.now()
  const number = nextCrlNumber(store, record)
  const lists = await Promise.all(
    [presentKey(record), ...(record.earlier ?? []).toReversed()].map(async (key) => {
      const { issuer } = await openKey(store, record, key, draft)
      return createCrl(issuedWith(record, key), issuer, nowMs, number)
    }),
  )
  const pem = lists.map((der) => writePem('X509 CRL', der)).join('')
  record.crlNumber = number
  record.crl = draft.put(`authorities/${slug(record.name)}/${slug(record.name)}-${number}.crl.pem`, pem)
  return { authority: record.name, der: lists[0] as Buffer, pem, lists: lists.length }
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
