import { PkiError } from '../errors.ts'
import type { CertificateFacts } from '../x509/facts.ts'
import { commonName } from '../x509/name.ts'

export const day = (at: Date | string): string => (typeof at === 'string' ? at : at.toISOString()).slice(0, 10)

/** Clocks differ. */
const toleranceMs = 300_000

/** Refuses what no client would take now. @throws PkiError `refused` */
export function checkDates(facts: CertificateFacts, nowMs: number, force: boolean): void {
  if (force) return
  const name = commonName(facts.subject)
  if (facts.notAfter.getTime() < nowMs) {
    throw new PkiError(
      'refused',
      `the certificate of ${name} expired on ${day(facts.notAfter)}; --force takes it all the same`,
    )
  }
  if (facts.notBefore.getTime() > nowMs + toleranceMs) {
    throw new PkiError(
      'refused',
      `the certificate of ${name} is not valid before ${facts.notBefore.toISOString()}; --force takes it all the same`,
    )
  }
}
