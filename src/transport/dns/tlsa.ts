import { createHash, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto'
import type { TlsaRecord } from './resolver.ts'

/** The certificate usages that SMTP supports. RFC 7672 section 3.1. */
export const [TRUST_ANCHOR, END_ENTITY] = [2, 3]
const hashes: Readonly<Record<number, string>> = { 1: 'sha256', 2: 'sha512' }
/** Octets of the association data, by matching type. */
const hashOctets: Readonly<Record<number, number>> = { 1: 32, 2: 64 }

/** The certificates that a host sent: its own first. */
export type SentChain = readonly [X509Certificate, ...X509Certificate[]]

/** Returns the records that a client of SMTP can use. PKIX-TA(0) and PKIX-EE(1) are not usable. RFC 7672 section 3.1.3. */
export const usableRecords = (records: readonly TlsaRecord[]): readonly TlsaRecord[] => records.filter(isUsable)

function isUsable({ usage, selector, matchingType, data }: TlsaRecord): boolean {
  if (usage !== TRUST_ANCHOR && usage !== END_ENTITY) return false
  if (selector !== 0 && selector !== 1) return false
  if (matchingType === 0) return publicKeyOf({ selector, data }) !== undefined
  return data.length === hashOctets[matchingType]
}

/**
 * Returns why a host's certificates do not match its TLSA records; undefined if they match.
 * @param records usable ones
 * @param names the names of which the certificate must have one if only a trust anchor matches
 */
export function tlsaMismatch(
  chain: SentChain,
  records: readonly TlsaRecord[],
  names: readonly string[],
  now: number,
): string | undefined {
  const [own] = chain
  // DANE-EE: neither names nor dates nor issuers count. RFC 7672 section 3.1.1.
  if (records.some((record) => record.usage === END_ENTITY && matchesTlsa(record, own))) return undefined
  const anchors = records.filter(({ usage }) => usage === TRUST_ANCHOR)
  const why = anchors.length > 0 ? anchorMismatch(chain, anchors, now) : 'no match'
  if (why !== undefined) return `its certificate does not match the TLSA records ${records.map(tlsaText).join(', ')}`
  // RFC 7672 section 3.1.2
  if (names.some((name) => own.checkHost(name) !== undefined)) return undefined
  return `its certificate matches a trust anchor of the TLSA records, but has none of the names ${names.join(', ')}`
}

/** Follows the chain up to a certificate or a key that a record names. RFC 7672 section 3.1.2. */
function anchorMismatch(chain: SentChain, anchors: readonly TlsaRecord[], now: number): string | undefined {
  const published = anchors.flatMap(certificateOf)
  const bareKeys = anchors.flatMap((record) => (record.selector === 1 ? (publicKeyOf(record) ?? []) : []))
  const known = [...chain.slice(1), ...published]
  let [subject]: SentChain = chain
  for (let depth = 0; depth <= known.length; depth++) {
    if (!isValidAt(subject, now)) return 'expired'
    if (bareKeys.some((key) => subject.verify(key))) return undefined
    const issuer = known.find((one) => one.ca && subject.checkIssued(one) && subject.verify(one.publicKey))
    if (!issuer || issuer.fingerprint256 === subject.fingerprint256) return 'no issuer'
    if (anchors.some((record) => matchesTlsa(record, issuer))) return isValidAt(issuer, now) ? undefined : 'expired'
    subject = issuer
  }
  return 'too long'
}

const isValidAt = (certificate: X509Certificate, now: number): boolean =>
  Date.parse(certificate.validFrom) <= now && now <= Date.parse(certificate.validTo)

/** Returns whether a record names a certificate, or its key. RFC 6698 section 2.1. */
export function matchesTlsa({ selector, matchingType, data }: TlsaRecord, certificate: X509Certificate): boolean {
  const octets = selector === 0 ? certificate.raw : certificate.publicKey.export({ type: 'spki', format: 'der' })
  const hash = hashes[matchingType]
  if (hash === undefined && matchingType !== 0) return false
  return data.equals(hash === undefined ? octets : createHash(hash).update(octets).digest())
}

/** Returns the certificate that a record holds as a whole. The host need not send it. */
function certificateOf({ selector, matchingType, data }: TlsaRecord): readonly X509Certificate[] {
  if (selector !== 0 || matchingType !== 0) return []
  return [new X509Certificate(data)]
}

/** Returns the key in a record that holds a certificate or a key as a whole; undefined if it holds neither. */
function publicKeyOf({ selector, data, matchingType = 0 }: Partial<TlsaRecord>): KeyObject | undefined {
  if (matchingType !== 0 || data === undefined) return undefined
  try {
    if (selector === 0) return new X509Certificate(data).publicKey
    return createPublicKey({ key: data, format: 'der', type: 'spki' })
  } catch {
    return undefined
  }
}

/** Describes a record: `3 1 1` and the beginning of its data. */
export const tlsaText = ({ usage, selector, matchingType, data }: TlsaRecord): string =>
  `${usage} ${selector} ${matchingType} ${data.toString('hex').slice(0, 16)}…`
