import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { type SentChain, tlsaMismatch, usableRecords } from '../../dns/tlsa.ts'
import type { NextHop, TlsFailure, TlsLevel } from '../types.ts'
import { PeerFailure } from './failure.ts'

/** The demands of a TLS level. The names are Postfix's: https://www.postfix.org/TLS_README.html#client_tls_levels */
interface LevelRules {
  /** Whether TLS is tried. */
  readonly tries: boolean
  /** Whether nothing is sent without TLS. */
  readonly requires: boolean
  readonly verifies: 'nothing' | 'chain and name' | 'TLSA records'
}

export const levels: Readonly<Record<TlsLevel, LevelRules>> = {
  none: { tries: false, requires: false, verifies: 'nothing' },
  may: { tries: true, requires: false, verifies: 'nothing' },
  encrypt: { tries: true, requires: true, verifies: 'nothing' },
  verify: { tries: true, requires: true, verifies: 'chain and name' },
  secure: { tries: true, requires: true, verifies: 'chain and name' },
  dane: { tries: true, requires: true, verifies: 'TLSA records' },
}

/** The outcome of a handshake: the certificates of the host, and OpenSSL's code if no root verifies them. */
interface SentCertificates {
  readonly chain: SentChain
  readonly chainError: string | undefined
}

/** Whether a certificate fulfils a level. */
export interface LevelVerdict {
  readonly isFulfilled: boolean
  /** Whether the certificate was verified. Level `encrypt` is fulfilled without. */
  readonly isVerified: boolean
  /** Why it was not verified, in plain words and in those of TLS reports. */
  readonly problem?: CertificateProblem
}

interface CertificateProblem {
  readonly text: string
  readonly failure: TlsFailure
}

/** Judges the certificate of a host by the TLS level. @param now milliseconds since the epoch */
export function judge(hop: NextHop, sent: SentCertificates, now: number): LevelVerdict {
  const { verifies } = levels[hop.tls]
  if (verifies === 'TLSA records') return judgeByRecords(hop, sent, now)
  if (verifies === 'nothing' && hop.tlsa) return { isFulfilled: true, isVerified: false, problem: NO_USABLE_RECORD }
  const problem = chainProblem(sent) ?? nameProblem(sent.chain[0], certificateNames(hop))
  if (problem === undefined) return { isFulfilled: true, isVerified: true }
  return { isFulfilled: verifies === 'nothing', isVerified: false, problem }
}

const NO_USABLE_RECORD: CertificateProblem = {
  text: 'none of its TLSA records is usable',
  failure: 'tlsa-invalid',
}

function judgeByRecords(hop: NextHop, { chain }: SentCertificates, now: number): LevelVerdict {
  const records = usableRecords(hop.tlsa ?? [])
  if (records.length === 0) return { isFulfilled: false, isVerified: false, problem: NO_USABLE_RECORD }
  const text = tlsaMismatch(chain, records, certificateNames(hop), now)
  if (text === undefined) return { isFulfilled: true, isVerified: true }
  return { isFulfilled: false, isVerified: false, problem: { text, failure: 'validation-failure' } }
}

const certificateNames = ({ names, host }: NextHop): readonly string[] => (names.length > 0 ? names : [host])

/** Returns the level for a message that must not travel without verified TLS. RFC 8689 section 4.2.1. */
export const withRequiredTls = (hop: NextHop): NextHop =>
  levels[hop.tls].verifies === 'nothing' ? { ...hop, tls: 'verify' } : hop

/** @throws PeerFailure if a forged MX record could have named the host of a message with REQUIRETLS. RFC 8689 section 4.2.1 */
export function checkMx({ host, isMxUnverified }: NextHop): void {
  if (!isMxUnverified) return
  const text = `neither DNSSEC nor MTA-STS confirms that ${host} takes mail for the domain, which REQUIRETLS demands`
  throw new PeerFailure(text, { enhancedCode: '5.7.30' })
}

function nameProblem(certificate: X509Certificate, names: readonly string[]): CertificateProblem | undefined {
  const has = (name: string): boolean =>
    (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined
  if (names.some(has)) return undefined
  return { text: `its certificate is not for ${names.join(' or ')}`, failure: 'certificate-host-mismatch' }
}

const chainProblems: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not yet valid',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed and not trusted',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate was issued by an authority that is not trusted',
  UNABLE_TO_GET_ISSUER_CERT: 'its certificate was issued by an authority that is not trusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate was issued by an authority that is not trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'its certificate was issued by an authority that is not trusted, or the host does not send its intermediate certificates',
  CERT_REVOKED: 'its certificate is revoked',
}

function chainProblem({ chainError }: SentCertificates): CertificateProblem | undefined {
  if (chainError === undefined) return undefined
  const words = chainProblems[chainError]
  return {
    text: `${words ?? 'its certificate is not verified'} (${chainError})`,
    failure: /EXPIRED|NOT_YET_VALID/.test(chainError) ? 'certificate-expired' : 'certificate-not-trusted',
  }
}
