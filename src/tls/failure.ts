import type { ClientHelloFacts } from '../sessions/types.ts'
import type { TlsPolicy } from './policy.ts'
import { suiteBits, suiteName } from './suites.ts'

interface Failure {
  readonly hello: ClientHelloFacts | undefined
  readonly policy: TlsPolicy
  /** Message of Node.js or OpenSSL. */
  readonly reason: string
}

/** Explains in plain words, for the session's record, why a handshake failed. */
export function explainHandshakeFailure(error: Error, hello: ClientHelloFacts | undefined, policy: TlsPolicy): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  const cause = clientAlert(error) ?? causes[code]
  if (cause === undefined) return code === '' ? error.message : `${error.message} (${code})`
  return typeof cause === 'string' ? cause : cause({ hello, policy, reason: error.message })
}

/** Explanations by Node.js's error code. */
const causes: Readonly<Record<string, string | ((failure: Failure) => string)>> = {
  ERR_SSL_NO_SHARED_CIPHER: ({ hello, policy }) =>
    `no cipher suite in common: the client offers ${offeredSuites(hello)}${policy.require128BitEncryption ? '; this virtual server requires 128-bit encryption' : ''}`,
  ERR_SSL_UNSUPPORTED_PROTOCOL: versionsDiffer,
  ERR_SSL_VERSION_TOO_LOW: versionsDiffer,
  ERR_SSL_WRONG_VERSION_NUMBER: 'the client sent something that is not TLS (clear text on a TLS port?)',
  ERR_SSL_HTTP_REQUEST: 'the client sent an HTTP request',
  CLIENT_CERTIFICATE_REJECTED: ({ reason }) =>
    reason === 'UNABLE_TO_GET_ISSUER_CERT'
      ? 'the client sent no certificate issued by the lab’s authorities, and this virtual server requires one'
      : `this virtual server requires a client certificate that it can verify: ${reason}`,
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: 'the client sent no certificate, and this virtual server requires one',
  ECONNRESET:
    'the client closed the connection during the handshake (many clients do this when they do not trust the certificate’s issuer)',
  ERR_TLS_HANDSHAKE_TIMEOUT: 'the client did not finish the handshake in time',
}

function versionsDiffer({ hello, policy }: Failure): string {
  const offered = hello && hello.versions.length > 0 ? hello.versions.join(', ') : 'another version'
  const { minVersion, maxVersion } = policy
  const allowed = minVersion === maxVersion ? minVersion : `${minVersion} to ${maxVersion}`
  return `the client offers ${offered}, this virtual server allows ${allowed}`
}

/** Lists suites with their strength: `TLS_RSA_WITH_NULL_SHA256 (0 bits)`. */
function offeredSuites(hello: ClientHelloFacts | undefined): string {
  if (!hello || hello.suites.length === 0) return 'no known suite'
  return hello.suites
    .map((id) => {
      const name = suiteName(id)
      const bits = suiteBits(name)
      return bits === undefined ? name : `${name} (${bits} bits)`
    })
    .join(', ')
}

/**
 * Explains the alert that the client sent; undefined when it sent none, or an unknown one. OpenSSL's names of alerts
 * differ between versions, so the number is read.
 */
function clientAlert({ message }: Error): string | undefined {
  return alertMeanings[Number(/SSL alert number (\d+)/.exec(message)?.[1])]
}

/** The meaning of a client's alert, for the person who configured the client or the server. RFC 8446 section 6; RFC 5246 section 7.2. */
const alertMeanings: Readonly<Record<number, string>> = {
  10: 'the client did not expect the server’s message (alert 10)',
  20: 'the client could not verify a record (alert 20): does something between client and server change the data?',
  21: 'the client could not decrypt a record (alert 21)',
  22: 'the client received a record that it considers too long (alert 22)',
  40: 'the client found nothing acceptable in the handshake (alert 40)',
  41: 'the client has no certificate to send (alert 41)',
  42: 'the client rejects the certificate as bad (alert 42): does it contain the host name, and is the lab’s root installed on the client?',
  43: 'the client does not support this kind of certificate (alert 43)',
  44: 'the client rejects the certificate as revoked (alert 44)',
  45: 'the client rejects the certificate as expired (alert 45): compare the clocks of client and server',
  46: 'the client does not accept the certificate (alert 46): is the lab’s root installed on the client?',
  47: 'the client rejects a handshake parameter (alert 47)',
  48: 'the client does not trust the issuer (alert 48): install the lab’s root on the client (sealpost ca export)',
  49: 'the client denies access (alert 49)',
  50: 'the client could not decode a handshake message (alert 50)',
  51: 'the client could not verify a signature or decrypt a message (alert 51)',
  60: 'the client is restricted to export strength (alert 60)',
  70: 'the client does not accept the protocol version (alert 70)',
  71: 'the client requires stronger cipher suites (alert 71)',
  80: 'the client reports an internal error (alert 80)',
  86: 'the client detected a fallback to an older version (alert 86)',
  90: 'the user cancelled on the client (alert 90)',
  100: 'the client refuses to renegotiate (alert 100)',
  109: 'the client requires an extension that the server did not send (alert 109)',
  110: 'the client received an extension that it did not ask for (alert 110)',
  112: 'the client does not recognize the server’s name (alert 112)',
  113: 'the client rejects the stapled OCSP response (alert 113)',
  115: 'the client does not know the pre-shared key (alert 115)',
  116: 'the client requires a certificate (alert 116)',
  120: 'the client supports none of the protocols offered by ALPN (alert 120)',
}
