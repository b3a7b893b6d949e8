import type { X509Certificate } from 'node:crypto'
import { context, integer, oid, sequence, setOf } from './asn1/der.ts'
import { item, items, oidOf, readAsn1, tagged } from './asn1/reader.ts'
import { PkiError } from './errors.ts'
import { readCertificate } from './x509/certificate.ts'

export const dataType = '1.2.840.113549.1.7.1'
const signedDataType = '1.2.840.113549.1.7.2'

/** The certificates of a PKCS#7 file (`.p7b`), in its order. RFC 5652 section 5.1. @throws PkiError `malformed` */
export function readPkcs7(der: Buffer): X509Certificate[] {
  const content = readAsn1(der)
  if (oidOf(item(content, 0)) !== signedDataType) throw new PkiError('malformed', 'a PKCS#7 file without certificates')
  const certificates = tagged(items(item(item(content, 1), 0)).slice(3), 0)
  if (certificates === undefined) throw new PkiError('malformed', 'a PKCS#7 file without certificates')
  return items(certificates).map(({ raw }) => readCertificate(raw))
}

/** A PKCS#7 file that carries certificates only. RFC 5652 section 5.1; RFC 8551 section 3.8. */
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
