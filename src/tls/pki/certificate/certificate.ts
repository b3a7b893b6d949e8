import { randomBytes, X509Certificate } from 'node:crypto'
import { memoizeText } from '../../../core/values/memoize-text.ts'
import {
  type Asn1,
  bitsOf,
  decodeNumber,
  item,
  items,
  octetStringValue,
  oidOf,
  readAsn1,
  taggedItem,
} from '../der/decode.ts'
import { context, integer, sequence, time } from '../der/encode.ts'
import { extensionIds, type KeyUsage, keyUsageBits, nameIn, purposeIds } from '../der/oids.ts'
import { writePem } from '../der/pem.ts'
import { PkiError } from '../errors.ts'
import { describeKey, type KeyFamily, type Signer, signatureAlgorithm, signSequence } from '../keys.ts'
import { namesMlDsa, requireMlDsa } from '../ml-dsa.ts'
import { authorityKeyIdentifier, keyIdentifier, subjectKeyIdentifier } from './extensions.ts'
import {
  type DistinguishedName,
  encodeDistinguishedName,
  type GeneralName,
  readGeneralName,
  readName,
} from './names.ts'

/** The content of a new certificate. Its key identifiers are added to `extensions`. */
interface CertificateContent {
  readonly subject: DistinguishedName | Buffer
  /** SubjectPublicKeyInfo of the subject. */
  readonly publicKey: Buffer
  readonly notBefore: Date
  readonly notAfter: Date
  /** Encoded extensions. */
  readonly extensions: readonly Buffer[]
  /** Default: random. */
  readonly serial?: Buffer
}

/** The signer: the key and the certificate of an issuer, or `self` with the new certificate's own key. */
export type Issuer = Signer & { readonly certificate: X509Certificate | 'self' }

/** Creates and signs an X.509 version 3 certificate. RFC 5280 section 4. */
export function createCertificate(content: CertificateContent, issuer: Issuer): X509Certificate {
  const subject = Buffer.isBuffer(content.subject) ? content.subject : encodeDistinguishedName(content.subject)
  const ownId = keyIdentifier(content.publicKey)
  const signing =
    issuer.certificate === 'self'
      ? { subject, id: ownId }
      : { subject: certificateFields(issuer.certificate.raw).subject, id: subjectKeyIdentifierOf(issuer.certificate) }
  const tbs = sequence(
    context(0, integer(2)),
    integer(content.serial ?? randomSerial()),
    signatureAlgorithm(issuer),
    signing.subject,
    sequence(time(content.notBefore), time(content.notAfter)),
    subject,
    content.publicKey,
    context(3, sequence(subjectKeyIdentifier(ownId), authorityKeyIdentifier(signing.id), ...content.extensions)),
  )
  return new X509Certificate(signSequence(tbs, issuer))
}

/** Returns 128 random bits that are not all zero. RFC 5280 section 4.1.2.2 allows up to 159. */
function randomSerial(): Buffer {
  const serial = randomBytes(16)
  return serial.some((octet) => octet !== 0) ? serial : randomSerial()
}

const parsed = memoizeText<X509Certificate>(50)

/** Returns the certificate of a text in PEM. The last ones are remembered, because parsing takes most of the time of checks. */
export const certificateOf = (pem: string): X509Certificate => parsed(pem, () => new X509Certificate(pem))

/**
 * Reads a certificate in DER, including its public key.
 * @throws PkiError `malformed`, or `refused` for an ML-DSA key where Node.js does not have it
 */
export function readCertificate(der: Buffer): X509Certificate {
  try {
    const certificate = new X509Certificate(der)
    // Node.js parses the public key only on demand, and every use of a certificate needs it.
    void certificate.publicKey
    return certificate
  } catch (cause) {
    if (namesMlDsa(der)) requireMlDsa()
    throw new PkiError('malformed', 'the certificate cannot be read', { cause })
  }
}

export const certificatePem = (certificate: X509Certificate): string => writePem('CERTIFICATE', certificate.raw)

/** Returns the SHA-1 over the DER in upper-case hexadecimal, as Windows shows it. */
export const thumbprintOf = (certificate: X509Certificate): string => certificate.fingerprint.replaceAll(':', '')

/** Returns the encoded fields of a certificate in DER. RFC 5280 section 4.1. */
export function certificateFields(der: Buffer): {
  serial: Asn1
  /** Object identifier of the signature's algorithm. */
  signature: string
  issuer: Buffer
  subject: Buffer
  publicKey: Buffer
  extensions: Asn1[]
} {
  const all = items(item(readAsn1(der), 0))
  const fields = (all[0]?.tag ?? 0) === 0xa0 ? all.slice(1) : all
  const at = (index: number): Asn1 => fields[index] ?? item(undefined, index)
  const extensions = taggedItem(fields, 3)
  return {
    serial: at(0),
    signature: oidOf(item(at(1), 0)),
    issuer: at(2).raw,
    subject: at(4).raw,
    publicKey: at(5).raw,
    extensions: extensions ? items(item(extensions, 0)) : [],
  }
}

/** Returns the extension values of a certificate by object identifier. */
export function extensionValues(certificate: X509Certificate): Map<string, Asn1> {
  const { extensions } = certificateFields(certificate.raw)
  return new Map(extensions.map((one) => [oidOf(item(one, 0)), readAsn1(octetStringValue(items(one).at(-1) ?? one))]))
}

/**
 * Returns the subject key identifier of an issuer, which the authority key identifier of everything it signs repeats.
 * Issuers choose it freely. One without it gets the usual hash of its key. RFC 5280 section 4.2.1.1.
 */
export const subjectKeyIdentifierOf = (issuer: X509Certificate): Buffer =>
  extensionValues(issuer).get(extensionIds.subjectKeyIdentifier)?.content ??
  keyIdentifier(certificateFields(issuer.raw).publicKey)

/** Returns the identifier of the key that signed a certificate; undefined if the certificate has none. RFC 5280 section 4.2.1.1. */
export function authorityKeyIdentifierOf(certificate: X509Certificate): Buffer | undefined {
  const value = extensionValues(certificate).get(extensionIds.authorityKeyIdentifier)
  return value && taggedItem(items(value), 0)?.content
}

/** Returns whether clients must refuse a certificate without a stapled OCSP response. RFC 7633 section 4. */
export const requiresStaple = (certificate: X509Certificate): boolean =>
  extensionValues(certificate).has(extensionIds.tlsFeature)

/** The decoded content of a certificate. */
export interface CertificateFacts {
  readonly subject: DistinguishedName
  readonly issuer: DistinguishedName
  readonly serial: string
  readonly thumbprint: string
  readonly notBefore: Date
  readonly notAfter: Date
  /** subjectAltName. */
  readonly names: readonly GeneralName[]
  /** Extended key usages by name, unknown ones by object identifier. Empty: any purpose. */
  readonly purposes: readonly string[]
  readonly keyUsages: readonly KeyUsage[]
  /** Whether it belongs to a certificate authority. */
  readonly authority: boolean
  readonly pathLength?: number
  /** `RSA 2048`, `P-256`. */
  readonly key: string
  readonly keyBits: number
  readonly keyFamily: KeyFamily
}

/** Decodes a certificate. @throws PkiError `malformed` */
export function readFacts(certificate: X509Certificate): CertificateFacts {
  const fields = certificateFields(certificate.raw)
  const values = extensionValues(certificate)
  const list = (id: string): Asn1[] => {
    const value = values.get(id)
    return value ? items(value) : []
  }
  const [authority, pathLength] = list(extensionIds.basicConstraints)
  const usage = values.get(extensionIds.keyUsage)
  const usageNames = Object.keys(keyUsageBits) as KeyUsage[]
  const key = describeKey(certificate.publicKey)
  return {
    subject: readName(fields.subject),
    issuer: readName(fields.issuer),
    serial: certificate.serialNumber,
    thumbprint: thumbprintOf(certificate),
    notBefore: new Date(certificate.validFrom),
    notAfter: new Date(certificate.validTo),
    names: list(extensionIds.subjectAltName).map(readGeneralName),
    purposes: list(extensionIds.extKeyUsage).map((id) => nameIn(purposeIds, oidOf(id)) ?? oidOf(id)),
    keyUsages: usage ? bitsOf(usage).flatMap((bit) => usageNames[bit] ?? []) : [],
    authority: authority?.tag === 0x01 && authority.content[0] !== 0,
    ...(pathLength ? { pathLength: decodeNumber(pathLength) } : {}),
    key: key.title,
    keyBits: key.bits,
    keyFamily: key.family,
  }
}

const purposeTitles: Record<string, string> = {
  serverAuth: 'Server Authentication',
  clientAuth: 'Client Authentication',
  codeSigning: 'Code Signing',
  emailProtection: 'Secure E-mail',
  timeStamping: 'Time Stamping',
  OCSPSigning: 'OCSP Signing',
  brandIndicator: 'Brand Indicator',
}

/** Returns the intended purposes in the words of the Windows certificate dialog. */
export const purposesText = ({ purposes, authority }: CertificateFacts): string[] =>
  purposes.length > 0 ? purposes.map((one) => purposeTitles[one] ?? one) : [authority ? 'Certificate Authority' : 'All']
