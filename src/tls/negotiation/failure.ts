import { isProxyHeader } from '../../core/network/proxy-header.ts'
import type { CauseName } from '../../core/sessions/cures.ts'
import type { SessionRecorder } from '../../core/sessions/types.ts'
import { alertCauses, clientAlertMeaning } from './client-alerts.ts'
import type { NoHello } from './client-hello-reader.ts'
import { alertIn, curable, type FailureCause, type FailureContext, sentences } from './failure-causes.ts'
import type { RefusalCause } from './routing.ts'

/** The parts of an error of Node.js, OpenSSL or the engine for old clients. */
interface Coded extends Error {
  readonly code?: unknown
  /** The alert that the engine sent. */
  readonly alert?: unknown
  /** The alert that the engine received. */
  readonly clientAlert?: unknown
}

/** Why a handshake failed. */
export interface Explanation {
  readonly text: string
  /** Absent if the lab knows no cure. */
  readonly cause?: CauseName | undefined
}

/**
 * Explains in plain words, for the session's record, why a handshake failed.
 * @param refusal what the decision table says about the ClientHello; more exact than OpenSSL's code
 */
export function explainHandshakeFailure(error: Error, context: FailureContext, refusal?: RefusalCause): Explanation {
  const code = codeOf(error)
  const alert = clientAlert(error)
  if (alert !== undefined) return explainAlert(alert)
  if (alertIn(context.first) !== undefined) return explain('alert before', context)
  if (isUnexpectedProxy(context)) return explain('PROXY header', context)
  const isRefusal = refusalCodes.has(code)
  const cause = (isRefusal ? refusal : undefined) ?? causes[code]
  if (cause !== undefined) return explain(cause, { ...context, reason: oneLine(error) })
  if (isClosedByClient(error)) return explain('closed', context)
  return {
    text: code.startsWith('ERR_SSL_') ? `the handshake is not valid: ${oneLine(error)} (${code})` : oneLine(error),
  }
}

const explainAlert = (alert: number): Explanation => ({ text: clientAlertMeaning(alert), cause: alertCauses[alert] })

/** Explains why no ClientHello arrived. */
export function explainNoHello({ how, receivedOctets }: NoHello, context: FailureContext): Explanation {
  if (how === 'no memory') return explain(how, context)
  return explain(`${how} ${receivedOctets > 0 ? 'within' : 'before'}`, context)
}

/** Returns the sentence for a cause of a failure. */
export function explain(cause: FailureCause, context: FailureContext): Explanation {
  const words = sentences[cause]
  return { text: typeof words === 'string' ? words : words(context), cause: curable[cause] }
}

/** Explains an error of a socket after its handshake, or before it. */
function explainSocketError(error: Error): Explanation {
  const alert = clientAlert(error)
  if (alert !== undefined) return explainAlert(alert)
  const code = codeOf(error)
  const words = socketErrors[code]
  if (words !== undefined) return { text: words }
  return {
    text: code.startsWith('ERR_SSL_') ? `TLS ended: ${oneLine(error)} (${code})` : `socket error: ${oneLine(error)}`,
  }
}

/** Records an error of a socket after its handshake, or before it. */
export function recordSocketError(record: SessionRecorder, error: Error): void {
  const { text, cause } = explainSocketError(error)
  record.because(cause)
  record.note(text, hasReason(error))
}

/** Returns whether a proxy that is not listed announces its client. */
const isUnexpectedProxy = ({ first }: FailureContext): boolean =>
  first?.kind === 'not-tls' && isProxyHeader(Buffer.from(first.start, 'latin1'))

function codeOf({ code, alert }: Coded): string {
  if (typeof code === 'string') return code
  return typeof alert === 'string' ? alert : ''
}

/** The engine reports a closed connection without an alert. */
const isClosedByClient = (error: Coded): boolean => error.name === 'LegacyTlsError' && error.alert === undefined

/**
 * Returns the number of the alert that the client sent; undefined when it sent none. OpenSSL's names of alerts differ between
 * versions, so the number is read.
 */
function clientAlert({ message, clientAlert: received }: Coded): number | undefined {
  if (typeof received === 'number') return received
  const number = /SSL alert number (\d+)/.exec(message)?.[1]
  return number === undefined ? undefined : Number(number)
}

/**
 * Returns the reason in a message of OpenSSL, which may have many lines with file names and numbers of threads:
 * `40E2…:error:0A0000C1:SSL routines:function:no shared cipher:ssl/statem/statem_srvr.c:2226:`.
 */
function oneLine({ message }: Error): string {
  const reason = /error:[0-9A-F]{8}:[^:\n]*:[^:\n]*:([^:\n]+)/i.exec(message)?.[1]
  return reason ?? message.trim().replaceAll(/\s+/g, ' ')
}

const refusalCodes: ReadonlySet<string> = new Set([
  'ERR_SSL_BAD_KEY_SHARE',
  'ERR_SSL_INVALID_COMPRESSION_ALGORITHM',
  'ERR_SSL_NO_SHARED_CIPHER',
  'ERR_SSL_UNSUPPORTED_PROTOCOL',
  'ERR_SSL_UNKNOWN_PROTOCOL',
  'ERR_SSL_INAPPROPRIATE_FALLBACK',
  'ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM',
  'ERR_SSL_NO_SHARED_SIGNATURE_ALGORITHMS',
  'ERR_SSL_NO_SUITABLE_KEY_SHARE',
  'ERR_SSL_NO_SUITABLE_GROUPS',
  'ERR_SSL_MISSING_SIGALGS_EXTENSION',
  'ERR_SSL_MISSING_SUPPORTED_GROUPS_EXTENSION',
])

/** Codes of a record that cannot be decrypted. They differ between ciphers and versions of OpenSSL; the last is the engine's. */
const CORRUPT_RECORD = [
  'ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC',
  'ERR_SSL_BAD_DECRYPT',
  'ERR_SSL_CIPHER_OPERATION_FAILED',
  'ERR_SSL_BLOCK_CIPHER_PAD_IS_WRONG',
  'ERR_SSL_DIGEST_CHECK_FAILED',
  'bad_record_mac',
]
/** Returns an object with the same value for every code of a corrupt record. */
const forCorruptRecord = <T>(value: T): Record<string, T> =>
  Object.fromEntries(CORRUPT_RECORD.map((code) => [code, value]))

/** Causes by the code of Node.js's error. */
const causes: Readonly<Record<string, FailureCause>> = {
  ...forCorruptRecord('corrupt record' as const),
  ERR_SSL_NO_SHARED_CIPHER: 'no suite',
  ERR_SSL_NO_CIPHERS_SPECIFIED: 'malformed',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'no version',
  ERR_SSL_VERSION_TOO_LOW: 'no version',
  ERR_SSL_BAD_LEGACY_VERSION: 'no version',
  ERR_SSL_UNKNOWN_PROTOCOL: 'only SSL 2.0',
  ERR_SSL_INAPPROPRIATE_FALLBACK: 'fallback',
  ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM: 'no signature algorithm',
  ERR_SSL_NO_SHARED_SIGNATURE_ALGORITHMS: 'no signature algorithm',
  ERR_SSL_NO_SUITABLE_KEY_SHARE: 'no group',
  ERR_SSL_NO_SUITABLE_GROUPS: 'no group',
  ERR_SSL_MISSING_SIGALGS_EXTENSION: 'missing signature algorithms',
  ERR_SSL_MISSING_SUPPORTED_GROUPS_EXTENSION: 'missing groups',
  ERR_SSL_NO_APPLICATION_PROTOCOL: 'no ALPN protocol',
  ERR_SSL_WRONG_VERSION_NUMBER: 'clear text',
  ERR_SSL_HTTP_REQUEST: 'HTTP',
  ERR_SSL_HTTPS_PROXY_REQUEST: 'HTTP',
  ERR_SSL_BAD_RECORD_TYPE: 'clear text',
  ERR_SSL_EVP_LIB: 'wrong signature',
  ERR_SSL_UNEXPECTED_MESSAGE: 'unexpected message',
  ERR_SSL_UNEXPECTED_RECORD: 'unexpected message',
  ERR_SSL_CCS_RECEIVED_EARLY: 'unexpected message',
  ERR_SSL_BAD_CHANGE_CIPHER_SPEC: 'unexpected message',
  ERR_SSL_NO_COMPRESSION_SPECIFIED: 'malformed',
  ERR_SSL_REQUIRED_COMPRESSION_ALGORITHM_MISSING: 'malformed',
  ERR_SSL_BAD_COMPRESSION_ALGORITHM: 'malformed',
  ERR_SSL_INVALID_COMPRESSION_ALGORITHM: 'malformed',
  ERR_SSL_BAD_EXTENSION: 'malformed',
  ERR_SSL_LENGTH_MISMATCH: 'malformed',
  ERR_SSL_LENGTH_TOO_SHORT: 'malformed',
  ERR_SSL_ERROR_IN_RECEIVED_CIPHER_LIST: 'malformed',
  ERR_SSL_BAD_LENGTH: 'malformed',
  ERR_SSL_BAD_PACKET: 'malformed',
  ERR_SSL_DECODE_ERROR: 'malformed',
  ERR_SSL_EXCESSIVE_MESSAGE_SIZE: 'malformed',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'record too long',
  ERR_SSL_DATA_LENGTH_TOO_LONG: 'record too long',
  ERR_SSL_ENCRYPTED_LENGTH_TOO_LONG: 'record too long',
  record_overflow: 'record too long',
  ECONNRESET: 'closed',
  EPIPE: 'closed',
  ERR_TLS_HANDSHAKE_TIMEOUT: 'timeout',
}

/** Descriptions of a connection's end, by the code of the error that ended it. */
const socketErrors: Readonly<Record<string, string>> = {
  ...forCorruptRecord(sentences['corrupt record']),
  ECONNRESET: 'the client reset the connection (ECONNRESET)',
  EPIPE: 'the client closed the connection while the server was sending (EPIPE)',
  ETIMEDOUT: 'the client no longer answers (ETIMEDOUT)',
  EHOSTUNREACH: 'the client cannot be reached any longer (EHOSTUNREACH)',
  ERR_TLS_SESSION_ATTACK: 'the client asked to renegotiate again and again; the connection was closed',
  ERR_SSL_WRONG_VERSION_NUMBER: 'the client sent something that is not a TLS record: did it continue in clear text?',
}

/** Returns whether an error of a connection says why the client closed it. A client may reset it for any reason. */
const hasReason = ({ code }: NodeJS.ErrnoException): boolean => code !== 'ECONNRESET' && code !== 'EPIPE'
