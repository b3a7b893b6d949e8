import type { X509Certificate } from 'node:crypto'
import { authorityKeyIdentifierOf, certificateFields } from '../certificate/certificate.ts'

/**
 * Returns the identifier of a certificate in renewal information and in `replaces`: the key identifier of its authority
 * and its serial number, both in base64url. Undefined if it has no key identifier. RFC 9773 section 4.1.
 */
export function renewalId(certificate: X509Certificate): string | undefined {
  const keyIdentifier = authorityKeyIdentifierOf(certificate)
  if (keyIdentifier === undefined) return undefined
  const serial = certificateFields(certificate.raw).serial.content
  return `${keyIdentifier.toString('base64url')}.${serial.toString('base64url')}`
}
