import { context, enumerated, integer, octetString, oid, sequence, time } from '../asn1/der.ts'
import { extensionIds } from '../asn1/oids.ts'
import type { IssuedRecord } from '../certificate-store/index-file.ts'
import { certificateFields, type Issuer } from '../x509/certificate.ts'
import { authorityKeyIdentifier, keyIdentifier } from '../x509/extensions.ts'
import { signatureAlgorithm, signed } from '../x509/signature.ts'
import { type RevocationReason, revocationReasons } from './reasons.ts'

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
