import type { ClientHelloFacts } from '../sessions/types.ts'
import { OctetReader } from './octets.ts'

/**
 * A ClientHello as sent, in SSL 2.0 format or in that of any later version. RFC 8446 section 4.1.2; RFC 5246 appendix E.2.
 * The parser is tolerant, so that a session record shows what a faulty client offered. `defects` lists what it tolerated;
 * the legacy engine rejects such a message.
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

/** The extensions that matter here; numbers are code points, GREASE included. */
export interface ClientHelloExtensions {
  serverName?: string
  alpn?: readonly string[]
  supportedVersions?: readonly number[]
  keyShares?: readonly number[]
  renegotiationInfo?: Buffer
}

const RANDOM_OCTETS = 32

/** IANA numbers of the extensions that matter here. */
export const extensionTypes = {
  serverName: 0,
  alpn: 16,
  supportedVersions: 43,
  keyShare: 51,
  renegotiationInfo: 0xff01,
} as const

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
  const suites = reader.reader(suiteOctets).uint16s()
  const compressionMethods = reader.vector8()
  // RFC 2246 section 7.4.1.2 allows any octets here, RFC 5246 only extensions. All clients send extensions or nothing.
  const extensions = reader.left >= 2 ? parseExtensions(reader.reader(reader.uint16()), defects) : {}
  if (reader.left === 1) defects.push('a message that ends too early')
  return { version, random, sessionId, suites, compressionMethods, extensions, defects }
}

function parseExtensions(reader: OctetReader, defects: string[]): ClientHelloExtensions {
  const found: ClientHelloExtensions = {}
  const types = new Set<number>()
  while (reader.left >= 4) {
    const type = reader.uint16()
    if (types.has(type)) defects.push('an extension sent twice')
    types.add(type)
    const content = reader.reader(reader.uint16())
    extensionParsers[type]?.(content, found, defects)
  }
  if (reader.left > 0) defects.push('a message that ends too early')
  return found
}

type ExtensionParser = (content: OctetReader, found: ClientHelloExtensions, defects: string[]) => void

const extensionParsers: Readonly<Record<number, ExtensionParser>> = {
  // RFC 6066 section 3
  [extensionTypes.serverName](content, found, defects) {
    const isTooShort = content.left < 5
    if (isTooShort || content.uint16() !== content.left) defects.push('wrong lengths in server_name')
    if (isTooShort) return
    content.skip(1)
    found.serverName = content.reader(content.uint16()).text()
  },
  // RFC 7301 section 3.1
  [extensionTypes.alpn](content, found) {
    content.skip(2)
    const names: string[] = []
    while (content.left > 0) names.push(content.reader(content.uint8()).text())
    found.alpn = names
  },
  // RFC 8446 section 4.2.1
  [extensionTypes.supportedVersions](content, found) {
    content.skip(1)
    found.supportedVersions = content.uint16s()
  },
  // RFC 8446 section 4.2.8
  [extensionTypes.keyShare](content, found) {
    content.skip(2)
    const groups: number[] = []
    while (content.left > 0) {
      groups.push(content.uint16())
      content.skip(content.uint16())
    }
    found.keyShares = groups
  },
  // RFC 5746 section 3.2
  [extensionTypes.renegotiationInfo](content, found) {
    found.renegotiationInfo = content.vector8()
  },
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

const versionNames: Readonly<Record<number, string>> = {
  0x0002: 'SSLv2',
  0x0300: 'SSLv3',
  0x0301: 'TLSv1',
  0x0302: 'TLSv1.1',
  0x0303: 'TLSv1.2',
  0x0304: 'TLSv1.3',
}
const versionName = (version: number): string => versionNames[version] ?? `0x${version.toString(16).padStart(4, '0')}`

/** Returns whether a value is GREASE, which clients send to keep servers tolerant of unknown values. RFC 8701. */
const isGrease = (id: number): boolean => (id & 0x0f0f) === 0x0a0a && id >> 8 === (id & 0xff)
const isSuite = (id: number): boolean => id !== EMPTY_RENEGOTIATION_INFO_SCSV && id !== FALLBACK_SCSV && !isGrease(id)

/**
 * Limits of what is recorded. A ClientHello of 128 KiB can name 65,000 suites or 32,000 protocols, and a record is kept
 * for long. IANA lists fewer than 400 suites.
 */
const MAX_SUITES = 512
const MAX_NAMES = 64
/** RFC 1035 section 2.3.4. */
const MAX_SERVER_NAME = 255

/** Returns the first distinct items, at most `max`. */
const firstOf = <T>(items: Iterable<T>, max: number): T[] => [...new Set(items)].slice(0, max)

/** Returns the facts about a ClientHello that are recorded, and that decide which engine serves the client. */
export function clientHelloFacts({ version, suites, extensions }: ClientHello, sslv2: boolean): ClientHelloFacts {
  const { serverName, alpn, supportedVersions, keyShares } = extensions
  // RFC 8446 section 4.2.1: `client_version` does not go beyond TLS 1.2.
  const highest = sslv2 ? version : Math.min(version, 0x0303)
  const versions = supportedVersions?.filter((id) => !isGrease(id)) ?? [highest]
  return {
    versions: firstOf(versions, MAX_NAMES).map(versionName),
    suites: firstOf(suites.filter(isSuite), MAX_SUITES),
    alpn: firstOf(alpn ?? [], MAX_NAMES),
    // A copy, because a slice would keep the whole text in memory.
    ...(serverName === undefined ? {} : { serverName: Buffer.from(serverName.slice(0, MAX_SERVER_NAME)).toString() }),
    ...(keyShares === undefined
      ? {}
      : {
          keyShares: firstOf(
            keyShares.filter((id) => !isGrease(id)),
            MAX_NAMES,
          ),
        }),
  }
}
