import { X509Certificate } from 'node:crypto'
import { findIssued, plainSerial } from '../../authority/find.ts'
import type { CertificateStore } from '../../certificate-store/store.ts'
import { PkiError } from '../../errors.ts'
import type { ServiceResponse } from '../../service/routes.ts'
import { AcmeProblem } from '../problem.ts'

const CHECK_AGAIN_SECONDS = 6 * 3600

/** When a certificate should be renewed; asked without a signature. RFC 9773 section 4. @throws AcmeProblem */
export async function renewalInfo(store: CertificateStore, authority: string, id: string): Promise<ServiceResponse> {
  const [, serial] = /^[\w-]+\.([\w-]+)$/.exec(id) ?? []
  if (serial === undefined)
    throw new AcmeProblem('malformed', 'a certificate is named by key identifier and serial number')
  const hex = Buffer.from(serial, 'base64url').toString('hex')
  const entry = find(() => findIssued(store.index, plainSerial(hex), authority).entry)
  const certificate = new X509Certificate(await store.materials.read(entry.certificate))
  const from = Date.parse(certificate.validFrom)
  const lifeMs = Date.parse(certificate.validTo) - from
  const nowMs = store.clock.now()
  // Two thirds of its life; at once where it is revoked.
  const start = entry.revoked ? nowMs - 60_000 : from + (lifeMs * 2) / 3
  const end = entry.revoked ? nowMs : start + lifeMs / 24
  const suggestedWindow = { start: new Date(start).toISOString(), end: new Date(end).toISOString() }
  return {
    type: 'application/json',
    body: JSON.stringify({ suggestedWindow }),
    headers: { 'retry-after': String(CHECK_AGAIN_SECONDS) },
  }
}

function find<T>(look: () => T): T {
  try {
    return look()
  } catch (error) {
    if (error instanceof PkiError) throw new AcmeProblem('malformed', error.message, { status: 404 })
    throw error
  }
}
