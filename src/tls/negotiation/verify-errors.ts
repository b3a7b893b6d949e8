import type { AlertName } from './fatal-alert.ts'

/** Why a client's certificate is not verified. */
interface VerifyError {
  /** The defect of the certificate, as the end of a sentence: `is not verified: …`. */
  readonly words: string
  /** The alert that the client gets. */
  readonly alert: AlertName
}

const row = (alert: AlertName, words: string): VerifyError => ({ alert, words })

const expired = row('certificateExpired', 'it, or an authority above it, has expired')
const notYetValid = row('certificateExpired', 'it, or an authority above it, is not yet valid')
const unknownIssuer = row('unknownCa', 'no authority that this virtual server trusts issued it')
const badSignature = row('badCertificate', 'its signature, or that of an authority above it, is wrong')
const unknownExtension = row(
  'certificateUnknown',
  'it, or an authority above it, has a critical extension that is not known',
)
const tooWeak = row('badCertificate', 'it, or an authority above it, has a key or a signature that is too weak')

/** By the code of node:tls (OpenSSL's X509_V_ERR without the prefix). Alerts by RFC 5246 section 7.2.2 and RFC 8446 section 6.2. */
const table: Readonly<Record<string, VerifyError>> = {
  CERT_HAS_EXPIRED: expired,
  CERT_NOT_YET_VALID: notYetValid,
  DEPTH_ZERO_SELF_SIGNED_CERT: row('unknownCa', 'it is self-signed, and this virtual server does not trust it'),
  SELF_SIGNED_CERT_IN_CHAIN: unknownIssuer,
  UNABLE_TO_GET_ISSUER_CERT: unknownIssuer,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownIssuer,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: row(
    'unknownCa',
    'no authority that this virtual server trusts issued it, or the client did not send its intermediate certificates',
  ),
  CERT_UNTRUSTED: unknownIssuer,
  INVALID_CA: row('unknownCa', 'a certificate above it is not an authority’s'),
  PATH_LENGTH_EXCEEDED: row('unknownCa', 'an authority above it has more authorities below it than it may have'),
  CERT_CHAIN_TOO_LONG: row('unknownCa', 'its chain is too long'),
  CERT_SIGNATURE_FAILURE: badSignature,
  UNABLE_TO_DECRYPT_CERT_SIGNATURE: badSignature,
  UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY: badSignature,
  UNHANDLED_CRITICAL_EXTENSION: unknownExtension,
  PERMITTED_VIOLATION: row('badCertificate', 'an authority above it may not issue for this name'),
  CERT_REJECTED: row('badCertificate', 'an authority rejects this purpose'),
  ERROR_IN_CERT_NOT_BEFORE_FIELD: row('badCertificate', 'its start of validity cannot be read'),
  ERROR_IN_CERT_NOT_AFTER_FIELD: row('badCertificate', 'its end of validity cannot be read'),
  EE_KEY_TOO_SMALL: tooWeak,
  CA_KEY_TOO_SMALL: tooWeak,
  CA_MD_TOO_WEAK: tooWeak,
  CERT_REVOKED: row('certificateRevoked', 'it is revoked'),
  INVALID_PURPOSE: row('unsupportedCertificate', 'it is not for clients (extendedKeyUsage without clientAuth)'),
}

/**
 * Returns whether OpenSSL refuses a date. It judges dates by the clock of the machine; the lab has a clock of its own.
 * @param code the code of node:tls
 */
export const isDateError = (code: string): boolean => table[code] === expired || table[code] === notYetValid

/** Returns why a client's certificate is not verified, and the alert for it. @param code the code of node:tls */
export const verifyError = (code: string): VerifyError =>
  table[code] ?? row('certificateUnknown', `OpenSSL refuses it (${code})`)
