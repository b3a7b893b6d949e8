/** The server demands a client certificate. RFC 8446 section 6.2. */
export const CERTIFICATE_REQUIRED = 116

/** Returns the number of the alert that the server sent; undefined if the error is none. */
export function alertOf({ message }: Error): number | undefined {
  const number = /SSL alert number (\d+)/.exec(message)?.[1]
  return number === undefined ? undefined : Number(number)
}

/** Returns whether a code of Node.js is that of a message with which the server breaks the protocol. */
export const isServerMistake = (code: string): boolean => code in serverMistakes

/** Explains in one line an error that a server causes, in a handshake or after it. */
export function explainServer(error: NodeJS.ErrnoException): string {
  const { code = '', message } = error
  return (
    serverAlerts[alertOf(error) ?? -1] ??
    serverMistakes[code] ??
    handshakeWords[code] ??
    // 0A0000F4:error:0A0000F4:SSL routines:some_function:the reason:some/file.c:396:
    `${/ routines:[^:]*:([^:]+):/.exec(message)?.[1] ?? message.trim()}${code && ` (${code})`}`
  )
}

const SIGNATURE_IS_WRONG = 'the server’s signature of its key exchange is wrong'

/** The meaning of Node.js's error codes for a client. */
const handshakeWords: Readonly<Record<string, string>> = {
  ERR_SSL_WRONG_VERSION_NUMBER: 'the server answers with something that is not TLS',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'the server answers with something that is not TLS',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'the server chose a TLS version that the client does not accept',
  ERR_SSL_DH_KEY_TOO_SMALL: 'the server’s Diffie-Hellman group is shorter than current clients accept',
  ERR_SSL_UNSAFE_LEGACY_RENEGOTIATION_DISABLED: 'the server does not support secure renegotiation',
  ECONNRESET: 'the server closes the connection during the handshake',
}

/** The same for messages that break the protocol. */
const serverMistakes: Readonly<Record<string, string>> = {
  ERR_SSL_INAPPROPRIATE_FALLBACK: 'the server answers with an older version and marks this as a downgrade',
  ERR_SSL_UNEXPECTED_MESSAGE: 'the server sends a message that the suite does not have',
  ERR_SSL_DIGEST_CHECK_FAILED: 'the server’s Finished message is wrong',
  // Where OpenSSL notices it depends on the first octets of the decrypted signature.
  ERR_SSL_BAD_FIXED_HEADER_DECRYPT: SIGNATURE_IS_WRONG,
  ERR_SSL_BAD_SIGNATURE: SIGNATURE_IS_WRONG,
  ERR_SSL_BLOCK_TYPE_IS_NOT_01: SIGNATURE_IS_WRONG,
  ERR_SSL_INVALID_PADDING: SIGNATURE_IS_WRONG,
  ERR_SSL_PADDING_CHECK_FAILED: SIGNATURE_IS_WRONG,
}

/** The server's alerts by number, because their names differ between versions of OpenSSL. */
const serverAlerts: Readonly<Record<number, string>> = {
  40: 'the server accepts nothing that was offered (alert 40)',
  70: 'the server accepts none of the versions offered (alert 70)',
  71: 'the server requires stronger suites (alert 71)',
  80: 'the server reports an internal error (alert 80)',
  112: 'the server does not know the requested name (alert 112)',
  116: 'the server requires a client certificate (alert 116)',
  120: 'the server supports none of the protocols offered (alert 120)',
}
