import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { shortenAddresses } from '../../../core/network/ip-address.ts'
import { purposesText, readFacts } from '../../../tls/pki/certificate/certificate.ts'
import { item, oidOf, readAsn1 } from '../../../tls/pki/der/decode.ts'
import { PkiError } from '../../../tls/pki/errors.ts'
import { hashOfSignature } from '../../../tls/pki/keys.ts'
import type { Probe, TlsView } from '../probe.ts'
import { type CertificatePath, followChain, isSelfSigned, issued, issuerOf, titleOf } from '../tls/trust.ts'
import { NotTested } from '../types.ts'
import { type Check, type Found, fail, pass, warn, worstOf } from './check.ts'

const DAY_MS = 86_400_000
const WARN_DAYS = 14

interface Shown extends TlsView {
  readonly leaf: X509Certificate
  readonly path: CertificatePath
}

/** Returns the server's certificates. @throws NotTested if they cannot be read */
export async function serverCertificates(probe: Probe): Promise<Shown> {
  const view = await probe.tls()
  const [leaf] = view.certificates
  if (!leaf) {
    const why = view.unusable
      ? `this Node.js cannot finish the handshake (${view.unusable.message})`
      : `it does not verify (${view.untrusted?.message ?? 'the server sends none'})`
    throw new NotTested(`the certificate cannot be read: TLS 1.3 encrypts it, and ${why}`)
  }
  return { ...view, leaf, path: followChain(view.certificates, probe.roots) }
}

/** Checks that the chain leads to a trusted root. */
export const chain: Check = {
  name: 'chain',
  title: 'certificate chain',
  async run(probe) {
    const view = await probe.tls()
    if (view.certificates.length === 0 && view.untrusted)
      return fail(`${view.untrusted.message} (${view.untrusted.code})`)
    const { path, untrusted } = await serverCertificates(probe)
    const names = path.certificates.map(titleOf)
    const facts = { chain: names, root: path.root && titleOf(path.root), code: untrusted?.code }
    if (!path.root) return fail(brokenChain(path), facts)
    // Other checks report dates and names.
    if (untrusted && !/EXPIRED|NOT_YET_VALID|ALTNAME/.test(untrusted.code)) {
      return fail(`${untrusted.message} (${untrusted.code})`, facts)
    }
    if (isOutOfOrder(view.certificates)) {
      // RFC 5246 section 7.4.2. RFC 8446 section 4.4.2 asks clients to accept any order.
      return warn(
        'the server sends its certificates in the wrong order, which clients before TLS 1.3 may refuse',
        facts,
      )
    }
    return pass(`${names.join(' ← ')} ← ${titleOf(path.root)} (trusted)`, facts)
  },
}

/** Returns whether some certificate is not followed by its issuer. */
const isOutOfOrder = (sent: readonly X509Certificate[]): boolean =>
  sent.slice(1).some((issuer, below) => !issued(sent[below] as X509Certificate, issuer))

export function brokenChain({ certificates }: CertificatePath): string {
  const last = certificates.at(-1) as X509Certificate
  const subject = titleOf(last)
  if (isSelfSigned(last)) {
    return certificates.length === 1
      ? `self-signed: ${subject} is its own issuer and is not trusted`
      : `the chain ends in ${subject}, which is not a trusted root`
  }
  const issuer = issuerOf(last)
  return `not trusted: ${issuer} issued ${subject}; it is not among the trusted roots, and the server does not send its certificate`
}

export const names: Check = {
  name: 'names',
  title: 'certificate names',
  async run(probe) {
    const { leaf } = await serverCertificates(probe)
    const { serverName } = probe.endpoint
    const names = shortenAddresses(leaf.subjectAltName ?? '')
    const issuedTo = names.replaceAll('DNS:', '').replaceAll('IP Address:', '') || titleOf(leaf)
    const facts = { serverName, issuedTo }
    if (!leaf.subjectAltName) return fail('no names: current clients check only subjectAltName (RFC 9525)', facts)
    if (!hasName(leaf, serverName)) return fail(`wrong name: issued to ${issuedTo}, not to ${serverName}`, facts)
    return pass(`issued to ${serverName} (${issuedTo})`, facts)
  },
}

/** Returns whether subjectAltName has a name or address. RFC 9525 section 6 */
export const hasName = (leaf: X509Certificate, serverName: string): boolean =>
  (isIP(serverName) ? leaf.checkIP(serverName) : leaf.checkHost(serverName, { subject: 'never' })) !== undefined

export const dates: Check = {
  name: 'dates',
  title: 'certificate dates',
  async run(probe) {
    const { path } = await serverCertificates(probe)
    const now = probe.options.now()
    return worstOf(path.certificates.map((certificate) => judgeDates(certificate, now)))
  },
}

export function judgeDates(certificate: X509Certificate, now: number): Found {
  const from = Date.parse(certificate.validFrom)
  const to = Date.parse(certificate.validTo)
  const name = titleOf(certificate)
  const daysLeft = Math.floor((to - now) / DAY_MS)
  const facts = { notBefore: new Date(from).toISOString(), notAfter: new Date(to).toISOString(), daysLeft }
  if (to < now) return fail(`${name} expired on ${day(to)}, ${days(Math.floor((now - to) / DAY_MS))} ago`, facts)
  if (from > now) return fail(`${name} is not valid before ${day(from)}`, facts)
  const words = `${name} is valid until ${day(to)}, ${days(daysLeft)} left`
  return daysLeft < WARN_DAYS ? warn(words, facts) : pass(words, facts)
}

const days = (count: number): string => (count === 1 ? '1 day' : `${count} days`)
const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10)

const minimumBits = { rsa: 2048, dsa: 2048, ec: 224, ed: 0, 'ml-dsa': 0 } as const

/** Checks key sizes and signatures of the chain. RFC 9325 section 4.4 and the CA/Browser Forum's sizes. */
export const key: Check = {
  name: 'key',
  title: 'certificate key',
  async run(probe) {
    const { path, leaf } = await serverCertificates(probe)
    const weak = path.certificates.flatMap(weaknessesOf)
    const own = readFacts(leaf)
    const signature = signatureTitle(leaf)
    const facts = { key: own.key, keyBits: own.keyBits, signature }
    if (weak.length === 0) return pass(`${own.key}, signed with ${signature}`, facts)
    // A server that accepts clients of the 1990s on purpose needs keys and signatures that they support.
    return probe.endpoint.promises.weakSuites ? warn(weak.join('; '), facts) : fail(weak.join('; '), facts)
  },
}

/** Returns what is too weak about a certificate, in words. */
export function weaknessesOf(certificate: X509Certificate): string[] {
  const { key, keyBits, keyFamily } = readFacts(certificate)
  const signature = signatureTitle(certificate)
  const name = titleOf(certificate)
  return [
    ...(keyBits < minimumBits[keyFamily] ? [`${name} has a key of ${key}`] : []),
    ...(isBrokenSignature(signature) ? [`${name} is signed with ${signature}`] : []),
  ]
}

/** Returns the hash of a certificate's signature, such as `SHA256`; for other algorithms their name or identifier. */
function signatureTitle(certificate: X509Certificate): string {
  const id = oidOf(item(item(readAsn1(certificate.raw), 1), 0))
  try {
    return hashOfSignature(id)?.toUpperCase() ?? 'EdDSA'
  } catch (error) {
    if (!(error instanceof PkiError)) throw error
    return otherAlgorithms[id] ?? id
  }
}

const otherAlgorithms: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.2': 'MD2',
  '1.2.840.113549.1.1.10': 'RSASSA-PSS',
  '1.2.840.10040.4.3': 'SHA1 (DSA)',
  // RFC 9881 section 2
  '2.16.840.1.101.3.4.3.17': 'ML-DSA-44',
  '2.16.840.1.101.3.4.3.18': 'ML-DSA-65',
  '2.16.840.1.101.3.4.3.19': 'ML-DSA-87',
}

/** Returns whether certificates with this hash can be forged, or soon will be. RFC 9325 section 4.5 */
const isBrokenSignature = (title: string): boolean => /^(?:MD|SHA1\b)/.test(title)

export const purposes: Check = {
  name: 'purposes',
  title: 'certificate purposes',
  async run(probe) {
    const { leaf } = await serverCertificates(probe)
    const facts = readFacts(leaf)
    const words = purposesText(facts).join(', ')
    const record = { purposes: facts.purposes, keyUsages: facts.keyUsages }
    // Without an extended key usage, every purpose is allowed. RFC 5280 section 4.2.1.12
    if (facts.purposes.length > 0 && !facts.purposes.includes('serverAuth') && !facts.purposes.includes(ANY_PURPOSE)) {
      return fail(`not for servers: ${words}`, record)
    }
    if (facts.authority) return warn(`this is a certificate authority’s certificate: ${words}`, record)
    return pass(words, record)
  },
}

/** anyExtendedKeyUsage. RFC 5280 section 4.2.1.12. */
const ANY_PURPOSE = '2.5.29.37.0'
