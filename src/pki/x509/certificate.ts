import { randomBytes, X509Certificate } from 'node:crypto'
import { context, integer, sequence, time } from '../asn1/der.ts'
import { writePem } from '../asn1/pem.ts'
import { type Asn1, item, items, readAsn1, tagged } from '../asn1/reader.ts'
import { PkiError } from '../errors.ts'
import { authorityKeyIdentifier, keyIdentifier, subjectKeyIdentifier } from './extensions.ts'
import { type DistinguishedName, encodeName } from './name.ts'
import { type Signer, signatureAlgorithm, signed } from './signature.ts'

/** What a new certificate is to say. Its key identifiers are added to `extensions`. */
export interface CertificateContent {
  readonly subject: DistinguishedName | Buffer
  /** SubjectPublicKeyInfo of the subject. */
  readonly publicKey: Buffer
  readonly notBefore: Date
  readonly notAfter: Date
  /** Whole encoded extensions. */
  readonly extensions: readonly Buffer[]
  readonly serial?: Buffer
}

/** Who signs: a certificate with its key, or `self` with the key alone. */
export type Issuer = Signer & { readonly certificate: X509Certificate | 'self' }

/** 128 random bits, never zero. RFC 5280 section 4.1.2.2 allows up to 159. */
function randomSerial(): Buffer {
  const serial = randomBytes(16)
  return serial.some((octet) => octet !== 0) ? serial : randomSerial()
}

/** The fields of a TBSCertificate, from the subject's serial number on. RFC 5280 section 4.1. */
export function certificateFields(der: Buffer): {
  serial: Asn1
  issuer: Buffer
  subject: Buffer
  publicKey: Buffer
  extensions: Asn1[]
} {
  const all = items(item(readAsn1(der), 0))
  const fields = (all[0]?.tag ?? 0) === 0xa0 ? all.slice(1) : all
  const at = (index: number): Asn1 => fields[index] ?? item(undefined, index)
  const extensions = tagged(fields, 3)
  return {
    serial: at(0),
    issuer: at(2).raw,
    subject: at(4).raw,
    publicKey: at(5).raw,
    extensions: extensions ? items(item(extensions, 0)) : [],
  }
}

/** Makes and signs an X.509 version 3 certificate. RFC 5280 section 4. */
export function createCertificate(content: CertificateContent, issuer: Issuer): X509Certificate {
  const subject = Buffer.isBuffer(content.subject) ? content.subject : encodeName(content.subject)
  const signing =
    issuer.certificate === 'self'
      ? { subject, publicKey: content.publicKey }
      : certificateFields(issuer.certificate.raw)
  const tbs = sequence(
    context(0, integer(2)),
    integer(content.serial ?? randomSerial()),
    signatureAlgorithm(issuer),
    signing.subject,
    sequence(time(content.notBefore), time(content.notAfter)),
    subject,
    content.publicKey,
    context(
      3,
      sequence(
        subjectKeyIdentifier(keyIdentifier(content.publicKey)),
        authorityKeyIdentifier(keyIdentifier(signing.publicKey)),
        ...content.extensions,
      ),
    ),
  )
  return new X509Certificate(signed(tbs, issuer))
}

/** Reads a certificate in DER, its public key included. @throws PkiError `malformed` */
export function readCertificate(der: Buffer): X509Certificate {
  try {
    const certificate = new X509Certificate(der)
    // Read on demand only, and all that is done with a certificate needs it.
    void certificate.publicKey
    return certificate
  } catch (cause) {
    throw new PkiError('malformed', 'a certificate that cannot be read', { cause })
  }
}

export const certificatePem = (certificate: X509Certificate): string => writePem('CERTIFICATE', certificate.raw)

/** SHA-1 over the DER, upper-case hexadecimal, as Windows shows it. */
export const thumbprintOf = (certificate: X509Certificate): string => certificate.fingerprint.replaceAll(':', '')
