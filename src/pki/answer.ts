import type { X509Certificate } from 'node:crypto'
import { readPem } from './asn1/pem.ts'
import { PkiError } from './errors.ts'
import { readPkcs7 } from './pkcs7.ts'
import { readCertificate } from './x509/certificate.ts'

const readers: Record<string, (der: Buffer) => X509Certificate[]> = {
  CERTIFICATE: (der) => [readCertificate(der)],
  'X509 CERTIFICATE': (der) => [readCertificate(der)],
  'TRUSTED CERTIFICATE': (der) => [readCertificate(der)],
  PKCS7: readPkcs7,
  CMS: readPkcs7,
}

const none = (cause?: unknown): PkiError =>
  new PkiError('malformed', 'neither a certificate (DER, PEM) nor a PKCS#7 file', { cause })

function readBinary(octets: Buffer): X509Certificate[] {
  try {
    return [readCertificate(octets)]
  } catch {
    return readPkcs7(octets)
  }
}

/**
 * Reads what an authority answers with: a certificate in DER or PEM (`.cer`), PEM certificates in any order, PKCS#7 in DER
 * or PEM (`.p7b`), or either in bare base64.
 * @throws PkiError `malformed` where it is none of these
 */
export function readCertificates(octets: Buffer): X509Certificate[] {
  try {
    const text = octets.toString('latin1')
    if (text.includes('-----BEGIN ')) {
      const found = readPem(text).flatMap(({ label, der }) => readers[label]?.(der) ?? [])
      if (found.length === 0) throw none()
      return found
    }
    return readBinary(/^[A-Za-z0-9+/=\s]+$/.test(text) ? Buffer.from(text, 'base64') : octets)
  } catch (cause) {
    throw none(cause)
  }
}
