import type { X509Certificate } from 'node:crypto'
import { readFacts } from '../../certificate/certificate.ts'
import { type IssuedRecord, plainSerial } from '../../certificate-store/index-file.ts'
import type { ServiceResponse } from '../../service/routes.ts'
import type { Identifier } from '../identifier.ts'
import { renewalId } from '../renewal-id.ts'
import { AcmeProblem, json } from '../response.ts'
import { issuedHere } from './certificates.ts'
import type { AcmeDirectory } from './handler.ts'

const LONGEST_CHECK_MS = 6 * 3_600_000
const SHORTEST_CHECK_MS = 1000

/** Returns when a certificate should be renewed. Needs no signature. RFC 9773 section 4. @throws AcmeProblem */
export async function renewalInfo(directory: AcmeDirectory, id: string): Promise<ServiceResponse> {
  const { entry, certificate } = await certificateOfId(directory, id)
  const fromMs = Date.parse(certificate.validFrom)
  const lifeMs = Date.parse(certificate.validTo) - fromMs
  const nowMs = directory.store.clock.now()
  // After two thirds of its lifetime, or immediately if it is revoked.
  const startMs = entry.revoked ? nowMs - 60_000 : fromMs + (lifeMs * 2) / 3
  const endMs = entry.revoked ? nowMs : startMs + lifeMs / 24
  const suggestedWindow = { start: new Date(startMs).toISOString(), end: new Date(endMs).toISOString() }
  // Clients of short-lived certificates must ask more often.
  const checkMs = Math.min(Math.max(lifeMs / 24, SHORTEST_CHECK_MS), LONGEST_CHECK_MS)
  return json({ suggestedWindow }, { headers: { 'retry-after': String(Math.round(checkMs / 1000)) } })
}

/** Checks that an order may replace a certificate. RFC 9773 section 5. @throws AcmeProblem */
export async function checkReplaces(
  directory: AcmeDirectory,
  account: string,
  id: string,
  identifiers: readonly Identifier[],
): Promise<void> {
  const { certificate } = await certificateOfId(directory, id)
  const { orders, store } = directory
  if (orders.replacing(id, store.clock.now())) {
    throw new AcmeProblem('alreadyReplaced', 'another order replaces this certificate')
  }
  const owner = orders.ofCertificate(certificate)?.account
  if (owner !== undefined && owner !== account) {
    throw new AcmeProblem('unauthorized', 'the certificate to replace belongs to another account')
  }
  const names = new Set(readFacts(certificate).names.map(({ value }) => value.toLowerCase()))
  if (!identifiers.some(({ value }) => names.has(value))) {
    throw new AcmeProblem('malformed', 'the certificate to replace has none of the names of the order')
  }
}

/** Returns the certificate that an identifier names. RFC 9773 section 4.1. @throws AcmeProblem `malformed` */
async function certificateOfId(
  directory: AcmeDirectory,
  id: string,
): Promise<{ entry: IssuedRecord; certificate: X509Certificate }> {
  const [, key, serial] = /^([\w-]+)\.([\w-]+)$/.exec(id) ?? []
  if (serial === undefined) {
    throw new AcmeProblem('malformed', 'a certificate is identified by key identifier and serial number')
  }
  const found = await issuedHere(directory, plainSerial(Buffer.from(serial, 'base64url').toString('hex')))
  if (renewalId(found.certificate)?.split('.')[0] === key) return found
  throw new AcmeProblem('malformed', 'no certificate has this key identifier and serial number', { status: 404 })
}
