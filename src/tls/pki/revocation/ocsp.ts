import { createHash, X509Certificate } from 'node:crypto'
import { openKey } from '../authority/issue.ts'
import { certificateFields, type Issuer } from '../certificate/certificate.ts'
import { keyIdentifier } from '../certificate/extensions.ts'
import { issuedWith, signingKey } from '../certificate-store/authority-keys.ts'
import { type IssuedRecord, issuedBy, plainSerial, type StoreIndex } from '../certificate-store/index-file.ts'
import type { CertificateStore } from '../certificate-store/types.ts'
import { type Asn1, item, items, octetStringValue, oidOf, readAsn1, taggedItem } from '../der/decode.ts'
import {
  bitString,
  context,
  contextPrimitive,
  enumerated,
  generalizedTime,
  nul,
  octetString,
  oid,
  sequence,
} from '../der/encode.ts'
import { hashIds, nameIn } from '../der/oids.ts'
import { PkiError } from '../errors.ts'
import { sign, signatureAlgorithm } from '../keys.ts'
import type { InstalledCertificate } from '../types.ts'
import { reasonCode } from './crl.ts'

const basicResponse = '1.3.6.1.5.5.7.48.1.1'
const nonceId = '1.3.6.1.5.5.7.48.1.2'
/** Longest nonce. RFC 9654 section 2.1. */
const MAX_NONCE_OCTETS = 128

/** OCSPResponseStatus of responses that contain nothing else. RFC 6960 section 4.2.1. */
const ocspErrors = { malformedRequest: 1, internalError: 2 } as const
export const ocspError = (error: keyof typeof ocspErrors): Buffer => sequence(enumerated(ocspErrors[error]))

/** How long a response is valid. */
export const OCSP_LIFE_MS = 86_400_000

/** Identifies one certificate in a request. RFC 6960 section 4.1.1. */
export interface CertId {
  readonly hash: string
  readonly issuerNameHash: Buffer
  readonly issuerKeyHash: Buffer
  readonly serial: string
  /** As encoded in the request: the response repeats it. */
  readonly raw: Buffer
}

export interface OcspRequest {
  readonly ids: readonly CertId[]
  /** Value of the nonce extension, which the response repeats. */
  readonly nonce?: Buffer
}

/** Parses an OCSP request. @throws PkiError `malformed` */
export function readOcspRequest(der: Buffer): OcspRequest {
  const request = items(item(readAsn1(der), 0))
  const list = request.find(({ tag }) => tag === 0x30)
  if (list === undefined) throw new PkiError('malformed', 'the OCSP request names no certificate')
  const extensions = taggedItem(request, 2)
  const nonce = (extensions ? items(item(extensions, 0)) : []).find((one) => oidOf(item(one, 0)) === nonceId)
  const value = nonce ? octetStringValue(items(nonce).at(-1) ?? nonce) : undefined
  // The value contains another OCTET STRING, whose tag and length take up to 3 octets.
  if (value && value.length > MAX_NONCE_OCTETS + 3) throw new PkiError('malformed', 'the OCSP nonce is too long')
  return { ids: items(list).map((one) => readCertId(item(one, 0))), ...(value ? { nonce: value } : {}) }
}

function readCertId(id: Asn1): CertId {
  const [algorithm, name, key, serial] = items(id)
  if (!algorithm || !name || !key || !serial) throw new PkiError('malformed', 'broken OCSP request')
  const hash = nameIn(hashIds, oidOf(item(algorithm, 0)))
  if (hash === undefined) throw new PkiError('malformed', 'the OCSP request uses an unsupported hash')
  const number = plainSerial(serial.content.toString('hex'))
  return { hash, issuerNameHash: name.content, issuerKeyHash: key.content, serial: number, raw: id.raw }
}

/** Returns the identifier of a certificate in the form that `openssl ocsp` uses (SHA-1). */
export function certIdOf(certificate: X509Certificate, issuer: X509Certificate): CertId {
  const own = certificateFields(certificate.raw)
  const above = certificateFields(issuer.raw)
  const issuerNameHash = createHash('sha1').update(above.subject).digest()
  const issuerKeyHash = keyIdentifier(above.publicKey)
  const algorithm = sequence(oid(hashIds.sha1), nul())
  const raw = sequence(algorithm, octetString(issuerNameHash), octetString(issuerKeyHash), own.serial.raw)
  return { hash: 'sha1', issuerNameHash, issuerKeyHash, serial: plainSerial(certificate.serialNumber), raw }
}

/** Creates a response about certificates that an authority issued, signed by the authority itself. RFC 6960 section 4.2.1. */
export function createOcspResponse(
  { ids, nonce }: OcspRequest,
  issued: readonly IssuedRecord[],
  issuer: Issuer,
  nowMs: number,
): Buffer {
  if (issuer.certificate === 'self') throw new TypeError('an issuer needs its certificate')
  const { certificate } = issuer
  const find = entryFinder(issued, certificate)
  const now = generalizedTime(new Date(nowMs))
  const until = context(0, generalizedTime(new Date(nowMs + OCSP_LIFE_MS)))
  const data = sequence(
    // By name: GnuTLS does not find the signer by the hash of its key. RFC 6960 section 4.2.1
    context(1, certificateFields(certificate.raw).subject),
    now,
    sequence(...ids.map((id) => sequence(id.raw, certStatus(find(id)), now, until))),
    ...(nonce ? [context(1, sequence(sequence(oid(nonceId), octetString(nonce))))] : []),
  )
  const basic = sequence(data, signatureAlgorithm(issuer), bitString(sign(data, issuer)))
  return sequence(enumerated(0), context(0, sequence(oid(basicResponse), octetString(basic))))
}

/** Returns a function that finds the record of a certificate that an issuer has issued. */
export const entryFinder =
  (issued: readonly IssuedRecord[], issuer: X509Certificate) =>
  (id: CertId): IssuedRecord | undefined =>
    isIssuedBy(id, issuer) ? issued.find(({ serial }) => plainSerial(serial) === id.serial) : undefined

/** Returns what OCSP says of a certificate. RFC 6960 section 2.2. */
export function certStatusOf(entry: IssuedRecord | undefined): 'good' | 'revoked' | 'unknown' {
  if (entry === undefined) return 'unknown'
  return entry.revoked === undefined ? 'good' : 'revoked'
}

/** Returns whether a request names an issuer with this name and key. */
export function isIssuedBy({ hash, issuerNameHash, issuerKeyHash }: CertId, issuer: X509Certificate): boolean {
  const { subject, publicKey } = certificateFields(issuer.raw)
  const keyBits = item(readAsn1(publicKey), 1).content.subarray(1)
  return (
    createHash(hash).update(subject).digest().equals(issuerNameHash) &&
    createHash(hash).update(keyBits).digest().equals(issuerKeyHash)
  )
}

/** Encodes the CertStatus: good, revoked or unknown. RFC 6960 section 4.2.1. */
function certStatus(entry: IssuedRecord | undefined): Buffer {
  if (entry === undefined) return contextPrimitive(2, Buffer.alloc(0))
  if (entry.revoked === undefined) return contextPrimitive(0, Buffer.alloc(0))
  const code = reasonCode(entry.revoked)
  const reason = code === 0 ? [] : [context(0, enumerated(code))]
  return context(1, generalizedTime(new Date(entry.revoked.at)), ...reason)
}

/** Returns whether an answer is in the first half of its life. One from the future, after the clock went back, is not. */
export const isFresh = (madeAtMs: number, nowMs: number, lifeMs: number): boolean =>
  madeAtMs <= nowMs && nowMs - madeAtMs <= lifeMs / 2

/**
 * Returns a function that gives the OCSP response to staple with a certificate: a new one after each change of the store
 * and after half its lifetime. Undefined if no authority of the store issued the certificate.
 */
export async function staple(
  store: CertificateStore,
  { thumbprint, certificatePem }: InstalledCertificate,
): Promise<(() => Buffer) | undefined> {
  const found = issuedBy(store.index, thumbprint)
  if (found?.authority.certificate === undefined) return undefined
  const key = signingKey(found.authority, found.entry)
  const { record, chain, issuer } = await openKey(store, found.authority, key)
  const id = certIdOf(new X509Certificate(certificatePem), chain[0])
  let made: { der: Buffer; index: StoreIndex; at: number } | undefined
  return () => {
    const nowMs = store.clock.now()
    const { index } = store
    if (made === undefined || made.index !== index || !isFresh(made.at, nowMs, OCSP_LIFE_MS)) {
      const current = index.authorities.find(({ name }) => name === record.name) ?? record
      made = { der: createOcspResponse({ ids: [id] }, issuedWith(current, key), issuer, nowMs), index, at: nowMs }
    }
    return made.der
  }
}
