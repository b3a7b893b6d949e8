import { X509Certificate } from 'node:crypto'
import { findIssued } from '../../authority/find.ts'
import { revokeCertificate } from '../../authority/revoke.ts'
import { PkiError } from '../../errors.ts'
import { type RevocationReason, revocationReasons } from '../../revocation/reasons.ts'
import { readFacts } from '../../x509/facts.ts'
import type { AcmeHandler, AcmeRequest } from '../directory.ts'
import { jwkThumbprint } from '../jwk.ts'
import { AcmeProblem } from '../problem.ts'
import type { Account } from '../types.ts'

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
