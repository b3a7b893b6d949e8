import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { shortenAddresses } from '../../../core/network/ip-address.ts'
import { rejectionBelow } from '../authority/acceptance.ts'
import {
  type CertificateFacts,
  certificateOf,
  readFacts,
  requiresStaple,
  thumbprintOf,
} from '../certificate/certificate.ts'
import { buildChain, type Chain, day, isRoot, missingIssuer } from '../certificate/chain.ts'
import { clientLimits } from '../certificate/client-limits.ts'
import { commonName, subjectNames } from '../certificate/names.ts'
import { serverPathProblems } from '../certificate/validation.ts'
import { type CertificateRecord, issuedBy } from '../certificate-store/index-file.ts'
import { rootsOf } from '../certificate-store/roots.ts'
import type { CertificateStore } from '../certificate-store/types.ts'
import { listProblems } from '../revocation/list-problems.ts'
import type { VirtualServerFacts } from './context.ts'
import { servingProblem } from './serving.ts'

type ProblemCode =
  | 'expired'
  | 'expires'
  | 'not-yet-valid'
  | 'name-mismatch'
  | 'small-key'
  | 'unusual-key'
  | 'weak-signature'
  | 'critical-extension'
  | 'not-served'
  | 'incomplete-chain'
  | 'invalid-chain'
  | 'name-constraint'
  | 'wrong-purpose'
  | 'authority'
  | 'revoked'
  | 'outdated-crl'
  | 'no-certificate'
  | 'no-staple'
  | 'broken'

/** A present or coming problem with a certificate that a virtual server uses. */
export interface CertificateProblem {
  readonly code: ProblemCode
  /** error: clients refuse the certificate now. */
  readonly severity: 'error' | 'warning'
  /** A predicate of the certificate: "is revoked". */
  readonly message: string
  /** With code `expires`: the threshold reached, 30, 7 or 1 days. */
  readonly withinDays?: number
}

/** Returns the problems with a certificate of the store, as `problemsOfSent` does. */
export async function problemsOf(
  store: CertificateStore,
  hostname: string,
  record: CertificateRecord,
): Promise<CertificateProblem[]> {
  const installed = await store.materials.load(record)
  const certificates = [installed.certificatePem, ...installed.chainPem].map(certificateOf)
  return problemsOfSent(store, hostname, certificates as [X509Certificate, ...X509Certificate[]])
}

/**
 * Validates the certificates that a server sends, its own first, as a client does that trusts the roots of the lab: chain,
 * dates, purposes, names, constraints and revocation.
 * @param hostname the name that clients use
 */
export async function problemsOfSent(
  store: CertificateStore,
  hostname: string,
  [certificate, ...sent]: readonly [X509Certificate, ...X509Certificate[]],
): Promise<CertificateProblem[]> {
  const facts = readFacts(certificate)
  const chain = buildChain(certificate, [...(await rootsOf(store.index, store.materials)), ...sent])
  const issuers = chain.certificates.slice(1)
  const crls = await store.materials.trustedCrls(store.index)
  const nowMs = store.clock.now()
  return [
    ...dateProblems(facts, nowMs),
    ...nameProblems(certificate, hostname),
    ...clientLimits(chain.certificates),
    ...(await chainProblems(store, chain)),
    ...serverPathProblems(chain.certificates),
    ...issuers.flatMap((issuer) => issuerProblems(store, issuer, facts, nowMs)),
    ...revocationProblems(store, certificate, 'is revoked'),
    ...listProblems(crls, chain.certificates, nowMs),
  ]
}

/** Returns why clients would refuse the certificate that `auto` is going to issue for these names. */
export async function problemsOfNextAuto(
  store: CertificateStore,
  names: readonly string[],
): Promise<CertificateProblem[]> {
  const { index, materials, clock } = store
  const authority = index.authorities.find(({ name }) => name === index.defaultAuthority)
  if (authority?.certificate === undefined) return []
  const chain = await materials.authorityChain(authority)
  const why = rejectionBelow(index, chain, { subject: [], names: subjectNames(names), nowMs: clock.now() })
  return why === undefined ? [] : [{ code: 'invalid-chain', severity: 'error', message: `will be refused: ${why}` }]
}

const DAY_MS = 86_400_000
/** Remaining days at which to warn. */
const thresholds = [1, 7, 30] as const

function dateProblems(facts: CertificateFacts, nowMs: number): CertificateProblem[] {
  const leftMs = facts.notAfter.getTime() - nowMs
  if (leftMs < 0) return [{ code: 'expired', severity: 'error', message: `expired on ${day(facts.notAfter)}` }]
  if (facts.notBefore.getTime() > nowMs) {
    return [
      { code: 'not-yet-valid', severity: 'error', message: `is not valid before ${facts.notBefore.toISOString()}` },
    ]
  }
  const withinDays = thresholds.find((days) => leftMs < days * DAY_MS)
  if (withinDays === undefined) return []
  const when = withinDays === 1 ? 'within a day' : `in ${Math.floor(leftMs / DAY_MS)} days`
  return [{ code: 'expires', severity: 'warning', message: `expires ${when}, on ${day(facts.notAfter)}`, withinDays }]
}

function nameProblems(certificate: X509Certificate, hostname: string): CertificateProblem[] {
  // Clients ignore the common name. RFC 9525 section 2
  const covers = isIP(hostname) ? certificate.checkIP(hostname) : certificate.checkHost(hostname, { subject: 'never' })
  if (covers !== undefined) return []
  const names = certificate.subjectAltName
  const issuedTo = names === undefined ? 'no host name (subjectAltName is missing)' : shortenAddresses(names)
  return [{ code: 'name-mismatch', severity: 'warning', message: `is not issued to ${hostname}, but to ${issuedTo}` }]
}

/** Returns what a client misses that gets the certificates of the server and trusts the roots of the lab. */
async function chainProblems(store: CertificateStore, chain: Chain): Promise<CertificateProblem[]> {
  const { certificates, complete } = chain
  const [leaf, ...issuers] = certificates
  const incomplete = (message: string): CertificateProblem[] => [
    { code: 'incomplete-chain', severity: 'warning', message },
  ]
  if (complete) {
    const selfSigned = issuers.length === 0 && isRoot(leaf)
    return selfSigned ? incomplete('is self-signed: clients refuse it unless they trust this very certificate') : []
  }
  const last = issuers.at(-1) ?? leaf
  const known = (await store.materials.knownIssuers(store.index)).find((one) => !isRoot(one) && last.checkIssued(one))
  if (known) return incomplete(`has an incomplete chain: ${commonName(readFacts(known).subject)} is not sent with it`)
  const missing = missingIssuer(chain)
  return missing === undefined
    ? []
    : incomplete(
        `has an incomplete chain: ${missing} is not known here; if it is a root that clients trust, run: sealpost ca add-trusted FILE`,
      )
}

/** Returns problems of an authority above the certificate. */
function issuerProblems(
  store: CertificateStore,
  issuer: X509Certificate,
  { notAfter }: CertificateFacts,
  nowMs: number,
): CertificateProblem[] {
  const facts = readFacts(issuer)
  const title = commonName(facts.subject)
  // The certificate itself must be replaced before an issuer that expires later.
  const relevant = dateProblems(facts, nowMs).filter(({ code }) => code !== 'expires' || facts.notAfter <= notAfter)
  const dates = relevant.map((problem) => ({
    ...problem,
    message: `was issued by ${title}, which ${problem.message}`,
  }))
  return [...dates, ...revocationProblems(store, issuer, `was issued by ${title}, which is revoked`)]
}

function revocationProblems(
  { index }: CertificateStore,
  certificate: X509Certificate,
  message: string,
): CertificateProblem[] {
  const revoked = issuedBy(index, thumbprintOf(certificate))?.entry.revoked
  return revoked ? [{ code: 'revoked', severity: 'error', message }] : []
}

/** Returns why a virtual server cannot serve a certificate that is assigned to it. */
export async function servingProblems(
  { materials }: CertificateStore,
  server: VirtualServerFacts,
  record: CertificateRecord,
): Promise<CertificateProblem[]> {
  const why = servingProblem(server, await materials.load(record))
  return why === undefined
    ? []
    : [{ code: 'not-served', severity: 'error', message: `is installed but not served: ${why}` }]
}

/** Returns why clients would refuse a certificate that requires a stapled OCSP response. RFC 7633 section 4. */
export async function stapleProblems(
  store: CertificateStore,
  record: CertificateRecord,
  isStapling: boolean,
): Promise<CertificateProblem[]> {
  const { certificatePem } = await store.materials.load(record)
  if (!requiresStaple(certificateOf(certificatePem))) return []
  const hasResponse = issuedBy(store.index, record.thumbprint)?.authority.certificate !== undefined
  if (isStapling && hasResponse) return []
  const why = hasResponse
    ? 'and the virtual server staples none; set tls.ocspStapling: true'
    : 'and no authority of the lab issued it, so that the lab has none to staple'
  return [{ code: 'no-staple', severity: 'warning', message: `requires a stapled OCSP response (must-staple), ${why}` }]
}
