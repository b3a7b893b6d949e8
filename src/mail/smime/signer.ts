import { X509Certificate } from 'node:crypto'
import { type CertificateFacts, readFacts } from '../../tls/pki/certificate/certificate.ts'
import { buildChain, day } from '../../tls/pki/certificate/chain.ts'
import { commonName, formatName, issuedToOf, readName } from '../../tls/pki/certificate/names.ts'
import { mailPathProblems } from '../../tls/pki/certificate/validation.ts'
import { decodeTime } from '../../tls/pki/der/decode.ts'
import { listProblems } from '../../tls/pki/revocation/list-problems.ts'
import type { SignerInfo } from './cms/content.ts'
import { attributeIds } from './cms/ids.ts'
import { algorithmTitle, hashOf, signatureProblems } from './cms/verify-signature.ts'
import { mailAddressesOf, refersTo, revocationOf, type SmimeTrust } from './trust.ts'
import type { SignerFacts } from './types.ts'

/** The message around a signature. */
export interface SignedMessage {
  /** Addresses of From and Sender, in lower case. */
  readonly senders: readonly string[]
  /** When the lab received it, milliseconds since the epoch. */
  readonly receivedAt: number
}

/** Signed content, with the certificates that came with it. */
interface SignedContent {
  readonly content: Buffer
  readonly contentType: string
  readonly sent: readonly X509Certificate[]
}

/** Judges one signature. */
export function signerFacts(
  info: SignerInfo,
  { content, contentType, sent }: SignedContent,
  message: SignedMessage,
  trust: SmimeTrust,
): SignerFacts {
  const held = trust.keys.map(({ certificate }) => certificate)
  const certificate = [...sent, ...held].find((one) => refersTo(info.signer, one))
  const signedAt = signingTime(info)
  const atMs = signedAt?.getTime() ?? message.receivedAt
  const hash = hashOf(info)
  const verdict = certificate
    ? certificateVerdict(certificate, sent, { ...message, atMs, isClaimed: signedAt !== undefined }, trust)
    : { problems: ['the certificate of the signer is neither in the message nor in the store'], warnings: [] }
  const problems = [...signatureProblems(info, content, contentType, certificate?.publicKey), ...verdict.problems]
  return {
    valid: problems.length === 0,
    ...(certificate ? certificateFacts(certificate) : referenceFacts(info)),
    signedAt: signedAt?.toISOString() ?? null,
    algorithm: algorithmTitle(info, certificate?.publicKey),
    hash: hash?.title ?? info.digest.id,
    problems,
    warnings: [
      ...(hash?.isWeak ? [`${hash.title} is weak: mail programs warn of it or refuse it`] : []),
      ...verdict.warnings,
    ],
  }
}

/** Reads the certificates in a message, which can be any octets. */
export function readableCertificates(der: Buffer): X509Certificate[] {
  try {
    const certificate = new X509Certificate(der)
    void certificate.publicKey
    readFacts(certificate)
    return [certificate]
  } catch {
    return []
  }
}

function signingTime({ attributes }: SignerInfo): Date | undefined {
  const value = attributes?.get(attributeIds.signingTime)
  if (!value) return undefined
  const time = decodeTime(value)
  return Number.isNaN(time.getTime()) ? undefined : time
}

function certificateFacts(certificate: X509Certificate) {
  const facts = readFacts(certificate)
  return {
    name: issuedToOf(facts),
    addresses: mailAddressesOf(certificate),
    issuer: formatName(facts.issuer),
    serial: facts.serial,
    thumbprint: facts.thumbprint,
    notBefore: facts.notBefore.toISOString(),
    notAfter: facts.notAfter.toISOString(),
  }
}

function referenceFacts({ signer: { issuer, serial, keyIdentifier } }: SignerInfo) {
  return {
    name: null,
    addresses: [],
    issuer: issuer ? formatName(readName(issuer)) : `key ${keyIdentifier?.toString('hex')}`,
    serial: serial?.toString('hex').toUpperCase() ?? '',
    thumbprint: null,
    notBefore: null,
    notAfter: null,
  }
}

interface Moment extends SignedMessage {
  /** When it was signed, as far as is known. */
  readonly atMs: number
  readonly isClaimed: boolean
}

interface Verdict {
  readonly problems: string[]
  readonly warnings: string[]
}

/** Clocks differ by up to this much. */
const TOLERANCE_MS = 300_000

function certificateVerdict(
  certificate: X509Certificate,
  sent: readonly X509Certificate[],
  moment: Moment,
  trust: SmimeTrust,
): Verdict {
  const { certificates: path } = buildChain(certificate, [...trust.roots, ...trust.issuers, ...sent])
  const inPath = mailPathProblems(path)
  const inLists = listProblems(trust.lists, path, trust.nowMs)
  const say = (all: readonly { readonly severity: string; readonly message: string }[], severity: string): string[] =>
    all.filter((one) => one.severity === severity).map(({ message }) => `the certificate ${message}`)
  return {
    problems: [
      ...trustProblems(path, trust),
      ...say(inPath, 'error'),
      ...path.flatMap((one) => dateProblems(readFacts(one), moment)),
      ...path.flatMap((one) => revocationProblems(one, trust)),
      ...say(inLists, 'error'),
      ...senderProblems(certificate, moment),
    ],
    warnings: [
      ...say(inPath, 'warning'),
      ...say(inLists, 'warning'),
      ...(moment.atMs > moment.receivedAt + TOLERANCE_MS ? ['the signing time is after the message arrived'] : []),
      ...weakKey(certificate),
      ...expiredSince(readFacts(certificate), moment, trust.nowMs),
    ],
  }
}

function trustProblems(path: readonly X509Certificate[], { roots }: SmimeTrust): string[] {
  const top = path.at(-1) as X509Certificate
  if (roots.some((root) => root.raw.equals(top.raw))) return []
  const { issuer } = readFacts(top)
  const which = path.length === 1 ? 'the certificate' : `the authority ${commonName(readFacts(top).subject)}`
  return top.subject === top.issuer
    ? [`${which} is self-signed, and is not a root of the lab; sealpost ca add-trusted makes the lab trust a root`]
    : [`${which} was issued by ${commonName(issuer)}, an authority that the lab does not know`]
}

function dateProblems(facts: CertificateFacts, { atMs, isClaimed }: Moment): string[] {
  const name = issuedToOf(facts)
  const when = isClaimed ? 'was signed' : 'arrived'
  if (facts.notAfter.getTime() < atMs)
    return [`the certificate of ${name} expired on ${day(facts.notAfter)}, before the message ${when}`]
  if (facts.notBefore.getTime() > atMs + TOLERANCE_MS)
    return [`the certificate of ${name} was not valid before ${day(facts.notBefore)}, after the message ${when}`]
  return []
}

/** A claimed signing time proves nothing: anyone with a stolen key can claim any time. */
function revocationProblems(certificate: X509Certificate, trust: SmimeTrust): string[] {
  const revoked = revocationOf(trust, certificate)
  if (!revoked) return []
  const name = issuedToOf(readFacts(certificate))
  return [`the certificate of ${name} was revoked on ${revoked.at.slice(0, 10)} (${revoked.reason})`]
}

/** RFC 8550 section 3: an address in the certificate must be the address of From or Sender. */
function senderProblems(certificate: X509Certificate, { senders }: Moment): string[] {
  const addresses = mailAddressesOf(certificate)
  // A certificate need not contain an address. RFC 8550 section 3
  if (addresses.length === 0 || addresses.some((address) => senders.includes(address.toLowerCase()))) return []
  return [
    `the certificate is for ${addresses.join(', ')}, but the message is from ${senders.join(', ') || 'nobody'} (From)`,
  ]
}

function weakKey(certificate: X509Certificate): string[] {
  const { keyFamily, keyBits, key } = readFacts(certificate)
  // RFC 8551 section 4.3
  return keyFamily === 'rsa' && keyBits < 2048 ? [`the key of the signer is weak: ${key}`] : []
}

const expiredSince = ({ notAfter }: CertificateFacts, { atMs }: Moment, nowMs: number): string[] =>
  notAfter.getTime() < nowMs && notAfter.getTime() >= atMs
    ? [`the certificate of the signer has expired since, on ${day(notAfter)}`]
    : []
