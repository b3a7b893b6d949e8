import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import { type ConnectionOptions, connect, type EphemeralKeyInfo, type TLSSocket, type TLSSocketOptions } from 'node:tls'
import { clearTimeout, setTimeout } from '../../../core/time/real-timers.ts'
import { groupName } from '../../../tls/negotiation/names.ts'
import { suiteBits, suiteKeyExchange, suiteName } from '../../../tls/negotiation/suites.ts'
import { VerifyError } from '../types.ts'
import type { Tap } from '../wire.ts'
import { readServerAnswer } from './answer.ts'
import { alertOf, explainServer, isServerMistake } from './errors.ts'

/** Settings of a client handshake. */
export interface HandshakeSettings {
  readonly serverName: string
  /** Trusted roots in PEM. */
  readonly ca: readonly string[]
  readonly timeoutMs: number
  /** Offers everything that Node.js supports, even broken suites, to examine servers with nothing better. */
  readonly wide?: boolean
  /** Trusts only the first of these certificates, those that the server sent before, with any name and date. */
  readonly pinned?: readonly X509Certificate[]
  readonly maxVersion?: 'TLSv1.2' | 'TLSv1.3'
  /** Protocols to offer. RFC 7301. */
  readonly alpn?: readonly string[] | undefined
  /** A session to resume. */
  readonly session?: Buffer
  /** Asks for this name instead of the server's, and accepts a certificate for any name. */
  readonly otherName?: string
}

/** The certificate does not verify; the rest of the handshake is valid. */
export class Untrusted extends VerifyError {
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** The handshake failed for another reason. `code` is that of Node.js or OpenSSL. */
export class HandshakeFailed extends VerifyError {
  readonly code: string
  /** The number of the server's alert. RFC 8446 section 6. */
  readonly alert: number | undefined
  constructor(code: string, message: string, alert?: number) {
    super(message)
    this.code = code
    this.alert = alert
  }

  /** The server breaks the protocol, so that no client accepts the handshake. */
  get breaksProtocol(): boolean {
    return isServerMistake(this.code)
  }
}

export interface Handshake {
  readonly socket: TLSSocket
  /** The stapled OCSP response. RFC 6066 section 8. */
  readonly staple: Buffer | undefined
}

/** Does a verified handshake on a raw stream. @throws Untrusted HandshakeFailed */
export function handshake(raw: Duplex, settings: HandshakeSettings): Promise<Handshake> {
  return new Promise((resolve, reject) => {
    let staple: Buffer | undefined
    const socket = connect(options(raw, settings))
    const fail = (error: Error): void => {
      clearTimeout(timer)
      socket.destroy()
      reject(error)
    }
    const late = new HandshakeFailed('TIMEOUT', `the handshake did not finish within ${settings.timeoutMs / 1000} s`)
    const timer = setTimeout(() => fail(late), settings.timeoutMs)
    socket.on('OCSPResponse', (response: Buffer | null) => {
      if (response && response.length > 0) staple = response
    })
    socket.on('error', (error: NodeJS.ErrnoException) => fail(failure(error, socket)))
    socket.on('close', () => fail(new HandshakeFailed('CLOSED', 'the server closes the connection')))
    socket.once('secureConnect', () => {
      if (settings.pinned && !isPinned(socket, settings.pinned)) {
        return fail(new Untrusted('CHANGED', 'the server shows another certificate than before'))
      }
      clearTimeout(timer)
      resolve({ socket, staple })
    })
  })
}

const isPinned = (socket: TLSSocket, [own]: readonly X509Certificate[]): boolean =>
  own !== undefined && (socket.getPeerX509Certificate()?.raw.equals(own.raw) ?? false)

function options(
  socket: Duplex,
  { serverName, ca, wide, pinned, maxVersion, alpn, session, otherName }: HandshakeSettings,
): ConnectionOptions & Pick<TLSSocketOptions, 'requestOCSP'> {
  return {
    socket,
    requestOCSP: true,
    // An address is not allowed in SNI (RFC 6066 section 3). Node.js then checks the certificate for the address.
    ...(isIP(serverName) ? { host: serverName } : { servername: serverName }),
    ...(wide ? { minVersion: 'TLSv1', maxVersion: 'TLSv1.3', ciphers: 'ALL:eNULL:@SECLEVEL=0' } : {}),
    ...(pinned
      ? {
          // `handshake` compares the certificate itself: OpenSSL would refuse one that has expired. To load roots takes longer
          // than a handshake.
          rejectUnauthorized: false,
          ca: [],
        }
      : { ca: [...ca] }),
    ...(maxVersion ? { maxVersion } : {}),
    ...(alpn ? { ALPNProtocols: [...alpn] } : {}),
    ...(session ? { session } : {}),
    ...(otherName === undefined ? {} : { servername: otherName, checkServerIdentity: () => undefined }),
  }
}

function failure(error: NodeJS.ErrnoException, { authorizationError }: TLSSocket): Error {
  const { code = '', message } = error
  // Newer versions of Node.js add advice about their own options after a semicolon.
  if (authorizationError) return new Untrusted(code, message.split('; ')[0] ?? message)
  return new HandshakeFailed(code, explainServer(error), alertOf(error))
}

/** The negotiated parameters of a handshake. */
export interface Agreed {
  readonly version: string
  /** IANA code point, or the name if Node.js did the handshake. */
  readonly suite: number | string
  /** Code point or name of the key-exchange group. */
  readonly group?: number | string | undefined
}

/** The negotiated parameters by name, for reports. */
export interface AgreedFacts {
  readonly version: string
  readonly cipher: string
  readonly bits: number | undefined
  readonly keyExchange: string | undefined
}

export function describeAgreed({ version, suite, group }: Agreed): AgreedFacts {
  const cipher = typeof suite === 'number' ? suiteName(suite) : suite
  const named = typeof group === 'number' ? groupName(group) : group
  const exchange = suiteKeyExchange(cipher)
  const keyExchange = [exchange, named].filter((part) => part !== undefined).join(' ') || undefined
  return { version, cipher, bits: suiteBits(cipher), keyExchange }
}

/** Reads the negotiated parameters from a socket and the octets that it received. */
export function readAgreed(socket: TLSSocket, tap: Tap): Agreed {
  const group = groupOnWire(Buffer.concat(tap.received)) ?? groupOf(socket.getEphemeralKeyInfo())
  return { version: socket.getProtocol() ?? 'unknown', suite: socket.getCipher().standardName, group }
}

/** Reads the group from a TLS 1.3 ServerHello, because Node.js does not name hybrid groups. */
function groupOnWire(received: Buffer): number | undefined {
  // With STARTTLS, the first record follows the lines in clear text.
  for (let at = received.indexOf(HANDSHAKE_RECORD); at !== -1; at = received.indexOf(HANDSHAKE_RECORD, at + 1)) {
    try {
      const answer = readServerAnswer(received.subarray(at))
      if (answer.kind === 'hello') return answer.group
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
    }
  }
  return undefined
}

const HANDSHAKE_RECORD = Buffer.from([22, 3])

function groupOf(info: EphemeralKeyInfo | object | null): string | undefined {
  if (!info || !('type' in info)) return undefined
  if (info.type === 'DH') return `${info.size} bits`
  return curveNames[info.name ?? ''] ?? info.name
}

const curveNames: Readonly<Record<string, string>> = {
  prime256v1: 'P-256',
  secp384r1: 'P-384',
  secp521r1: 'P-521',
}
