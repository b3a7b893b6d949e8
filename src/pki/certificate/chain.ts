import { X509Certificate } from 'node:crypto'
import { rootCertificates } from 'node:tls'
import { PkiError } from '../errors.ts'
import { type CertificateFacts, readFacts } from './certificate.ts'
import { commonName } from './names.ts'

/** A certificate and its issuers upward. */
export interface Chain {
  readonly certificates: readonly [X509Certificate, ...X509Certificate[]]
  /** It ends in a self-signed root, or under one that public programs know. */
  readonly complete: boolean
}

const isRoot = (certificate: X509Certificate): boolean =>
  certificate.subject === certificate.issuer && certificate.verify(certificate.publicKey)

const issued = (certificate: X509Certificate, issuer: X509Certificate): boolean =>
  certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)

let publicNames: Set<string> | undefined

/** Whether one of the public roots that Node.js brings has this name. */
function isPublicRoot(name: string): boolean {
  publicNames ??= new Set(rootCertificates.map((pem) => new X509Certificate(pem).subject))
  return publicNames.has(name)
}

/** Builds the chain of `leaf` from the certificates at hand, in any order. RFC 5280 section 6.1. */
export function buildChain(leaf: X509Certificate, pool: readonly X509Certificate[]): Chain {
  const certificates: [X509Certificate, ...X509Certificate[]] = [leaf]
  for (let last = leaf; !isRoot(last); ) {
    const next = pool.find((candidate) => issued(last, candidate) && !certificates.includes(candidate))
    if (next === undefined) return { certificates, complete: isPublicRoot(last.issuer) }
    certificates.push(next)
    last = next
  }
  return { certificates, complete: true }
}

const titleOf = (certificate: X509Certificate): string => commonName(readFacts(certificate).subject)

/**
 * Refuses a chain that no client would follow: an issuer that is no authority or has expired, a path longer than one allows,
 * or certificates handed in with the leaf of which none issued it.
 * @throws PkiError `refused`
 */
export function checkChain(
  { certificates }: Chain,
  handedIn: readonly X509Certificate[],
  nowMs: number,
  force: boolean,
): void {
  const strangers = handedIn.filter((one) => !certificates.some((known) => known.raw.equals(one.raw)))
  if (strangers.length > 0 && certificates.length === 1 && !isRoot(certificates[0])) {
    const names = strangers.map(titleOf).join(', ')
    throw new PkiError(
      'refused',
      `the chain does not build: ${titleOf(certificates[0])} was issued by ${commonName(readFacts(certificates[0]).issuer)}, but the file holds ${names}`,
    )
  }
  certificates.slice(1).forEach((certificate, below) => {
    const facts = readFacts(certificate)
    if (!facts.authority)
      throw new PkiError('refused', `the chain does not build: ${titleOf(certificate)} is no authority`)
    if (facts.pathLength !== undefined && below > facts.pathLength) {
      throw new PkiError(
        'refused',
        `the chain does not build: ${titleOf(certificate)} allows ${facts.pathLength} authorities below it, not ${below}`,
      )
    }
    if (facts.notAfter.getTime() < nowMs && !force) {
      throw new PkiError(
        'refused',
        `the chain does not build: ${titleOf(certificate)} expired on ${facts.notAfter.toISOString().slice(0, 10)}`,
      )
    }
  })
}

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
