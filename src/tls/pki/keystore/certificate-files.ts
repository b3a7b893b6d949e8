import type { X509Certificate } from 'node:crypto'
import { readCertificate } from '../certificate/certificate.ts'
import { item, items, oidOf, readAsn1, taggedItem } from '../der/decode.ts'
import { context, integer, oid, sequence, setOf } from '../der/encode.ts'
import { readPem } from '../der/pem.ts'
import { PkiError } from '../errors.ts'
import { unexpectedContent } from './unexpected.ts'

/**
 * Reads the certificates of an authority's answer: DER or PEM (`.cer`), several in PEM in any order, PKCS#7 in DER or PEM
 * (`.p7b`), or either in plain base64.
 * @throws PkiError `malformed` for any other content
 */
export function readCertificates(octets: Buffer): X509Certificate[] {
  try {
    const text = octets.toString('latin1')
    if (text.includes('-----BEGIN ')) {
      const found = readPem(text).flatMap(({ label, der }) => readers[label]?.(der) ?? [])
      if (found.length === 0) throw new PkiError('malformed', 'no PEM block is a certificate')
      return found
    }
    return readBinary(/^[A-Za-z0-9+/=\s]+$/.test(text) ? Buffer.from(text, 'base64') : octets)
  } catch (cause) {
    throw unexpectedContent(octets, 'answer', cause)
  }
}

/** By PEM label. */
const readers: Record<string, (der: Buffer) => X509Certificate[]> = {
  CERTIFICATE: (der) => [readCertificate(der)],
  'X509 CERTIFICATE': (der) => [readCertificate(der)],
  'TRUSTED CERTIFICATE': (der) => [readCertificate(der)],
  PKCS7: readPkcs7,
  CMS: readPkcs7,
}

function readBinary(octets: Buffer): X509Certificate[] {
  try {
    return [readCertificate(octets)]
  } catch {
    return readPkcs7(octets)
  }
}

export const dataType = '1.2.840.113549.1.7.1'
export const signedDataType = '1.2.840.113549.1.7.2'

/** Returns the certificates of a PKCS#7 file, in its order. RFC 5652 section 5.1. @throws PkiError `malformed` */
function readPkcs7(der: Buffer): X509Certificate[] {
  const content = readAsn1(der)
  const isSigned = oidOf(item(content, 0)) === signedDataType
  const certificates = isSigned ? taggedItem(items(item(item(content, 1), 0)).slice(3), 0) : undefined
  if (certificates === undefined) throw new PkiError('malformed', 'the PKCS#7 file contains no certificates')
  return items(certificates).map(({ raw }) => readCertificate(raw))
}

/** Creates a PKCS#7 file that contains only certificates. RFC 5652 section 5.1, RFC 8551 section 3.8. */
export function writePkcs7(certificates: readonly X509Certificate[]): Buffer {
  const signedData = sequence(
    integer(1),
    setOf(),
    sequence(oid(dataType)),
    context(0, ...certificates.map(({ raw }) => raw)),
    setOf(),
  )
  return sequence(oid(signedDataType), context(0, signedData))
}
