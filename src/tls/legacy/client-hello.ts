import { LegacyTlsError } from './alerts.ts'
import { OctetReader } from './octets.ts'

/** The engine's view of a ClientHello. RFC 2246 section 7.4.1.2. */
export interface LegacyClientHello {
  /** Highest version offered, as on the wire. */
  readonly version: number
  /** 32 octets. */
  readonly random: Buffer
  readonly sessionId: Buffer
  /** In the client's order, signalling values included. */
  readonly suites: readonly number[]
  readonly compressions: readonly number[]
  readonly serverName?: string
  /** Content of `renegotiation_info`, where it was sent. RFC 5746 section 3.2. */
  readonly renegotiationInfo?: Buffer
}

const SERVER_NAME = 0x0000
export const RENEGOTIATION_INFO = 0xff01

/** @param body of the handshake message @throws LegacyTlsError decode_error */
export function parseClientHello(body: Buffer): LegacyClientHello {
  const reader = new OctetReader(body)
  const version = reader.uint16()
  const random = reader.octets(32)
  const sessionId = reader.vector8()
  const suites = toUint16s(reader.vector16())
  const compressions = [...reader.vector8()]
  if (sessionId.length > 32) throw new LegacyTlsError('decode_error', 'a session id of more than 32 octets')
  // What follows is extensions, or, in the wording of 1999, something to be ignored. RFC 2246 section 7.4.1.2; RFC 4366.
  const extensions = reader.atEnd ? new Map<number, Buffer>() : parseExtensions(reader.vector16())
  const serverName = parseServerName(extensions.get(SERVER_NAME))
  const renegotiationInfo = extensions.get(RENEGOTIATION_INFO)
  return {
    version,
    random,
    sessionId,
    suites,
    compressions,
    ...(serverName !== undefined && { serverName }),
    ...(renegotiationInfo && { renegotiationInfo: new OctetReader(renegotiationInfo).vector8() }),
  }
}

/**
 * A ClientHello in SSL 2.0's form that offers SSL 3.0 or later.
 * RFC 2246 appendix E.1.
 * @param message without its two octets of length
 * @throws LegacyTlsError
 */
export function parseSsl2ClientHello(message: Buffer): LegacyClientHello {
  const reader = new OctetReader(message)
  reader.octets(1)
  const version = reader.uint16()
  const suitesOctets = reader.uint16()
  const sessionIdOctets = reader.uint16()
  const challengeOctets = reader.uint16()
  if (suitesOctets % 3 !== 0 || challengeOctets < 16 || challengeOctets > 32) {
    throw new LegacyTlsError('decode_error', 'lengths in an SSL 2.0 ClientHello')
  }
  const specs = reader.octets(suitesOctets)
  reader.octets(sessionIdOctets)
  const challenge = reader.octets(challengeOctets)
  reader.expectEnd()
  const suites: number[] = []
  // Three octets each; those of SSL 2.0 alone do not begin with 0.
  for (let at = 0; at < specs.length; at += 3) if (specs[at] === 0) suites.push(specs.readUInt16BE(at + 1))
  // The challenge is the random value, with zeros in front.
  const random = Buffer.concat([Buffer.alloc(32 - challengeOctets), challenge])
  return { version, random, sessionId: Buffer.alloc(0), suites, compressions: [0] }
}

function parseExtensions(octets: Buffer): Map<number, Buffer> {
  const reader = new OctetReader(octets)
  const extensions = new Map<number, Buffer>()
  while (!reader.atEnd) {
    const type = reader.uint16()
    if (extensions.has(type)) throw new LegacyTlsError('decode_error', 'an extension twice')
    extensions.set(type, reader.vector16())
  }
  return extensions
}

/** RFC 6066 section 3. */
function parseServerName(extension: Buffer | undefined): string | undefined {
  if (!extension) return undefined
  const list = new OctetReader(new OctetReader(extension).vector16())
  while (!list.atEnd) {
    const type = list.octets(1)[0]
    const name = list.vector16()
    if (type === 0) return name.toString('latin1')
  }
  return undefined
}

function toUint16s(octets: Buffer): number[] {
  if (octets.length % 2 !== 0) throw new LegacyTlsError('decode_error', 'an odd length of suites')
  return Array.from({ length: octets.length / 2 }, (_, i) => octets.readUInt16BE(2 * i))
}
