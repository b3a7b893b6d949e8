import { constants, X509Certificate } from 'node:crypto'
import tls, { type SecureContextOptions, type SecureVersion } from 'node:tls'
import { atLeast128Bits, isTls13Only } from '../../core/config/openssl.ts'
import { contextProblem, servability } from '../pki/servability.ts'
import type { InstalledCertificate } from '../pki/types.ts'

/** The versions and suites that a virtual server accepts. */
export interface TlsPolicy {
  readonly minVersion: SecureVersion
  readonly maxVersion: SecureVersion
  /** OpenSSL cipher string; absent: Node.js's default. */
  readonly ciphers?: string | undefined
  /** Groups of the key exchange by OpenSSL's names, in order of preference; absent: OpenSSL's default. */
  readonly groups?: readonly string[] | undefined
  /** Rejects suites below 128 bits. */
  readonly require128BitEncryption: boolean
}

/** Receives lines of the NSS key log: the secrets of a handshake. */
export type KeyLog = (line: Buffer) => void

/**
 * Returns the options of `tls.createServer` for a certificate and a policy. OpenSSL enforces the version limits.
 * @param companions certificates with other kinds of keys: OpenSSL serves the first one that the client can verify
 */
export function contextOptions(
  policy: TlsPolicy,
  certificate: InstalledCertificate,
  companions: readonly InstalledCertificate[] = [],
): SecureContextOptions {
  const { needs } = certificate
  const all = [certificate, ...companions]
  return {
    key: all.map(({ privateKeyPem }) => privateKeyPem),
    cert: all.map(({ certificatePem, chainPem }) => [certificatePem, ...chainPem].join('\n')),
    minVersion: isTls13Only(policy.ciphers ?? tls.DEFAULT_CIPHERS) ? 'TLSv1.3' : policy.minVersion,
    maxVersion: policy.maxVersion === 'TLSv1.3' ? (needs?.maxVersion ?? 'TLSv1.3') : policy.maxVersion,
    ciphers: cipherString(policy, needs?.securityLevel),
    ...(policy.groups ? { ecdhCurve: policy.groups.join(':') } : {}),
    // Without parameters, OpenSSL cannot use the DHE suites that the policy allows. Auto: a group as strong as the key.
    dhparam: 'auto',
    // RFC 5746 section 5; RFC 5246 section 7.4.1.1: refused with the alert no_renegotiation.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  }
}

const known = new WeakMap<InstalledCertificate, Map<string, string | undefined>>()

/**
 * Returns why a policy cannot serve a certificate, as the end of a sentence; undefined if it can. Builds a context at the
 * first call of each policy with suites or groups, because only OpenSSL knows.
 */
export function policyProblem(policy: TlsPolicy, certificate: InstalledCertificate): string | undefined {
  const ofCertificate = known.get(certificate) ?? new Map<string, string | undefined>()
  known.set(certificate, ofCertificate)
  const key = JSON.stringify(policy)
  if (!ofCertificate.has(key)) ofCertificate.set(key, findPolicyProblem(policy, certificate))
  return ofCertificate.get(key)
}

function findPolicyProblem(policy: TlsPolicy, certificate: InstalledCertificate): string | undefined {
  if (certificate.unservable !== undefined) return certificate.unservable
  const options = contextOptions(policy, certificate)
  if (options.minVersion === 'TLSv1.3' && options.maxVersion !== 'TLSv1.3' && certificate.needs?.maxVersion) {
    return 'its key works up to TLS 1.2 only, and the TLS policy of the virtual server allows only TLS 1.3'
  }
  // A certificate that can be served with the default suites is served by every policy that names no others.
  const isUsual = policy.ciphers === undefined && policy.groups === undefined
  return isUsual ? servability(certificate).unservable : contextProblem(options)
}

/**
 * Returns the OpenSSL cipher string of a policy.
 * @param securityLevel 0 for a certificate that OpenSSL's default security level refuses
 */
function cipherString(policy: TlsPolicy, securityLevel?: 0): string {
  const chosen = policy.ciphers ?? tls.DEFAULT_CIPHERS
  // OpenSSL 3 allows TLS 1.0 and 1.1, which sign with SHA-1, only at security level 0.
  const needsLevel0 = securityLevel === 0 || policy.minVersion === 'TLSv1' || policy.minVersion === 'TLSv1.1'
  const allowed = policy.require128BitEncryption ? atLeast128Bits(chosen) : chosen
  if (!needsLevel0 || chosen.includes('@SECLEVEL')) return allowed
  // OpenSSL takes the level only with suites of TLS 1.2, which the version excludes.
  return `${allowed}${isTls13Only(chosen) ? ':ALL' : ''}:@SECLEVEL=0`
}

/** Returns whether a certificate is valid for a host name, wildcards included. RFC 6125 section 6.4. */
export function isIssuedTo(certificate: X509Certificate, name: string): boolean {
  return certificate.checkHost(name) !== undefined
}

/**
 * Returns alternatives to a certificate, for clients that cannot verify its kind of key: one for each other kind, issued to
 * the same host.
 */
export function companionsOf(
  certificate: InstalledCertificate,
  all: readonly InstalledCertificate[],
): InstalledCertificate[] {
  if (all.length === 1) return []
  const own = new X509Certificate(certificate.certificatePem)
  const byKind = new Map<string | undefined, InstalledCertificate>([[own.publicKey.asymmetricKeyType, certificate]])
  for (const other of all) {
    const x509 = new X509Certificate(other.certificatePem)
    const kind = x509.publicKey.asymmetricKeyType
    // One that needs a lower security level would lower it for the others.
    if (byKind.has(kind) || certificate.needs || other.needs || !sharesHost(own, x509)) continue
    byKind.set(kind, other)
  }
  return [...byKind.values()].filter((one) => one !== certificate)
}

/** Whether a certificate is issued to the first host name or address of another one. */
function sharesHost(own: X509Certificate, other: X509Certificate): boolean {
  const [first = ''] = own.subjectAltName?.split(', ') ?? []
  const name = first.replace(/^(DNS|IP Address):/, '')
  return first.startsWith('IP') ? other.checkIP(name) !== undefined : isIssuedTo(other, name)
}
