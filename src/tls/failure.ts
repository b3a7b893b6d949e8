import type { ClientHelloFacts } from '../sessions/types.ts'
import { clientAlert } from './alerts.ts'
import type { TlsPolicy } from './policy.ts'
import { suiteBits, suiteName } from './suites.ts'

interface Failure {
  readonly hello: ClientHelloFacts | undefined
  readonly policy: TlsPolicy
  /** Node.js's or OpenSSL's own word. */
  readonly reason: string
}

/** Why a handshake failed, by Node.js's error code: what it means to a person who set up the client or the server. */
const causes: Readonly<Record<string, string | ((failure: Failure) => string)>> = {
  ERR_SSL_NO_SHARED_CIPHER: ({ hello, policy }) =>
    `no cipher suite in common: the client offers ${offeredSuites(hello)}${policy.require128BitEncryption ? '; this virtual server requires 128-bit encryption' : ''}`,
  ERR_SSL_UNSUPPORTED_PROTOCOL: versionsDiffer,
  ERR_SSL_VERSION_TOO_LOW: versionsDiffer,
  ERR_SSL_WRONG_VERSION_NUMBER: 'the client sent something that is not TLS (clear text on a TLS port?)',
  ERR_SSL_HTTP_REQUEST: 'the client sent an HTTP request',
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
  const cause = clientAlert(error) ?? causes[code]
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
