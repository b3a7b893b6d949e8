import type { X509Certificate } from 'node:crypto'
import { readCertificate, readFacts } from '../../../tls/pki/certificate/certificate.ts'
import { buildChain, day, isRoot } from '../../../tls/pki/certificate/chain.ts'
import { logoOf } from '../../../tls/pki/certificate/logotype.ts'
import { commonName, issuedToOf } from '../../../tls/pki/certificate/names.ts'
import { markPathProblems } from '../../../tls/pki/certificate/validation.ts'
import type { CertificateStore } from '../../../tls/pki/certificate-store/types.ts'
import { revocationReason } from '../../../tls/pki/client-identity.ts'
import { markIds } from '../../../tls/pki/der/oids.ts'
import { readPem } from '../../../tls/pki/der/pem.ts'
import { PkiError } from '../../../tls/pki/errors.ts'
import { BimiFailure } from './failure.ts'
import { MAX_LOGO_OCTETS } from './logo.ts'

/** Most certificates in an evidence document. */
const MAX_CERTIFICATES = 10

/** The authorities whose certificates count. */
export interface MarkTrust {
  readonly store: CertificateStore
  /** In PEM. */
  readonly roots: readonly string[]
  readonly nowMs: number
}

interface Mark {
  /** The logo in the certificate, decompressed. */
  readonly logo: Buffer
  /** The type of the mark, such as `Registered Mark`. */
  readonly type?: string
}

/**
 * Checks a mark certificate and returns its logo. draft-fetch-validation-vmc-wchuang-10 (November 2025) section 5.
 * @param names names of which the certificate must have one: domains, or selectors of them
 * @throws BimiFailure
 */
export async function checkMark(pem: string, names: readonly string[], trust: MarkTrust): Promise<Mark> {
  try {
    await trust.store.refresh()
    return await markIn(certificatesIn(pem), names, trust)
  } catch (error) {
    if (!(error instanceof PkiError)) throw error
    throw markFailure(error.message)
  }
}

async function markIn(
  [leaf, ...sent]: readonly X509Certificate[],
  names: readonly string[],
  { store, roots: trusted, nowMs }: MarkTrust,
): Promise<Mark> {
  const roots = trusted.flatMap(certificatesIn)
  if (!leaf) throw markFailure('the document has no certificate in PEM')
  if (sent.length >= MAX_CERTIFICATES) throw markFailure('the document has too many certificates')
  const { certificates: path } = buildChain(leaf, [...sent, ...roots])
  const top = path.at(-1) as X509Certificate
  if (!(isRoot(top) && roots.some(({ raw }) => raw.equals(top.raw)))) {
    const { issuer } = readFacts(top)
    throw markFailure(`it was issued by ${commonName(issuer)}, which is not a root that this lab trusts`)
  }
  const facts = readFacts(leaf)
  // The purpose must be the only one: certificates of servers prove nothing about logos.
  if (facts.purposes.join() !== 'brandIndicator') throw markFailure('its purpose is not brand indicators alone')
  const problem = markPathProblems(path).find(({ severity }) => severity === 'error')
  if (problem) throw markFailure(`it ${problem.message}`)
  for (const one of path) {
    const { notBefore, notAfter, ...of } = readFacts(one)
    if (notAfter.getTime() < nowMs) throw markFailure(`${issuedToOf(of)} expired on ${day(notAfter)}`)
    if (notBefore.getTime() > nowMs) throw markFailure(`${issuedToOf(of)} is not valid before ${day(notBefore)}`)
  }
  const revoked = await revocationReason(store, leaf, sent)
  if (revoked !== undefined) throw markFailure(`it is ${revoked}`)
  const own = facts.names.filter(({ type }) => type === 'dns').map(({ value }) => value.toLowerCase())
  if (!names.some((name) => own.includes(name.toLowerCase())))
    throw markFailure(`it is for ${own.join(', ') || 'no domain'}, not for ${names[0]}`)
  const logo = logoOf(leaf, MAX_LOGO_OCTETS)
  if (!logo) throw markFailure('it has no logo')
  const type = facts.subject.find((one) => one.type === markIds.type)?.value
  return { logo, ...(type === undefined ? {} : { type }) }
}

const certificatesIn = (pem: string): X509Certificate[] =>
  readPem(pem)
    .filter(({ label }) => label === 'CERTIFICATE')
    .slice(0, MAX_CERTIFICATES + 1)
    .map(({ der }) => readCertificate(der))

const markFailure = (why: string): BimiFailure => new BimiFailure(`the mark certificate cannot be used: ${why}`)
