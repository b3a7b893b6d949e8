import type { X509Certificate } from 'node:crypto'
import tls, { type SecureContext, type SecureContextOptions, type SecureVersion } from 'node:tls'
import type { InstalledCertificate } from '../pki/types.ts'

/** The versions and suites that a virtual server accepts. */
export interface TlsPolicy {
  readonly minVersion: SecureVersion
  readonly maxVersion: SecureVersion
  /** OpenSSL cipher string; absent: Node.js's default. */
  readonly ciphers?: string | undefined
  /** Rejects suites below 128 bits. */
  readonly require128BitEncryption: boolean
}

/** Receives lines of the NSS key log: the secrets of a handshake. */
export type KeyLog = (line: Buffer) => void

/** Suites below 128 bits, as OpenSSL names them. 3DES is not among them, because Exchange counted it as 168 bits. */
const BELOW_128_BITS = '!NULL:!EXPORT:!LOW:!DES'

/** Returns the options of a secure context for a certificate and a policy. OpenSSL enforces the version limits. */
export function contextOptions(policy: TlsPolicy, certificate: InstalledCertificate): SecureContextOptions {
  const { needs } = certificate
  return {
    key: certificate.privateKeyPem,
    cert: [certificate.certificatePem, ...certificate.chainPem].join('\n'),
    minVersion: policy.minVersion,
    maxVersion: policy.maxVersion === 'TLSv1.3' ? (needs?.maxVersion ?? 'TLSv1.3') : policy.maxVersion,
    ciphers: cipherString(policy, needs?.securityLevel),
  }
}

/**
 * Creates the secure context of a certificate and a policy.
 * @param clientAuthorities PEM of the authorities that client certificates are verified against
 * @throws when key and certificate do not match, or the policy is unusable
 */
export function createContext(
  policy: TlsPolicy,
  certificate: InstalledCertificate,
  clientAuthorities: readonly string[] = [],
): SecureContext {
  const ca = clientAuthorities.length > 0 ? { ca: [...clientAuthorities] } : {}
  return tls.createSecureContext({ ...contextOptions(policy, certificate), ...ca })
}

/**
 * Returns the OpenSSL cipher string of a policy.
 * @param securityLevel 0 for a certificate that OpenSSL's default security level rejects
 */
export function cipherString(policy: TlsPolicy, securityLevel?: 0): string {
  const chosen = policy.ciphers ?? tls.DEFAULT_CIPHERS
  // OpenSSL 3 allows TLS 1.0 and 1.1, which sign with SHA-1, only at security level 0.
  const needsLevel0 = securityLevel === 0 || policy.minVersion === 'TLSv1' || policy.minVersion === 'TLSv1.1'
  const level = needsLevel0 && !chosen.includes('@SECLEVEL') ? ':@SECLEVEL=0' : ''
  return `${chosen}${policy.require128BitEncryption ? `:${BELOW_128_BITS}` : ''}${level}`
}

/** Returns whether a certificate is valid for a host name, wildcards included. RFC 6125 section 6.4. */
export function isIssuedTo(certificate: X509Certificate, name: string): boolean {
  return certificate.checkHost(name) !== undefined
}
