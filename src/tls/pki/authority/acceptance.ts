import type { X509Certificate } from 'node:crypto'
import { certificateFields, thumbprintOf } from '../certificate/certificate.ts'
import { day } from '../certificate/chain.ts'
import { constraintProblem } from '../certificate/name-constraints.ts'
import { commonName, type DistinguishedName, type GeneralName, readName } from '../certificate/names.ts'
import { DAY_MS } from '../certificate/profiles.ts'
import { issuedBy, type StoreIndex } from '../certificate-store/index-file.ts'
import { PkiError } from '../errors.ts'

/** A certificate to be issued, as far as its issuers limit it. */
interface Wanted {
  readonly subject: DistinguishedName | Buffer
  readonly names: readonly GeneralName[]
  readonly nowMs: number
  /** Absent: as long as possible. */
  readonly days?: number
}

/** Returns when the first certificate of a chain expires: no certificate below it is valid after that. */
export const endOf = (chain: readonly X509Certificate[]): number =>
  Math.min(...chain.map(({ validTo }) => Date.parse(validTo)))

/** Returns when a new certificate expires at the latest: with the first of its issuers, unless more days are forced. */
export const latestEnd = (chain: readonly X509Certificate[], days: number | undefined, force: boolean): number =>
  force && days !== undefined ? Number.POSITIVE_INFINITY : endOf(chain)

/**
 * Returns why clients would refuse any certificate below these authorities: an authority has expired or is revoked, its
 * name constraints forbid a name, or it expires first. RFC 5280 section 6.1.
 */
export function rejectionBelow(
  index: Readonly<StoreIndex>,
  chain: readonly X509Certificate[],
  { subject, names, nowMs, days }: Wanted,
): string | undefined {
  for (const authority of chain) {
    const title = `"${commonName(readName(certificateFields(authority.raw).subject))}"`
    const expired = Date.parse(authority.validTo)
    if (expired < nowMs) return `${title} has expired (${day(new Date(expired))})`
    const revoked = issuedBy(index, thumbprintOf(authority))?.entry.revoked
    if (revoked) return `${title} was revoked on ${revoked.at.slice(0, 10)} (${revoked.reason})`
  }
  const end = endOf(chain)
  // Up to one day more is accepted and cut off, so that a request for all days of the authority succeeds.
  if (days !== undefined && nowMs + days * DAY_MS > end + DAY_MS) {
    return `${days} days are too long, because the authority, or one above it, expires on ${day(new Date(end))}`
  }
  return constraintProblem(Buffer.isBuffer(subject) ? readName(subject) : subject, names, chain)
}

/** Refuses to issue a certificate that clients would refuse. @throws PkiError `refused` */
export function refuseRejected(
  index: Readonly<StoreIndex>,
  authority: string,
  chain: readonly X509Certificate[],
  wanted: Wanted,
): void {
  const why = rejectionBelow(index, chain, wanted)
  if (why === undefined) return
  throw new PkiError(
    'refused',
    `clients would refuse a certificate that "${authority}" issues now: ${why}; --force issues it anyway`,
  )
}
