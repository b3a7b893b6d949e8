import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import { type ConnectionOptions, connect, type TLSSocket, type TLSSocketOptions } from 'node:tls'
import { VerifyError } from '../errors.ts'

/** How a handshake is to be made. */
export interface HandshakeSettings {
  readonly serverName: string
  /** PEM roots; absent: those of the system. */
  readonly ca: readonly string[]
  readonly timeoutMs: number
  /** Whatever Node.js knows, the broken too: to look at servers that offer nothing better. */
  readonly wide?: boolean
  /** Trust just these certificates, whatever their names: those that the server has shown before. */
  readonly pinned?: readonly X509Certificate[]
}

/** A certificate that does not verify; everything else of the handshake is right. */
export class Untrusted extends VerifyError {
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** Another failure of a handshake, with the code of Node.js or OpenSSL. */
export class HandshakeFailed extends VerifyError {
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

export interface Handshake {
  readonly socket: TLSSocket
  /** What the server stapled. RFC 6066 section 8. */
  readonly staple: Buffer | undefined
}

/** Makes a verified handshake on a raw stream. @throws Untrusted HandshakeFailed */
export function handshake(raw: Duplex, settings: HandshakeSettings): Promise<Handshake> {
  return new Promise((resolve, reject) => {
    let staple: Buffer | undefined
    const socket = connect(options(raw, settings))
    const fail = (error: Error): void => {
      clearTimeout(timer)
      socket.destroy()
      reject(error)
    }
    const late = new HandshakeFailed('TIMEOUT', `the handshake is not done within ${settings.timeoutMs / 1000} s`)
    const timer = setTimeout(() => fail(late), settings.timeoutMs)
    socket.on('OCSPResponse', (response: Buffer | null) => {
      if (response && response.length > 0) staple = response
    })
    socket.on('error', (error: NodeJS.ErrnoException) => fail(failure(error, socket)))
    socket.on('close', () => fail(new HandshakeFailed('CLOSED', 'the server closes the connection')))
    socket.once('secureConnect', () => {
      clearTimeout(timer)
      resolve({ socket, staple })
    })
  })
}

function options(
  socket: Duplex,
  { serverName, ca, wide, pinned }: HandshakeSettings,
): ConnectionOptions & Pick<TLSSocketOptions, 'requestOCSP'> {
  return {
    socket,
    requestOCSP: true,
    // An address is no SNI name (RFC 6066 section 3); the certificate is then checked for the address.
    ...(isIP(serverName) ? { host: serverName } : { servername: serverName }),
    ca: [...ca],
    ...(wide ? { minVersion: 'TLSv1', maxVersion: 'TLSv1.3', ciphers: 'ALL:eNULL:@SECLEVEL=0' } : {}),
    ...(pinned
      ? {
          ca: pinned.map((certificate) => certificate.toString()),
          allowPartialTrustChain: true,
          checkServerIdentity: () => undefined,
        }
      : {}),
  }
}

function failure({ code = '', message }: NodeJS.ErrnoException, { authorizationError }: TLSSocket): Error {
  // Newer versions of Node.js add advice about their own options behind a semicolon.
  if (authorizationError) return new Untrusted(code, message.split('; ')[0] ?? message)
  const alert = /SSL alert number (\d+)/.exec(message)?.[1]
  const words =
    serverAlerts[alert ?? ''] ??
    handshakeWords[code] ??
    `${message.replace(/^[0-9A-F]+:error:[0-9A-F]+:/, '')}${code && ` (${code})`}`
  return new HandshakeFailed(code, words)
}

/** What Node.js's codes mean on a client's side. */
const handshakeWords: Readonly<Record<string, string>> = {
  ERR_SSL_WRONG_VERSION_NUMBER: 'the server answers with something that is not TLS',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'the server answers with something that is not TLS',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'the server agrees only on a version that is not accepted here',
  ECONNRESET: 'the server closes the connection during the handshake',
}

/** Alerts of the server, by their number: OpenSSL's names for them differ from version to version. */
const serverAlerts: Readonly<Record<string, string>> = {
  40: 'the server finds nothing acceptable among what was offered (alert 40)',
  70: 'the server accepts none of the versions offered (alert 70)',
  71: 'the server asks for stronger suites (alert 71)',
  80: 'the server reports an internal error (alert 80)',
  112: 'the server does not know the name asked for (alert 112)',
  116: 'the server requires a client certificate (alert 116)',
}
