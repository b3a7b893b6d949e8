import { X509Certificate } from 'node:crypto'
import type { TrustChoice } from '../../core/config/schema/client-certificates.ts'
import { readUserFile } from '../../core/files/user-files.ts'
import { readFacts, thumbprintOf } from './certificate/certificate.ts'
import { buildChain, isRoot } from './certificate/chain.ts'
import { clientLimits } from './certificate/client-limits.ts'
import { commonName, nameOnOneLine } from './certificate/names.ts'
import { clientPathProblems } from './certificate/validation.ts'
import { allChains, signingKey } from './certificate-store/authority-keys.ts'
import { issuedBy, type StoreIndex, type TrustedRecord } from './certificate-store/index-file.ts'
import type { CertificateStore } from './certificate-store/types.ts'
import { PkiError } from './errors.ts'
import { readCertificates } from './keystore/certificate-files.ts'
import type { ReadCrl } from './revocation/read-crl.ts'

/** Finds the account that a part of a certificate names. Each method returns the log-on name. */
export interface AccountFinder {
  byThumbprint(thumbprint: string): string | undefined
  /** By the rules of the configuration. */
  byRule(certificate: MappedCertificate): string | undefined
  byPrincipalName(name: string): string | undefined
  byAddress(address: string): string | undefined
}

/** The parts of a certificate that rules map to an account. Names as `CN=alice, O=Lab`. */
interface MappedCertificate {
  readonly issuer: string
  readonly subject: string
  /** In hexadecimal capitals. */
  readonly serialNumber: string
}

interface ClientVerdict {
  /** The account that the certificate names. */
  readonly account?: string
  /** Why the certificate is refused, such as `revoked (keyCompromise)`. */
  readonly refused?: string
  /** Why it is not verified, as a code of node:tls such as `CERT_HAS_EXPIRED`. */
  readonly invalid?: string
}

/**
 * Returns the authorities whose user certificates a virtual server accepts: all of the lab's own, and outside roots.
 * @param onRemoved called for a root that was removed from the store while the lab runs: its trust ends. Without it, that throws
 * @throws PkiError `unknown` for a name that no outside root has, `refused` for a file without a root
 */
export async function clientAuthorities(
  store: CertificateStore,
  trust: readonly TrustChoice[],
  onRemoved?: (error: PkiError) => void,
): Promise<X509Certificate[]> {
  const ready = store.index.authorities.filter(({ certificate }) => certificate !== undefined)
  const chains = await Promise.all(ready.map((record) => allChains(store.materials, record)))
  const outside = await Promise.all(
    trust.map((one) =>
      outsideAuthorities(store, one).catch((error: unknown) => {
        if (!(onRemoved && error instanceof PkiError && error.code === 'unknown')) throw error
        onRemoved(error)
        return []
      }),
    ),
  )
  const all = [...chains.flat(2), ...outside.flat()]
  return [...new Map(all.map((certificate) => [thumbprintOf(certificate), certificate])).values()]
}

/** Returns an outside root, with the authorities below it that its file has. @throws PkiError */
async function outsideAuthorities(store: CertificateStore, choice: TrustChoice): Promise<X509Certificate[]> {
  if (typeof choice === 'string') return store.materials.certificates(findTrustedRoot(store.index, choice).file)
  const certificates = readCertificates(await readUserFile(choice.file))
  if (certificates.some(isRoot)) return certificates
  throw new PkiError('refused', `clientCertificates: ${choice.file} has no root; add the root of its authorities`)
}

function findTrustedRoot({ trusted = [] }: StoreIndex, name: string): TrustedRecord {
  const thumbprint = name.replaceAll(/[\s:]/g, '').toUpperCase()
  const roots = trusted.filter(({ kind }) => kind === 'root')
  const isNamed = (one: TrustedRecord) => one.thumbprint === thumbprint || one.name.toLowerCase() === name.toLowerCase()
  const found = roots.find(isNamed)
  if (found) return found
  const known = roots.map((one) => `"${one.name}"`).join(', ') || 'none'
  throw new PkiError(
    'unknown',
    `clientCertificates: no outside root "${name}"; there are: ${known}; add it with sealpost ca add-trusted, or write { file: … }`,
  )
}

/** A client's certificate in DER, and the issuers that the client sent with it. */
interface SentCertificate {
  readonly der: Buffer
  readonly issuers: readonly Buffer[]
  /** Whether OpenSSL found nothing wrong. Otherwise it found a date that is not valid by the clock of the machine. */
  readonly isVerified: boolean
}

/**
 * Judges a client's certificate at the end of a handshake. Returns why it is not valid by the clock of the lab, or that the
 * lab or an outside revocation list has revoked it, or the account that its thumbprint, a rule, its user principal name or
 * an email address in it names.
 */
export async function identifyClient(
  store: CertificateStore,
  { der, issuers, isVerified }: SentCertificate,
  trusted: readonly X509Certificate[],
  accounts: AccountFinder,
): Promise<ClientVerdict> {
  const certificate = new X509Certificate(der)
  // Another process may have revoked it just now.
  await store.refresh()
  const sent = issuers.map((one) => new X509Certificate(one))
  const invalid = whyInvalid(certificate, [...trusted, ...sent], isVerified ? undefined : trusted, store.clock.now())
  if (invalid !== undefined) return { invalid }
  const refused = await revocationReason(store, certificate, sent)
  if (refused !== undefined) return { refused }
  const { names, thumbprint } = readFacts(certificate)
  const principals = names.filter(({ type }) => type === 'upn').map(({ value }) => accounts.byPrincipalName(value))
  const addresses = names.filter(({ type }) => type === 'email').map(({ value }) => accounts.byAddress(value))
  const { issuer, subject, serialNumber } = certificate
  const rule = accounts.byRule({ issuer: nameOnOneLine(issuer), subject: nameOnOneLine(subject), serialNumber })
  const account = [accounts.byThumbprint(thumbprint), rule, ...principals, ...addresses].find(
    (one) => one !== undefined,
  )
  return account === undefined ? {} : { account }
}

/**
 * Returns the code of node:tls for the reason why a certificate is not valid now. RFC 5280 section 6.1
 * @param roots the trusted authorities; undefined if OpenSSL has verified all but the dates
 */
function whyInvalid(
  certificate: X509Certificate,
  issuers: readonly X509Certificate[],
  roots: readonly X509Certificate[] | undefined,
  nowMs: number,
): string | undefined {
  // A date that cannot be read is not valid.
  const isOver = ({ validTo }: X509Certificate): boolean => !(Date.parse(validTo) >= nowMs)
  const isEarly = ({ validFrom }: X509Certificate): boolean => !(Date.parse(validFrom) <= nowMs)
  // An authority may have several certificates. Those that are valid come first, as in OpenSSL.
  const isValid = (one: X509Certificate): number => Number(!isOver(one) && !isEarly(one))
  const path = buildChain(
    certificate,
    issuers.toSorted((a, b) => isValid(b) - isValid(a)),
  ).certificates
  const invalid = roots && whyUnverified(path, roots)
  if (invalid !== undefined) return invalid
  if (path.some(isOver)) return 'CERT_HAS_EXPIRED'
  return path.some(isEarly) ? 'CERT_NOT_YET_VALID' : undefined
}

/** Returns what OpenSSL checks apart from dates: it reports one reason only, the date of a certificate in place of all others. */
function whyUnverified(path: readonly X509Certificate[], roots: readonly X509Certificate[]): string | undefined {
  const top = path.at(-1) as X509Certificate
  if (!(isRoot(top) && roots.some(({ raw }) => raw.equals(top.raw)))) {
    return path.length === 1 && isRoot(top) ? 'DEPTH_ZERO_SELF_SIGNED_CERT' : 'UNABLE_TO_GET_ISSUER_CERT'
  }
  const [problem] = clientPathProblems(path).filter(({ severity }) => severity === 'error')
  if (problem) return pathCodes[problem.code]
  const limits = clientLimits(path).map(({ code }) => code)
  if (limits.includes('critical-extension')) return 'UNHANDLED_CRITICAL_EXTENSION'
  // OpenSSL's default security level.
  const isWeak = path.some((one) => clientLimits([one]).some(({ code }) => code === 'small-key'))
  return isWeak || limits.includes('weak-signature') ? 'EE_KEY_TOO_SMALL' : undefined
}

const pathCodes = {
  'wrong-purpose': 'INVALID_PURPOSE',
  authority: 'INVALID_PURPOSE',
  'invalid-chain': 'INVALID_CA',
  'name-constraint': 'PERMITTED_VIOLATION',
} as const

/** Returns why a certificate does not count: the lab or an outside list has revoked it, or an authority above it. */
export const revocationReason = async (
  store: CertificateStore,
  certificate: X509Certificate,
  sent: readonly X509Certificate[],
): Promise<string | undefined> =>
  (await whyRevoked(store, thumbprintOf(certificate))) ?? (await whyListed(store, certificate, sent))

/** Checks the certificate and the authorities above it: if one of them is revoked, so is everything below it. */
async function whyRevoked(store: CertificateStore, thumbprint: string): Promise<string | undefined> {
  const own = revocationOf(store, thumbprint)
  if (own !== undefined) return own
  const issued = issuedBy(store.index, thumbprint)
  if (issued?.authority.certificate === undefined) return undefined
  const { certificate } = signingKey(issued.authority, issued.entry)
  const chain = await store.materials.authorityChain({ name: issued.authority.name, certificate })
  const found = chain.map((one) => revocationOf(store, thumbprintOf(one))).find((one) => one !== undefined)
  return found && `issued by an authority that is ${found}`
}

function revocationOf(store: CertificateStore, thumbprint: string): string | undefined {
  const revoked = issuedBy(store.index, thumbprint)?.entry.revoked
  return revoked && `revoked (${revoked.reason})`
}

/** Returns which outside revocation list has the certificate, or an authority above it. */
async function whyListed(
  { index, materials }: CertificateStore,
  certificate: X509Certificate,
  sent: readonly X509Certificate[],
): Promise<string | undefined> {
  const lists = await materials.trustedCrls(index)
  if (lists.length === 0) return undefined
  const { certificates } = buildChain(certificate, [...sent, ...(await materials.knownIssuers(index))])
  for (const [above, subject] of certificates.entries()) {
    const issuer = certificates[above + 1]
    // The handshake has verified the certificate. Where its issuer is not known here, the name of the list decides.
    const isOf = (list: ReadCrl): boolean => (issuer ? list.isFrom(issuer) : list.isNamed(subject))
    const list = lists.find((one) => one.lists(subject) && isOf(one))
    if (list === undefined) continue
    const why = `revoked by the list of ${commonName(list.issuer)}`
    return above === 0 ? why : `issued by an authority that is ${why}`
  }
  return undefined
}
