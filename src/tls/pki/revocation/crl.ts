import { certificateFields, type Issuer, subjectKeyIdentifierOf } from '../certificate/certificate.ts'
import { authorityKeyIdentifier } from '../certificate/extensions.ts'
import type { AuthorityRecord, IssuedRecord } from '../certificate-store/index-file.ts'
import type { CertificateStore } from '../certificate-store/types.ts'
import { context, enumerated, integer, octetString, oid, sequence, time } from '../der/encode.ts'
import { extensionIds } from '../der/oids.ts'
import { signatureAlgorithm, signSequence } from '../keys.ts'

/** CRLReason. RFC 5280 section 5.3.1. */
export const revocationReasons = {
  unspecified: 0,
  keyCompromise: 1,
  cACompromise: 2,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  certificateHold: 6,
  removeFromCRL: 8,
  privilegeWithdrawn: 9,
  aACompromise: 10,
} as const
export type RevocationReason = keyof typeof revocationReasons

export const reasonNames = Object.keys(revocationReasons) as RevocationReason[]

/** Returns the reason with this name, in any case. */
export const reasonNamed = (text: string): RevocationReason | undefined =>
  reasonNames.find((name) => name.toLowerCase() === text.toLowerCase())

/** Returns the CRLReason code of a revoked certificate; 0 for a reason that is not known here. */
export const reasonCode = ({ reason }: { readonly reason: string }): number =>
  revocationReasons[reason as RevocationReason] ?? revocationReasons.unspecified

/** How long a CRL is valid. */
export const CRL_LIFE_MS = 7 * 86_400_000

/** The number of the last list of each authority that a store has made in this process. */
const lastNumbers = new WeakMap<CertificateStore, Map<string, number>>()

/**
 * Returns the number of the next list of an authority: the time in milliseconds, or more, because the clock of a lab can
 * stand still or go back, and the number must not. RFC 5280 section 5.2.3.
 */
export function nextCrlNumber(store: CertificateStore, { name, crlNumber = 0 }: AuthorityRecord): number {
  const numbers = lastNumbers.get(store) ?? new Map<string, number>()
  lastNumbers.set(store, numbers)
  const last = Math.max(crlNumber, numbers.get(name) ?? 0)
  const number = Math.max(store.clock.now(), last + 1)
  numbers.set(name, number)
  return number
}

/**
 * Creates a certificate revocation list. RFC 5280 section 5. Expired certificates are left out, as section 3.3 allows.
 * @param number from `nextCrlNumber`
 */
export function createCrl(issued: readonly IssuedRecord[], issuer: Issuer, nowMs: number, number: number): Buffer {
  if (issuer.certificate === 'self') throw new TypeError('an issuer needs its certificate')
  const { subject } = certificateFields(issuer.certificate.raw)
  const entries = issued.filter(({ notAfter }) => Date.parse(notAfter) > nowMs).flatMap(entryOf)
  const list = sequence(
    integer(1),
    signatureAlgorithm(issuer),
    subject,
    time(new Date(nowMs)),
    time(new Date(nowMs + CRL_LIFE_MS)),
    // Without entries the field is absent, not an empty sequence. RFC 5280 section 5.1.2.6
    ...(entries.length > 0 ? [sequence(...entries)] : []),
    context(
      0,
      sequence(
        authorityKeyIdentifier(subjectKeyIdentifierOf(issuer.certificate)),
        sequence(oid(extensionIds.crlNumber), octetString(integer(number))),
      ),
    ),
  )
  return signSequence(list, issuer)
}

function entryOf({ serial, revoked }: IssuedRecord): Buffer[] {
  if (revoked === undefined) return []
  const code = reasonCode(revoked)
  // For `unspecified` the reason is absent. RFC 5280 section 5.3.1
  const reason = code === 0 ? [] : [sequence(sequence(oid(extensionIds.reasonCode), octetString(enumerated(code))))]
  const serialOctets = Buffer.from(serial.padStart(serial.length + (serial.length % 2), '0'), 'hex')
  return [sequence(integer(serialOctets), time(new Date(revoked.at)), ...reason)]
}
