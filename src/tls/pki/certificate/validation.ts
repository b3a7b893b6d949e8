import type { X509Certificate } from 'node:crypto'
import type { KeyUsage, Purpose } from '../der/oids.ts'
import { type CertificateFacts, readFacts } from './certificate.ts'
import { isRoot } from './chain.ts'
import { constraintProblem } from './name-constraints.ts'
import { commonName } from './names.ts'

/** A reason why clients refuse a certificate, apart from its dates, its names and its revocation. */
interface PathProblem {
  readonly code: 'invalid-chain' | 'name-constraint' | 'wrong-purpose' | 'authority'
  /** error: every client refuses it. warning: some do. */
  readonly severity: 'error' | 'warning'
  /** A predicate: "is not meant for servers". */
  readonly message: string
}

const anyPurpose = '2.5.29.37.0'

/** A purpose of a certificate. */
interface Use {
  readonly purpose: Purpose
  /** In words: "servers". */
  readonly title: string
  /** The key usages of which one is needed. */
  readonly usages: readonly KeyUsage[]
}

const servers: Use = {
  purpose: 'serverAuth',
  title: 'servers',
  usages: ['digitalSignature', 'keyEncipherment'],
}
const clients: Use = { purpose: 'clientAuth', title: 'clients', usages: ['digitalSignature', 'keyAgreement'] }
/** RFC 8550 sections 4.4.2 and 4.4.4. */
const mail: Use = { purpose: 'emailProtection', title: 'mail', usages: ['digitalSignature', 'nonRepudiation'] }

const marks: Use = { purpose: 'brandIndicator', title: 'logos of senders', usages: ['digitalSignature'] }

/** Validates the chain of a server's certificate, the certificate first, as clients do. RFC 5280 section 6.1. */
export const serverPathProblems = (path: readonly X509Certificate[]): PathProblem[] => pathProblems(path, servers)

/** Validates the chain of a client's certificate. */
export const clientPathProblems = (path: readonly X509Certificate[]): PathProblem[] => pathProblems(path, clients)

/** Validates the chain of a certificate that signs mail. */
export const mailPathProblems = (path: readonly X509Certificate[]): PathProblem[] => pathProblems(path, mail)

/** Validates the chain of a mark certificate. */
export const markPathProblems = (path: readonly X509Certificate[]): PathProblem[] => pathProblems(path, marks)

function pathProblems(path: readonly X509Certificate[], use: Use): PathProblem[] {
  const [leaf, ...issuers] = path.map((certificate) => ({ certificate, facts: readFacts(certificate) }))
  if (leaf === undefined) return []
  return [
    ...leafProblems(leaf.facts, use),
    ...issuers.flatMap(({ facts }, below) => {
      const between = issuers.slice(0, below).filter(({ certificate }) => certificate.subject !== certificate.issuer)
      return issuerProblems(facts, between.length, use)
    }),
    ...constraintProblems(path),
  ]
}

function leafProblems(facts: CertificateFacts, use: Use): PathProblem[] {
  const { authority, keyUsages } = facts
  const fits = keyUsages.length === 0 || keyUsages.some((usage) => use.usages.includes(usage))
  return [
    ...(isFor(facts, use) && fits
      ? []
      : [{ code: 'wrong-purpose', severity: 'error', message: `is not meant for ${use.title}` } as const]),
    ...(authority
      ? ([
          {
            code: 'authority',
            severity: 'warning',
            message: 'belongs to a certificate authority (CA:TRUE), and many clients refuse that',
          },
        ] as const)
      : []),
  ]
}

const isFor = ({ purposes }: CertificateFacts, { purpose }: Use): boolean =>
  purposes.length === 0 || purposes.includes(purpose) || purposes.includes(anyPurpose)

/** Returns the problems of an issuer. @param below number of intermediate authorities below this one in the chain */
function issuerProblems(facts: CertificateFacts, below: number, use: Use): PathProblem[] {
  const { authority, pathLength } = facts
  const title = `has an invalid chain: ${commonName(facts.subject)}`
  const invalid = (why: string): PathProblem => ({
    code: 'invalid-chain',
    severity: 'error',
    message: `${title} ${why}`,
  })
  return [
    ...(authority ? [] : [invalid('is not a certificate authority')]),
    ...(pathLength === undefined || below <= pathLength
      ? []
      : [invalid(`allows ${pathLength} authorities below it, not ${below}`)]),
    // Clients apply the purposes of an authority to everything below it.
    ...(isFor(facts, use) ? [] : [invalid(`may not issue certificates for ${use.title}`)]),
  ]
}

function constraintProblems(path: readonly X509Certificate[]): PathProblem[] {
  return path.flatMap((certificate, index) => {
    // A self-issued authority is exempt, such as one with a new key. RFC 5280 section 6.1.3 (b)
    if (index > 0 && (isRoot(certificate) || certificate.subject === certificate.issuer)) return []
    const { subject, names } = readFacts(certificate)
    const why = constraintProblem(subject, names, path.slice(index + 1))
    return why === undefined
      ? []
      : [{ code: 'name-constraint', severity: 'error', message: `violates name constraints: ${why}` } as const]
  })
}
