import type { ClientHelloFacts } from '../sessions/types.ts'
import type { TlsPolicy } from './policy.ts'
import { suiteBits, suiteName } from './suites.ts'

interface Failure {
  readonly hello: ClientHelloFacts | undefined
  readonly policy: TlsPolicy
  /** Node.js's or OpenSSL's own word. */
  readonly reason: string
}

const untrusted = 'the client does not trust the issuer (alert 48): install the lab’s root there (sealpost ca export)'

/** Why a handshake failed, by Node.js's error code: what it means to a person who set up the client or the server. */
const causes: Readonly<Record<string, string | ((failure: Failure) => string)>> = {
  ERR_SSL_NO_SHARED_CIPHER: ({ hello, policy }) =>
    `no cipher suite in common: the client offers ${offeredSuites(hello)}${policy.require128BitEncryption ? '; this virtual server requires 128-bit encryption' : ''}`,
  ERR_SSL_UNSUPPORTED_PROTOCOL: versionsDiffer,
  ERR_SSL_VERSION_TOO_LOW: versionsDiffer,
  ERR_SSL_WRONG_VERSION_NUMBER: 'the client sent something that is not TLS (clear text on a TLS port?)',
  ERR_SSL_HTTP_REQUEST: 'the client sent an HTTP request',
  // Alerts that the client sent. RFC 8446 section 6, RFC 5246 section 7.2
  ERR_SSL_SSLV3_ALERT_UNEXPECTED_MESSAGE: 'the client did not expect the server’s message (alert 10)',
  ERR_SSL_SSLV3_ALERT_BAD_RECORD_MAC:
    'the client could not verify a record (alert 20): something on the way changes it?',
  ERR_SSL_TLSV1_ALERT_DECRYPTION_FAILED: 'the client could not decrypt a record (alert 21)',
  ERR_SSL_TLSV1_ALERT_RECORD_OVERFLOW: 'the client finds a record too long (alert 22)',
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: 'the client finds nothing acceptable in the handshake (alert 40)',
  ERR_SSL_SSLV3_ALERT_NO_CERTIFICATE: 'the client has no certificate to show (alert 41)',
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE:
    'the client finds the certificate bad (alert 42): is the host name in it, and the lab’s root installed?',
  ERR_SSL_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE: 'the client cannot use this kind of certificate (alert 43)',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED: 'the client finds the certificate revoked (alert 44)',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: 'the client finds the certificate expired (alert 45): compare the clocks',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    'the client does not accept the certificate (alert 46): is the lab’s root installed there?',
  ERR_SSL_SSLV3_ALERT_ILLEGAL_PARAMETER: 'the client finds a parameter illegal (alert 47)',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: untrusted,
  ERR_SSL_TLSV1_ALERT_ACCESS_DENIED: 'the client denies access (alert 49)',
  ERR_SSL_TLSV1_ALERT_DECODE_ERROR: 'the client cannot read a message of the handshake (alert 50)',
  ERR_SSL_TLSV1_ALERT_DECRYPT_ERROR: 'the client could not verify a signature or decrypt (alert 51)',
  ERR_SSL_TLSV1_ALERT_EXPORT_RESTRICTION: 'the client is held to export strength (alert 60)',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'the client does not accept the protocol version (alert 70)',
  ERR_SSL_TLSV1_ALERT_INSUFFICIENT_SECURITY: 'the client asks for stronger suites (alert 71)',
  ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR: 'the client reports an internal error (alert 80)',
  ERR_SSL_TLSV1_ALERT_INAPPROPRIATE_FALLBACK: 'the client sees that it was made to use an older version (alert 86)',
  ERR_SSL_TLSV1_ALERT_USER_CANCELLED: 'the user cancelled at the client (alert 90)',
  ERR_SSL_TLSV1_ALERT_NO_RENEGOTIATION: 'the client does not negotiate again (alert 100)',
  ERR_SSL_TLSV13_ALERT_MISSING_EXTENSION: 'the client misses an extension (alert 109)',
  ERR_SSL_TLSV1_UNSUPPORTED_EXTENSION: 'the client did not ask for an extension that it was sent (alert 110)',
  ERR_SSL_TLSV1_UNRECOGNIZED_NAME: 'the client does not recognize the server’s name (alert 112)',
  ERR_SSL_TLSV1_BAD_CERTIFICATE_STATUS_RESPONSE: 'the client finds the stapled OCSP response bad (alert 113)',
  ERR_SSL_TLSV1_UNKNOWN_PSK_IDENTITY: 'the client does not know the pre-shared key (alert 115)',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'the client requires a certificate (alert 116)',
  ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL: 'the client knows none of the protocols offered by ALPN (alert 120)',
  CLIENT_CERTIFICATE_REJECTED: ({ reason }) =>
    reason === 'UNABLE_TO_GET_ISSUER_CERT'
      ? 'the client showed no certificate of the lab’s authorities, and this virtual server requires one'
      : `this virtual server requires a client certificate that verifies: ${reason}`,
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: 'the client showed no certificate, and this virtual server requires one',
  ECONNRESET: 'the client closed the connection during the handshake (many do so when they do not trust the issuer)',
  ERR_TLS_HANDSHAKE_TIMEOUT: 'the client did not finish the handshake in time',
}

/** Says in plain words why a handshake failed. */
export function explainHandshakeFailure(error: Error, hello: ClientHelloFacts | undefined, policy: TlsPolicy): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  const cause = causes[code]
  if (cause === undefined) return code === '' ? error.message : `${error.message} (${code})`
  return typeof cause === 'string' ? cause : cause({ hello, policy, reason: error.message })
}

function versionsDiffer({ hello, policy }: Failure): string {
  const offered = hello && hello.versions.length > 0 ? hello.versions.join(', ') : 'another version'
  const { minVersion, maxVersion } = policy
  return `the client offers ${offered}, this virtual server asks for ${minVersion === maxVersion ? minVersion : `${minVersion} to ${maxVersion}`}`
}

/** Suites with their strength, for a log line: `TLS_RSA_WITH_NULL_SHA256 (0 bits)`. */
export function offeredSuites(hello: ClientHelloFacts | undefined): string {
  if (!hello || hello.suites.length === 0) return 'none that is known'
  return hello.suites
    .map((id) => {
      const name = suiteName(id)
      const bits = suiteBits(name)
      return bits === undefined ? name : `${name} (${bits} bits)`
    })
    .join(', ')
}
