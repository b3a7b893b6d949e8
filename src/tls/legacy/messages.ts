import { extensionTypes } from '../negotiation/client-hello-extensions.ts'
import { uint16, vector } from '../negotiation/octets.ts'
import { type LegacyVersion, legacyVersions } from './suites.ts'

/** Types of handshake messages. RFC 2246 section 7.4. */
export const handshakeTypes = {
  helloRequest: 0,
  clientHello: 1,
  serverHello: 2,
  certificate: 11,
  serverKeyExchange: 12,
  serverHelloDone: 14,
  clientKeyExchange: 16,
  finished: 20,
} as const

/** Returns a handshake message with its header. */
export function handshakeMessage(type: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.of(type), vector(3, body)])
}

/** The content of a ServerHello. */
interface ServerHello {
  readonly version: LegacyVersion
  readonly random: Buffer
  readonly sessionId: Buffer
  readonly suite: number
  /** Whether to confirm RFC 5746, because the client signalled it. */
  readonly secureRenegotiation: boolean
  /** Whether the master secret covers the handshake. RFC 7627. */
  readonly extendedMasterSecret: boolean
  /** Whether the server answers heartbeat requests. RFC 6520. */
  readonly heartbeat: boolean
  /** Whether the client's server name selected the certificate. RFC 6066 section 3. */
  readonly serverNameUsed: boolean
}

/** Returns a ServerHello message. RFC 2246 section 7.4.1.3. */
export function serverHello(hello: ServerHello): Buffer {
  const extensions: Buffer[] = []
  if (hello.serverNameUsed) extensions.push(uint16(extensionTypes.serverName), vector(2, Buffer.alloc(0)))
  // RFC 5746 section 3.6: empty, because no handshake precedes this one.
  if (hello.secureRenegotiation) extensions.push(uint16(extensionTypes.renegotiationInfo), vector(2, Buffer.of(0)))
  if (hello.extendedMasterSecret)
    extensions.push(uint16(extensionTypes.extendedMasterSecret), vector(2, Buffer.alloc(0)))
  // RFC 6520 section 2: peer_allowed_to_send.
  if (hello.heartbeat) extensions.push(uint16(extensionTypes.heartbeat), vector(2, Buffer.of(1)))
  const body = [
    uint16(legacyVersions[hello.version]),
    hello.random,
    vector(1, hello.sessionId),
    uint16(hello.suite),
    Buffer.of(0),
  ]
  if (extensions.length > 0) body.push(vector(2, Buffer.concat(extensions)))
  return handshakeMessage(handshakeTypes.serverHello, Buffer.concat(body))
}

/** Returns a Certificate message. RFC 2246 section 7.4.2. @param chainDer the server's certificate first */
export function certificateMessage(chainDer: readonly Buffer[]): Buffer {
  const list = Buffer.concat(chainDer.map((der) => vector(3, der)))
  return handshakeMessage(handshakeTypes.certificate, vector(3, list))
}

/** The ServerHelloDone message. RFC 2246 section 7.4.5. */
export const serverHelloDone = handshakeMessage(handshakeTypes.serverHelloDone, Buffer.alloc(0))
