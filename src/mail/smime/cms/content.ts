import { type Asn1, item, items, octetStringValue, oidOf, readAsn1, taggedItem } from '../../../tls/pki/der/decode.ts'
import { tags } from '../../../tls/pki/der/encode.ts'
import { PkiError } from '../../../tls/pki/errors.ts'

/** RFC 5652 section 3. */
interface ContentInfo {
  readonly type: string
  readonly content: Asn1
}

/** @throws PkiError `malformed` */
export function readContentInfo(der: Buffer): ContentInfo {
  // Some programs send line ends after the value.
  const whole = readAsn1(withoutLineEnds(der))
  return { type: oidOf(item(whole, 0)), content: item(item(whole, 1), 0) }
}

function withoutLineEnds(der: Buffer): Buffer {
  const first = der[1] ?? 0
  const count = first & 0x7f
  if (first < 0x80) return der.subarray(0, 2 + first)
  if (first === 0x80 || count > 6 || der.length < 2 + count) return der
  return der.subarray(0, 2 + count + der.readUIntBE(2, count))
}

/** The signer or recipient of a message: the certificate, by its issuer and number or by its key identifier. */
export interface CertificateReference {
  readonly issuer?: Buffer
  readonly serial?: Buffer
  readonly keyIdentifier?: Buffer
}

/** Reads a SignerIdentifier or RecipientIdentifier. RFC 5652 sections 5.3 and 6.2.1. */
export function readReference(value: Asn1): CertificateReference {
  if (value.tag === tags.sequence) return { issuer: item(value, 0).raw, serial: item(value, 1).content }
  return { keyIdentifier: octetStringValue(value) }
}

/** An AlgorithmIdentifier. RFC 5280 section 4.1.1.2. */
export interface Algorithm {
  readonly id: string
  readonly parameters: Asn1 | undefined
  readonly raw: Buffer
}

/** Reads an AlgorithmIdentifier. RFC 5280 section 4.1.1.2. */
export const readAlgorithm = (value: Asn1): Algorithm => {
  const [id, parameters] = items(value)
  return { id: oidOf(id ?? item(value, 0)), parameters, raw: value.raw }
}

/** One signature. RFC 5652 section 5.3. */
export interface SignerInfo {
  readonly signer: CertificateReference
  readonly digest: Algorithm
  readonly algorithm: Algorithm
  readonly signature: Buffer
  /** By object identifier. Undefined: what is signed is the content itself. */
  readonly attributes: ReadonlyMap<string, Asn1> | undefined
  /** The octets that are signed, if there are attributes. */
  readonly signedOctets: Buffer | undefined
}

interface SignedData {
  readonly contentType: string
  /** Undefined if it is beside the signature. */
  readonly content: Buffer | undefined
  /** Certificates in DER, which can be any. */
  readonly certificates: readonly Buffer[]
  readonly signers: readonly SignerInfo[]
}

/** Limits against malicious messages: each signature can lead through all certificates. */
const MAX_SIGNERS = 5
const MAX_CERTIFICATES = 20

/** Reads a SignedData. RFC 5652 section 5.1. @throws PkiError `malformed` */
export function readSignedData(value: Asn1): SignedData {
  const [, , encapsulated, ...rest] = items(value)
  const [type, content] = items(encapsulated ?? item(value, 2))
  const certificates = taggedItem(rest, 0)
  const signers = rest.at(-1)
  if (!type || signers?.tag !== tags.set) throw new PkiError('malformed', 'the SignedData is incomplete')
  if (items(signers).length > MAX_SIGNERS) throw new PkiError('refused', `it has more than ${MAX_SIGNERS} signatures`)
  return {
    contentType: oidOf(type),
    content: content && octetStringValue(item(content, 0)),
    certificates: (certificates ? items(certificates) : [])
      .filter(({ tag }) => tag === tags.sequence)
      .slice(0, MAX_CERTIFICATES)
      .map(({ raw }) => raw),
    signers: items(signers).map(readSigner),
  }
}

const SIGNED_ATTRIBUTES = 0xa0

function readSigner(value: Asn1): SignerInfo {
  const fields = items(value)
  const [, signer, digest, next] = fields
  const attributes = next?.tag === SIGNED_ATTRIBUTES ? next : undefined
  const [algorithm, signature] = fields.slice(attributes ? 4 : 3)
  if (!signer || !digest || !algorithm || !signature) throw new PkiError('malformed', 'a SignerInfo is incomplete')
  return {
    signer: readReference(signer),
    digest: readAlgorithm(digest),
    algorithm: readAlgorithm(algorithm),
    signature: octetStringValue(signature),
    attributes: attributes && new Map(items(attributes).map((one) => [oidOf(item(one, 0)), item(item(one, 1), 0)])),
    // The signed attributes are a SET OF, but have the tag [0] here. RFC 5652 section 5.4.
    signedOctets: attributes && Buffer.concat([Buffer.of(tags.set), attributes.raw.subarray(1)]),
  }
}
