import { X509Certificate } from 'node:crypto'
import { rootCertificates } from 'node:tls'
import { PkiError } from '../errors.ts'
import { authorityKeyIdentifierOf, type CertificateFacts, readFacts, subjectKeyIdentifierOf } from './certificate.ts'
import { commonName, issuedToOf } from './names.ts'

/** A certificate and its issuers upward. */
export interface Chain {
  readonly certificates: readonly [X509Certificate, ...X509Certificate[]]
  /** Whether it ends in a self-signed root, or below a root that Node.js ships. */
  readonly complete: boolean
}

/** Builds the chain of a certificate from others in any order. RFC 5280 section 6.1. */
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

/**
 * Returns the issuer that an incomplete chain lacks. Undefined above an authority: what is missing there is taken for the
 * root, which servers do not send and clients have.
 */
export function missingIssuer({ certificates, complete }: Chain): string | undefined {
  const [leaf, ...issuers] = certificates
  return complete || issuers.length > 0 ? undefined : commonName(readFacts(leaf).issuer)
}

/** Returns the warning about an issuer that is missing. */
export const incompleteChain = (missing: string): string =>
  `the chain is incomplete: the issuer ${missing} is neither in the file nor in the store`

/** Returns whether a certificate is self-signed. */
export const isRoot = (certificate: X509Certificate): boolean =>
  certificate.subject === certificate.issuer && certificate.verify(certificate.publicKey)

const issued = (certificate: X509Certificate, issuer: X509Certificate): boolean =>
  certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)

let publicRootNames: Set<string> | undefined

/** Returns whether a root that Node.js ships has this name. */
function isPublicRoot(name: string): boolean {
  publicRootNames ??= new Set(rootCertificates.map((pem) => new X509Certificate(pem).subject))
  return publicRootNames.has(name)
}

/**
 * Refuses a chain that no client accepts: an issuer that is not an authority or has expired, a path that is too long, or
 * a file whose other certificates did not issue the first one, or did not sign it.
 * @param others certificates that came in the same file
 * @throws PkiError `refused`
 */
export function checkChain(
  { certificates }: Chain,
  others: readonly X509Certificate[],
  nowMs: number,
  force: boolean,
): void {
  const [leaf, ...issuers] = certificates
  refuseWrongSignature(certificates.at(-1) as X509Certificate, others)
  const unrelated = others.filter((one) => !certificates.some((known) => known.raw.equals(one.raw)))
  if (unrelated.length > 0 && issuers.length === 0 && !isRoot(leaf)) {
    const issuer = commonName(readFacts(leaf).issuer)
    throw brokenChain(
      `the issuer is wrong: ${titleOf(leaf)} was issued by ${issuer}, but the file contains ${unrelated.map(titleOf).join(', ')}`,
    )
  }
  issuers.forEach((certificate, below) => {
    const { authority, pathLength, notAfter } = readFacts(certificate)
    const title = titleOf(certificate)
    if (!authority) throw brokenChain(`${title} is not a certificate authority`)
    // Self-issued certificates do not count. RFC 5280 section 4.2.1.9
    const counted = issuers.slice(0, below).filter((one) => one.subject !== one.issuer).length
    if (pathLength !== undefined && counted > pathLength) {
      throw brokenChain(`${title} allows ${pathLength} authorities below it, not ${counted}`)
    }
    if (notAfter.getTime() < nowMs && !force) throw brokenChain(`${title} expired on ${day(notAfter)}`)
  })
}

/**
 * Refuses the end of a chain if its signature is wrong: an authority of the file has the name of its issuer, or it names its
 * own key as its signer, and that key did not sign it. Another authority has the same name then, or the certificate was
 * changed.
 */
function refuseWrongSignature(last: X509Certificate, others: readonly X509Certificate[]): void {
  if (last.subject === last.issuer) {
    // The old key of an authority signs a certificate of the new key. Its root need not be in the file. RFC 4210 section 4.4
    if (isRoot(last) || !authorityKeyIdentifierOf(last)?.equals(subjectKeyIdentifierOf(last))) return
    throw brokenChain(
      `the signature of ${titleOf(last)} is wrong: it names its own key as its signer, but that key did not sign it`,
    )
  }
  const named = others.find((one) => !one.raw.equals(last.raw) && last.issuer === one.subject && one.ca)
  if (named === undefined) return
  throw brokenChain(
    `the signature of ${titleOf(last)} is wrong: it names ${titleOf(named)} as its issuer, but the key of ${titleOf(named)} in the file did not sign it`,
  )
}

const titleOf = (certificate: X509Certificate): string => issuedToOf(readFacts(certificate))

const brokenChain = (why: string): PkiError => new PkiError('refused', `the certificate chain is invalid: ${why}`)

/** Clocks differ by up to this much. */
const TOLERANCE_MS = 300_000

/** Refuses a certificate that no client accepts now. @throws PkiError `refused` */
export function checkDates(facts: CertificateFacts, nowMs: number, force: boolean): void {
  if (force) return
  const name = issuedToOf(facts)
  if (facts.notAfter.getTime() < nowMs) {
    throw new PkiError(
      'refused',
      `the certificate of ${name} expired on ${day(facts.notAfter)}; --force accepts it anyway`,
    )
  }
  if (facts.notBefore.getTime() > nowMs + TOLERANCE_MS) {
    throw new PkiError(
      'refused',
      `the certificate of ${name} is not valid before ${facts.notBefore.toISOString()}; --force accepts it anyway`,
    )
  }
}

/** Refuses an authority's certificate for a server: many clients refuse it. @throws PkiError `refused` */
export function refuseAuthority(facts: CertificateFacts, force: boolean): void {
  if (!facts.authority || force) return
  throw new PkiError(
    'refused',
    `the certificate of ${issuedToOf(facts)} belongs to a certificate authority (CA:TRUE), and many clients refuse that of a server; --force accepts it anyway`,
  )
}

/** Formats a date as `2026-11-25`, in UTC. */
export const day = (at: Date): string => at.toISOString().slice(0, 10)
