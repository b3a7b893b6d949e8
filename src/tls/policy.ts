import tls, { type SecureContextOptions, type SecureVersion } from 'node:tls'
import type { InstalledCertificate } from '../pki/types.ts'

/** What a virtual server lets a client agree on. */
export interface TlsPolicy {
  readonly minVersion: SecureVersion
  readonly maxVersion: SecureVersion
  /** OpenSSL cipher string; absent: Node.js's own. */
  readonly ciphers?: string | undefined
  /** Suites below 128 bits are not accepted. */
  readonly require128BitEncryption: boolean
}

/** Suites below 128 bits, in OpenSSL's words. 3DES is no part of them: Exchange counted 168 bits. */
const BELOW_128_BITS = '!NULL:!EXPORT:!LOW:!DES'

/** Certificate and policy as the options of a secure context. */
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

/** The OpenSSL cipher string of a policy; at a security level that a certificate needs, where it says so. */
export function cipherString(policy: TlsPolicy, securityLevel?: 0): string {
  const chosen = policy.ciphers ?? tls.DEFAULT_CIPHERS
  // OpenSSL 3 lets TLS 1.0 and 1.1 (their SHA-1 signatures) in only at security level 0.
  const old = securityLevel === 0 || policy.minVersion === 'TLSv1' || policy.minVersion === 'TLSv1.1'
  const level = old && !chosen.includes('@SECLEVEL') ? ':@SECLEVEL=0' : ''
  return `${chosen}${policy.require128BitEncryption ? `:${BELOW_128_BITS}` : ''}${level}`
}
