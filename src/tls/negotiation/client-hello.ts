import { type ClientHelloExtensions, parseExtensions } from './client-hello-extensions.ts'
import { OctetReader } from './octets.ts'

/**
 * A ClientHello as sent, in SSL 2.0 format or the format of any later version. RFC 8446 section 4.1.2; RFC 5246 appendix E.2.
 * The parser is tolerant, so that a session record shows what a faulty client offered. `defects` lists what it tolerated;
 * the legacy engine refuses such a message.
 */
export interface ClientHello {
  /** `client_version`, the highest version offered by clients before TLS 1.3: 0x0301 is TLS 1.0. */
  readonly version: number
  /** 32 octets. */
  readonly random: Buffer
  readonly sessionId: Buffer
  /** Code points in the client's order, with signalling values and GREASE. */
  readonly suites: readonly number[]
  readonly compressionMethods: Buffer
  readonly extensions: ClientHelloExtensions
  /** Violations of the grammar that did not prevent parsing; empty for a correct message. */
  readonly defects: readonly string[]
}

/** The longest ClientHello that OpenSSL accepts (`CLIENT_HELLO_MAX_LENGTH`). */
export const MAX_HELLO_OCTETS = 131_396
const RANDOM_OCTETS = 32

/** Signalling values in the list of suites. RFC 5746 section 3.3; RFC 7507 section 2. */
export const EMPTY_RENEGOTIATION_INFO_SCSV = 0x00ff
export const FALLBACK_SCSV = 0x5600

/**
 * Parses the body of a ClientHello message. RFC 8446 section 4.1.2; RFC 2246 section 7.4.1.2.
 * @throws MalformedMessage
 */
export function parseClientHello(body: Buffer): ClientHello {
  const reader = new OctetReader(body)
  const defects: string[] = []
  const version = reader.uint16()
  const random = reader.octets(RANDOM_OCTETS)
  const sessionId = reader.vector8()
  if (sessionId.length > 32) defects.push('a session id of more than 32 octets')
  const suiteOctets = reader.uint16()
  if (suiteOctets % 2 !== 0) defects.push('an odd length of suites')
  if (suiteOctets === 0) defects.push('no cipher suites')
  const suites = reader.reader(suiteOctets).uint16s()
  const compressionMethods = reader.vector8()
  if (!compressionMethods.includes(0)) defects.push('no null compression method')
  // RFC 2246 section 7.4.1.2 allows any octets here, RFC 5246 only extensions. All clients send extensions or nothing.
  const extensions = reader.left >= 2 ? parseExtensions(reader.reader(reader.uint16()), defects) : {}
  if (reader.left > 0) defects.push('octets after the extensions')
  return { version, random, sessionId, suites, compressionMethods, extensions, defects }
}

/**
 * Parses a ClientHello in SSL 2.0 format, in which old clients offered SSL 3.0 and TLS 1.0. RFC 2246 appendix E.1.
 * @param message without its two octets of length
 * @throws MalformedMessage
 */
export function parseSslv2ClientHello(message: Buffer): ClientHello {
  const reader = new OctetReader(message, 1)
  const version = reader.uint16()
  const specsOctets = reader.uint16()
  const sessionIdOctets = reader.uint16()
  const challengeOctets = reader.uint16()
  const specs = reader.octets(specsOctets)
  const isRegular = specsOctets % 3 === 0 && challengeOctets >= 16 && challengeOctets <= RANDOM_OCTETS
  const isComplete = reader.left === sessionIdOctets + challengeOctets
  const challenge = isRegular && isComplete ? message.subarray(message.length - challengeOctets) : Buffer.alloc(0)
  const suites: number[] = []
  // Three octets each; the suites that only SSL 2.0 knows do not begin with 0.
  for (let at = 0; at + 3 <= specs.length; at += 3) if (specs[at] === 0) suites.push(specs.readUInt16BE(at + 1))
  return {
    version,
    // The challenge is the random value, padded with zeros on the left.
    random: Buffer.concat([Buffer.alloc(RANDOM_OCTETS - challenge.length), challenge]),
    sessionId: Buffer.alloc(0),
    suites,
    compressionMethods: Buffer.of(0),
    extensions: {},
    defects: isRegular && isComplete ? [] : ['wrong lengths in an SSL 2.0 ClientHello'],
  }
}
