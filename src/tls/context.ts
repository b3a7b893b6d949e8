import type { X509Certificate } from 'node:crypto'
import tls, { type SecureContext } from 'node:tls'
import type { InstalledCertificate } from '../pki/types.ts'
import { contextOptions, type TlsPolicy } from './policy.ts'

/**
 * A certificate worn under a policy.
 * @param clientAuthorities PEM of the authorities whose client certificates are verified
 * @throws when key and certificate do not belong together, or the policy is unusable
 */
export function createContext(
  policy: TlsPolicy,
  certificate: InstalledCertificate,
  clientAuthorities: readonly string[] = [],
): SecureContext {
  const ca = clientAuthorities.length > 0 ? { ca: [...clientAuthorities] } : {}
  return tls.createSecureContext({ ...contextOptions(policy, certificate), ...ca })
}

/** Whether a certificate is issued to a host name, wildcards counted. RFC 6125 section 6.4. */
export function isIssuedTo(certificate: X509Certificate, name: string): boolean {
  return certificate.checkHost(name) !== undefined
}
