import { X509Certificate } from 'node:crypto'
import { readFacts } from '../../certificate/certificate.ts'
import { findIssued, plainSerial } from '../../certificate-store/index-file.ts'
import type { CertificateStore } from '../../certificate-store/store.ts'
import { PkiError } from '../../errors.ts'
import { type RevocationReason, revocationReasons } from '../../revocation/crl.ts'
import { revokeCertificate } from '../../revocation/revoke.ts'
import type { ServiceResponse } from '../../service/routes.ts'
import type { AcmeHandler, AcmeRequest } from '../directory.ts'
import { jwkThumbprint } from '../jws.ts'
import { AcmeProblem } from '../response.ts'
import type { Account } from '../types.ts'
import { signer } from './accounts.ts'

/** The certificate of an order with its chain. RFC 8555 section 7.4.2. */
export const certificate: AcmeHandler = {
  signedBy: 'account',
  run(asked) {
    const { outcome } = asked.directory.orders.order(asked.id, signer(asked).id)
    if (outcome?.kind !== 'issued') throw new AcmeProblem('malformed', 'the order has no certificate', { status: 404 })
    return { type: 'application/pem-certificate-chain', body: outcome.pem }
  },
}

/** Reasons a client may give. RFC 5280 section 5.3.1; holds are the authority's own. */
const allowed = new Set([0, 1, 3, 4, 5, 9])

/** Revokes a certificate, by the account that ordered it or holds its names, or by its own key. RFC 8555 section 7.6. */
export const revokeCert: AcmeHandler = {
  signedBy: 'either',
  async run(asked) {
    const { directory, payload } = asked
    const certificate = certificateOf(payload.certificate)
    const reason = reasonOf(payload.reason)
    const { entry } = known(() => findIssued(directory.store.index, certificate.serialNumber, directory.authority))
    if (entry.revoked && entry.revoked.reason !== 'certificateHold') {
      throw new AcmeProblem('alreadyRevoked', `revoked on ${entry.revoked.at} (${entry.revoked.reason})`)
    }
    if (!mayRevoke(asked, certificate))
      throw new AcmeProblem('unauthorized', 'neither the certificate’s key nor its account')
    await revokeCertificate(directory.store, certificate.serialNumber, reason, directory.authority)
    return { type: 'text/plain', body: '' }
  },
}

function certificateOf(value: unknown): X509Certificate {
  try {
    if (typeof value === 'string') return new X509Certificate(Buffer.from(value, 'base64url'))
  } catch {
    // Said below, as for what is missing.
  }
  throw new AcmeProblem('malformed', 'certificate is no DER certificate in base64url')
}

function reasonOf(value: unknown): RevocationReason {
  if (value === undefined) return 'unspecified'
  const found = (Object.keys(revocationReasons) as RevocationReason[]).find((name) => revocationReasons[name] === value)
  if (found === undefined || !allowed.has(value as number))
    throw new AcmeProblem('badRevocationReason', `reason ${value} is not taken`)
  return found
}

function known<T>(find: () => T): T {
  try {
    return find()
  } catch (error) {
    if (error instanceof PkiError) throw new AcmeProblem('malformed', error.message, { status: 404 })
    throw error
  }
}

function mayRevoke({ directory, account, jwk }: AcmeRequest, certificate: X509Certificate): boolean {
  if (!account) {
    return (
      jwkThumbprint(certificate.publicKey.export({ format: 'jwk' }) as Record<string, string>) === jwkThumbprint(jwk)
    )
  }
  const pem = certificate.toString().replaceAll('\r', '').trim()
  const ordered = directory.orders
    .ofAccount(account.id)
    .some(({ outcome }) => outcome?.kind === 'issued' && outcome.pem.startsWith(pem))
  return ordered || holdsNames(directory, account, certificate)
}

/** RFC 8555 section 7.6: an account that holds authorizations for all of its names. */
function holdsNames(
  { orders, store }: AcmeRequest['directory'],
  account: Account,
  certificate: X509Certificate,
): boolean {
  const { names } = readFacts(certificate)
  const nowMs = store.clock.now()
  return (
    names.length > 0 &&
    names.every(
      ({ type, value }) => (type === 'dns' || type === 'ip') && orders.holds(account.id, { type, value }, nowMs),
    )
  )
}

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
