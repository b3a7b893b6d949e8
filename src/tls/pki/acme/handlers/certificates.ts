import { X509Certificate } from 'node:crypto'
import { readFacts } from '../../certificate/certificate.ts'
import { findIssued, type IssuedRecord, type StoreIndex } from '../../certificate-store/index-file.ts'
import { PkiError } from '../../errors.ts'
import { type RevocationReason, reasonNames, revocationReasons } from '../../revocation/crl.ts'
import { revokeCertificate } from '../../revocation/revoke.ts'
import type { AcmeAccount } from '../accounts.ts'
import { jwkThumbprint } from '../jws.ts'
import { AcmeProblem } from '../response.ts'
import { type AcmeDirectory, type AcmeHandler, type AcmeRequest, signer } from './handler.ts'

/** Returns the certificate of an order with its chain. RFC 8555 section 7.4.2. */
export const certificate: AcmeHandler = {
  signedBy: 'account',
  run(request) {
    const { outcome } = request.directory.orders.order(request.id, signer(request).id)
    if (outcome?.kind !== 'issued') throw new AcmeProblem('malformed', 'the order has no certificate', { status: 404 })
    return { type: 'application/pem-certificate-chain', body: outcome.pem }
  },
}

/**
 * Revokes a certificate. The request is signed by the account that ordered it, by one that is authorized for its names,
 * or by the certificate's own key. RFC 8555 section 7.6.
 */
export const revokeCert: AcmeHandler = {
  signedBy: 'either',
  async run(request) {
    const { directory, payload } = request
    const given = readGiven(payload.certificate)
    const reason = readReason(payload.reason)
    const { entry, certificate: revoking } = await issuedHere(directory, given.serialNumber)
    if (!revoking.raw.equals(given.raw)) {
      throw new AcmeProblem('malformed', 'the certificate differs from the one issued with its serial number', {
        status: 404,
      })
    }
    const { revoked } = entry
    if (revoked && revoked.reason !== 'certificateHold') {
      throw new AcmeProblem('alreadyRevoked', `revoked on ${revoked.at} (${revoked.reason})`)
    }
    if (!mayRevoke(request, revoking)) {
      throw new AcmeProblem('unauthorized', 'the request is signed neither by the certificate’s key nor by its account')
    }
    await revokeCertificate(directory.store, revoking.serialNumber, reason, directory.authority)
    return { type: 'text/plain', body: '' }
  },
}

function readGiven(value: unknown): X509Certificate {
  try {
    if (typeof value === 'string') return new X509Certificate(Buffer.from(value, 'base64url'))
  } catch {
    // Falls through to the error below.
  }
  throw new AcmeProblem('malformed', 'certificate is not a DER certificate in base64url')
}

/** Reasons that a client may give. RFC 5280 section 5.3.1. Only the authority itself can put a certificate on hold. */
const clientReasons = new Set<unknown>([0, 1, 3, 4, 5, 9])

function readReason(value: unknown): RevocationReason {
  if (value === undefined) return 'unspecified'
  const found = reasonNames.find((name) => revocationReasons[name] === value)
  if (found !== undefined && clientReasons.has(value)) return found
  throw new AcmeProblem('badRevocationReason', `the reason ${value} is not allowed`)
}

function mayRevoke({ directory, account, jwk }: AcmeRequest, revoking: X509Certificate): boolean {
  if (!account) {
    const ownKey = revoking.publicKey.export({ format: 'jwk' }) as Record<string, string>
    return jwkThumbprint(ownKey) === jwkThumbprint(jwk)
  }
  const ordered = directory.orders.ofCertificate(revoking)?.account === account.id
  return ordered || isAuthorizedForAll(directory, account, revoking)
}

/** Returns whether an account has authorizations for all names of a certificate. RFC 8555 section 7.6. */
function isAuthorizedForAll(
  { orders, store }: AcmeDirectory,
  account: AcmeAccount,
  revoking: X509Certificate,
): boolean {
  const { names } = readFacts(revoking)
  const nowMs = store.clock.now()
  return (
    names.length > 0 &&
    names.every(
      ({ type, value }) => (type === 'dns' || type === 'ip') && orders.isAuthorized(account.id, { type, value }, nowMs),
    )
  )
}

/**
 * Returns the certificate that the directory's authority issued with a serial number, and its record. What a client sends
 * under that number may be another one. @throws AcmeProblem `malformed` if it does not exist
 */
export async function issuedHere(
  { store, authority }: AcmeDirectory,
  serial: string,
): Promise<{ entry: IssuedRecord; certificate: X509Certificate }> {
  const entry = issuedEntry(store.index, serial, authority)
  return { entry, certificate: new X509Certificate(await store.materials.read(entry.certificate)) }
}

function issuedEntry(index: Readonly<StoreIndex>, serial: string, authority: string): IssuedRecord {
  try {
    return findIssued(index, serial, authority).entry
  } catch (error) {
    if (error instanceof PkiError) throw new AcmeProblem('malformed', error.message, { status: 404 })
    throw error
  }
}
