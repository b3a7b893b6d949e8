import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { isIP } from 'node:net'
import { uint16, vector } from '../../../tls/negotiation/octets.ts'
import { VerifyError } from '../types.ts'
import type { Wire } from '../wire.ts'
import { extensionIds, readServerAnswer, type ServerAnswer, type ServerHello } from './answer.ts'

/** The server's answer to a ClientHello; `closed` if it ended the connection instead. */
export type HelloOutcome = Accepted | Exclude<ServerAnswer, { kind: 'more' | 'hello' }> | { readonly kind: 'closed' }

/** The answer of a server that accepts the offer, with the message that it answers. */
export type Accepted = ServerHello & { readonly clientHello: Buffer }

/** Longest first flight that is read: more than the certificates of any server. */
const MAX_FLIGHT_OCTETS = 1024 * 1024

/** Sends a ClientHello and reads the server's first flight. The wire stays open for the next messages. */
export async function askHello(wire: Wire, offer: HelloOffer): Promise<HelloOutcome> {
  const message = clientHello(offer)
  wire.write(record(contentTypes.handshake, offer.version === 0x0300 ? 0x0300 : 0x0301, message))
  try {
    const answer = await wire.answer(() => firstFlight(wire))
    return answer.kind === 'hello' ? { ...answer, clientHello: message } : answer
  } catch {
    // It closed the connection, stayed silent or sent malformed or endless data: it did not accept the offer.
    return { kind: 'closed' }
  }
}

async function firstFlight(wire: Wire): Promise<Exclude<ServerAnswer, { kind: 'more' }>> {
  let received: Buffer = Buffer.alloc(0)
  while (received.length <= MAX_FLIGHT_OCTETS) {
    received = Buffer.concat([received, await wire.octets()])
    const answer = readServerAnswer(received)
    if (answer.kind !== 'more') return answer
  }
  throw new VerifyError(`the server sends a first flight of more than ${MAX_FLIGHT_OCTETS / 1024} KiB`)
}

/** The contents of a ClientHello. */
export interface HelloOffer {
  /** The version offered, as on the wire: 0x0300 (SSL 3.0) to 0x0304 (TLS 1.3). */
  readonly version: number
  /** With TLS 1.3: also offers TLS 1.2, as current clients do. */
  readonly alsoTls12?: boolean
  readonly suites: readonly number[]
  readonly serverName: string
  /** Offers DEFLATE before no compression. RFC 3749 */
  readonly compression?: boolean
  /** Offers the heartbeat extension. RFC 6520 section 2 */
  readonly heartbeat?: boolean
  /** Offers only these groups of TLS 1.3, without a key share. */
  readonly groups?: readonly number[]
  /** Also offers these extensions, without data. */
  readonly empty?: readonly number[]
}

/**
 * Builds a ClientHello, with versions and suites that current TLS libraries no longer offer. RFC 8446 section
 * 4.1.2; RFC 5246 section 7.4.1.2; RFC 6101 section 5.6.1.2 (SSL 3.0, which has no extensions).
 */
function clientHello(offer: HelloOffer): Buffer {
  const { version, suites, compression } = offer
  const is13 = version === 0x0304
  const body = Buffer.concat([
    uint16(Math.min(version, 0x0303)),
    randomBytes(32),
    // Middleboxes expect a session identifier in TLS 1.3. RFC 8446 appendix D.4
    vector8(is13 ? randomBytes(32) : Buffer.alloc(0)),
    vector16(Buffer.concat(suites.map(uint16))),
    vector8(Buffer.from(compression ? [1, 0] : [0])),
    ...(version === 0x0300 ? [] : [vector16(extensions(offer))]),
  ])
  return Buffer.concat([Buffer.from([1]), vector(3, body)])
}

/** Content types of records. RFC 8446 section 5.1; RFC 6520 section 6. */
export const contentTypes = {
  changeCipherSpec: 20,
  alert: 21,
  handshake: 22,
  applicationData: 23,
  heartbeat: 24,
} as const

/** Returns an unencrypted record. RFC 8446 section 5.1. */
export const record = (contentType: number, version: number, content: Buffer): Buffer =>
  Buffer.concat([Buffer.from([contentType]), uint16(version), vector16(content)])

function extensions({ version, alsoTls12, serverName, heartbeat, groups: only, empty = [] }: HelloOffer): Buffer {
  const is13 = version === 0x0304
  const offered = alsoTls12 ? [0x0304, 0x0303] : [0x0304]
  const all = [
    // An address is not allowed in SNI. RFC 6066 section 3
    ...(isIP(serverName) || serverName === ''
      ? []
      : [extension(0, vector16(Buffer.concat([Buffer.from([0]), vector16(Buffer.from(serverName, 'latin1'))])))]),
    // supported_groups, ec_point_formats. RFC 8422 section 5.1
    extension(10, vector16(Buffer.concat((only ?? (is13 ? groups13 : groups)).map(uint16)))),
    extension(11, vector8(Buffer.from([0]))),
    // signature_algorithms, with SHA-1 and MD5 to see whether the server accepts them. RFC 8446 section 4.2.3
    extension(13, vector16(Buffer.concat(signatureAlgorithms.map(uint16)))),
    // peer_allowed_to_send. RFC 6520 section 2
    ...(heartbeat ? [extension(extensionIds.heartbeat, Buffer.from([1]))] : []),
    // signed_certificate_timestamp. RFC 6962 section 3.3.1
    extension(extensionIds.timestamps, Buffer.alloc(0)),
    // Empty in a first handshake. RFC 5746 section 3.4
    extension(extensionIds.renegotiationInfo, Buffer.from([0])),
    ...(is13
      ? [
          extension(43, vector8(Buffer.concat(offered.map(uint16)))),
          extension(51, vector16(only ? Buffer.alloc(0) : keyShare())),
        ]
      : []),
    ...empty.map((type) => extension(type, Buffer.alloc(0))),
  ]
  return Buffer.concat(all)
}

/** X25519, P-256, P-384 and P-521. With the groups of RFC 7919 a server would not show its own Diffie-Hellman group. */
const groups = [0x001d, 0x0017, 0x0018, 0x0019]
/** Also X448, those of RFC 7919 and of RFC 8734, and ML-KEM alone and in hybrids, of which a server may have only one. */
export const groups13: readonly number[] = [
  ...groups,
  ...[0x001e, 0x0100, 0x0101, 0x0102, 0x0103, 0x0104, 0x001f, 0x0020, 0x0021],
  ...[0x11ec, 0x11eb, 0x11ed, 0x0200, 0x0201, 0x0202],
]

const signatureAlgorithms = [
  // ML-DSA, which servers with such a certificate need
  0x0904, 0x0905, 0x0906, 0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601,
  0x0203, 0x0201, 0x0101,
]

/** Returns a key share for X25519. A server that wants another group requests it, which also shows the version. */
function keyShare(): Buffer {
  const spki = generateKeyPairSync('x25519').publicKey.export({ type: 'spki', format: 'der' })
  return Buffer.concat([uint16(0x001d), vector16(spki.subarray(-32))])
}

const extension = (type: number, data: Buffer): Buffer => Buffer.concat([uint16(type), vector16(data)])

const vector8 = (octets: Buffer): Buffer => vector(1, octets)
const vector16 = (octets: Buffer): Buffer => vector(2, octets)
