import type { X509Certificate } from 'node:crypto'
import { readFacts } from '../certificate/certificate.ts'
import { day } from '../certificate/chain.ts'
import { commonName } from '../certificate/names.ts'
import type { ReadCrl } from './read-crl.ts'

/** A problem that a revocation list shows in a chain of certificates. */
interface ListProblem {
  readonly code: 'revoked' | 'outdated-crl'
  /** error: clients refuse the chain now. */
  readonly severity: 'error' | 'warning'
  /** A predicate of the first certificate: "is revoked by the list of Example CA". */
  readonly message: string
}

/** Returns what outside revocation lists say about the certificates of a chain, the server's first. */
export function listProblems(
  crls: readonly ReadCrl[],
  chain: readonly X509Certificate[],
  nowMs: number,
): ListProblem[] {
  return chain.slice(0, -1).flatMap((certificate, index) => {
    const issuer = chain[index + 1] as X509Certificate
    const what = index === 0 ? 'is' : `was issued by ${commonName(readFacts(certificate).subject)}, which is`
    return crls.filter((crl) => crl.isFrom(issuer)).flatMap((crl) => problemsBy(crl, certificate, what, nowMs))
  })
}

function problemsBy(crl: ReadCrl, certificate: X509Certificate, what: string, nowMs: number): ListProblem[] {
  const by = commonName(crl.issuer)
  if (crl.lists(certificate)) {
    return [{ code: 'revoked', severity: 'error', message: `${what} revoked by the list of ${by}` }]
  }
  if (crl.nextUpdate === undefined || crl.nextUpdate.getTime() > nowMs) return []
  const message = `cannot be checked for revocation: the list of ${by} expired on ${day(crl.nextUpdate)}; add a new one with: sealpost ca add-trusted FILE`
  return [{ code: 'outdated-crl', severity: 'warning', message }]
}
