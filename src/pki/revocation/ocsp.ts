import { createHash, X509Certificate } from 'node:crypto'
import { openAuthority } from '../authority/issue.ts'
import { certificateFields, type Issuer } from '../certificate/certificate.ts'
import { keyIdentifier } from '../certificate/extensions.ts'
import { type IssuedRecord, plainSerial } from '../certificate-store/index-file.ts'
import type { CertificateStore } from '../certificate-store/store.ts'
import { type Asn1, item, items, octetsOf, oidOf, readAsn1, tagged } from '../der/decode.ts'
import {
  bitString,
  context,
  contextPrimitive,
  enumerated,
  generalizedTime,
  octetString,
  oid,
  sequence,
} from '../der/encode.ts'
import { PkiError } from '../errors.ts'
import { sign, signatureAlgorithm } from '../keys.ts'
import type { InstalledCertificate } from '../types.ts'
import { type RevocationReason, revocationReasons } from './crl.ts'

const basicResponse = '1.3.6.1.5.5.7.48.1.1'
const nonceId = '1.3.6.1.5.5.7.48.1.2'
const hashIds: Record<string, string> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
}
/** RFC 9654 section 2.1: at most 128 octets. */
const longestNonce = 128

/** OCSPResponseStatus of the answers that carry nothing else. RFC 6960 section 4.2.1. */
const ocspErrors = { malformedRequest: 1, internalError: 2 } as const
export const ocspError = (error: keyof typeof ocspErrors): Buffer => sequence(enumerated(ocspErrors[error]))

/** How long an answer is good for. */
export const ocspLifeMs = 86_400_000

/** One certificate asked about. RFC 6960 section 4.1.1. */
export interface CertId {
  readonly hash: string
  readonly issuerNameHash: Buffer
  readonly issuerKeyHash: Buffer
  readonly serial: string
  /** As encoded: an answer repeats it. */
  readonly raw: Buffer
}

export interface OcspRequest {
  readonly ids: readonly CertId[]
  /** The nonce extension's value, to be repeated. */
  readonly nonce?: Buffer
}

function readId(id: Asn1): CertId {
  const [algorithm, name, key, serial] = items(id)
  if (!algorithm || !name || !key || !serial) throw new PkiError('malformed', 'a broken OCSP request')
  const hash = hashIds[oidOf(item(algorithm, 0))]
  if (hash === undefined) throw new PkiError('malformed', 'an OCSP request with a hash that is not known here')
  const number = plainSerial(serial.content.toString('hex'))
  return { hash, issuerNameHash: name.content, issuerKeyHash: key.content, serial: number, raw: id.raw }
}

/** @throws PkiError `malformed` */
export function readOcspRequest(der: Buffer): OcspRequest {
  const request = items(item(readAsn1(der), 0))
  const list = request.find(({ tag }) => tag === 0x30)
  if (list === undefined) throw new PkiError('malformed', 'an OCSP request for nothing')
  const extensions = tagged(request, 2)
  const nonce = (extensions ? items(item(extensions, 0)) : []).find((one) => oidOf(item(one, 0)) === nonceId)
  const value = nonce ? octetsOf(items(nonce).at(-1) ?? nonce) : undefined
  if (value && value.length > longestNonce + 3) throw new PkiError('malformed', 'an OCSP nonce that is too long')
  return { ids: items(list).map((one) => readId(item(one, 0))), ...(value ? { nonce: value } : {}) }
}

/** The identifier of a certificate as `openssl ocsp` makes it, for staples. */
export function certIdOf(certificate: X509Certificate, issuer: X509Certificate): CertId {
  const own = certificateFields(certificate.raw)
  const above = certificateFields(issuer.raw)
  const issuerNameHash = createHash('sha1').update(above.subject).digest()
  const issuerKeyHash = keyIdentifier(above.publicKey)
  const algorithm = sequence(oid('1.3.14.3.2.26'), Buffer.from([0x05, 0x00]))
  const raw = sequence(algorithm, octetString(issuerNameHash), octetString(issuerKeyHash), own.serial.raw)
  return { hash: 'sha1', issuerNameHash, issuerKeyHash, serial: plainSerial(certificate.serialNumber), raw }
}

/** Whether a question is about a certificate of this issuer. */
function asksAbout({ hash, issuerNameHash, issuerKeyHash }: CertId, issuer: X509Certificate): boolean {
  const { subject, publicKey } = certificateFields(issuer.raw)
  const bits = item(readAsn1(publicKey), 1).content.subarray(1)
  return (
    createHash(hash).update(subject).digest().equals(issuerNameHash) &&
    createHash(hash).update(bits).digest().equals(issuerKeyHash)
  )
}

/** CertStatus: good, revoked or unknown. RFC 6960 section 4.2.1. */
function statusOf(entry: IssuedRecord | undefined): Buffer {
  if (entry === undefined) return contextPrimitive(2, Buffer.alloc(0))
  if (entry.revoked === undefined) return contextPrimitive(0, Buffer.alloc(0))
  const code = revocationReasons[entry.revoked.reason as RevocationReason] ?? 0
  const reason = code === 0 ? [] : [context(0, enumerated(code))]
  return context(1, generalizedTime(new Date(entry.revoked.at)), ...reason)
}

/** Answers about certificates in an authority's book, signed by the authority itself. RFC 6960 section 4.2.1. */
export function createOcspResponse(
  { ids, nonce }: OcspRequest,
  issued: readonly IssuedRecord[],
  issuer: Issuer,
  nowMs: number,
): Buffer {
  if (issuer.certificate === 'self') throw new TypeError('an issuer needs its certificate')
  const { certificate } = issuer
  const find = (id: CertId) =>
    asksAbout(id, certificate) ? issued.find(({ serial }) => plainSerial(serial) === id.serial) : undefined
  const now = generalizedTime(new Date(nowMs))
  const until = context(0, generalizedTime(new Date(nowMs + ocspLifeMs)))
  const data = sequence(
    context(2, octetString(keyIdentifier(certificateFields(certificate.raw).publicKey))),
    now,
    sequence(...ids.map((id) => sequence(id.raw, statusOf(find(id)), now, until))),
    ...(nonce ? [context(1, sequence(sequence(oid(nonceId), octetString(nonce))))] : []),
  )
  const basic = sequence(data, signatureAlgorithm(issuer), bitString(sign(data, issuer)))
  return sequence(enumerated(0), context(0, sequence(oid(basicResponse), octetString(basic))))
}

/**
 * What makes the OCSP response to staple with a certificate: a fresh one after each change of the store, else the same for
 * half its life. Undefined where no authority of the store issued the certificate.
 */
export async function staple(
  store: CertificateStore,
  { thumbprint, certificatePem }: InstalledCertificate,
): Promise<(() => Buffer) | undefined> {
  const book = store.index.authorities.find(({ issued }) => issued.some((one) => one.thumbprint === thumbprint))
  if (book?.certificate === undefined) return undefined
  const { record, chain, issuer } = await openAuthority(store, store.materials, book.name)
  const [own] = chain
  if (own === undefined) return undefined
  const id = certIdOf(new X509Certificate(certificatePem), own)
  let made: { der: Buffer; revision: number; at: number } | undefined
  return () => {
    const nowMs = store.clock.now()
    const { revision, authorities } = store.index
    if (made === undefined || made.revision !== revision || Math.abs(nowMs - made.at) > ocspLifeMs / 2) {
      const issued = authorities.find(({ name }) => name === record.name)?.issued ?? record.issued
      made = { der: createOcspResponse({ ids: [id] }, issued, issuer, nowMs), revision, at: nowMs }
    }
    return made.der
  }
}
