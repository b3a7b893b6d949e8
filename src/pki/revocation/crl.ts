import { certificateFields, type Issuer } from '../certificate/certificate.ts'
import { authorityKeyIdentifier, keyIdentifier } from '../certificate/extensions.ts'
import type { IssuedRecord } from '../certificate-store/index-file.ts'
import { context, enumerated, integer, octetString, oid, sequence, time } from '../der/encode.ts'
import { extensionIds } from '../der/oids.ts'
import { signatureAlgorithm, signed } from '../keys.ts'

/** How long a list is good for. */
export const crlLifeMs = 7 * 86_400_000

function entry({ serial, revoked }: IssuedRecord): Buffer {
  if (revoked === undefined) throw new TypeError('not revoked')
  const code = revocationReasons[revoked.reason as RevocationReason] ?? 0
  // unspecified is told by leaving the reason out. RFC 5280 section 5.3.1
  const reason = code === 0 ? [] : [sequence(sequence(oid(extensionIds.reasonCode), octetString(enumerated(code))))]
  return sequence(
    integer(Buffer.from(serial.padStart(serial.length + (serial.length % 2), '0'), 'hex')),
    time(new Date(revoked.at)),
    ...reason,
  )
}

/**
 * Makes a certificate revocation list. RFC 5280 section 5. Its number is the time in milliseconds: it rises with every list
 * without anyone having to count. Certificates that have expired are left off, as section 3.3 lets.
 */
export function createCrl(issued: readonly IssuedRecord[], issuer: Issuer, nowMs: number): Buffer {
  if (issuer.certificate === 'self') throw new TypeError('an issuer needs its certificate')
  const { subject, publicKey } = certificateFields(issuer.certificate.raw)
  const revoked = issued.filter((one) => one.revoked && Date.parse(one.notAfter) > nowMs)
  const list = sequence(
    integer(1),
    signatureAlgorithm(issuer),
    subject,
    time(new Date(nowMs)),
    time(new Date(nowMs + crlLifeMs)),
    // An empty list is left out, not written empty. RFC 5280 section 5.1.2.6
    ...(revoked.length > 0 ? [sequence(...revoked.map(entry))] : []),
    context(
      0,
      sequence(
        authorityKeyIdentifier(keyIdentifier(publicKey)),
        sequence(oid(extensionIds.crlNumber), octetString(integer(nowMs))),
      ),
    ),
  )
  return signed(list, issuer)
}

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

/** A reason by its name in any case. */
export const reasonNamed = (text: string): RevocationReason | undefined =>
  (Object.keys(revocationReasons) as RevocationReason[]).find((name) => name.toLowerCase() === text.toLowerCase())
