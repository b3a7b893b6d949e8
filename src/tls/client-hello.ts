import type { Duplex } from 'node:stream'
import type { ClientHelloFacts } from '../sessions/types.ts'
import { MalformedMessage, OctetReader } from './octets.ts'

/**
 * A ClientHello as sent: SSL 2.0 format, SSL 3.0 or any TLS version. RFC 8446 section 4.1.2; RFC 5246 appendix E.2.
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
  /** Content by extension type. */
  readonly extensions: ReadonlyMap<number, Buffer>
  /** Violations of the grammar that did not prevent parsing; empty for a correct message. */
  readonly defects: readonly string[]
}

/** What the first octets of a connection are; `more` means that the ClientHello is not complete yet. */
export type HelloResult =
  | { readonly kind: 'hello'; readonly facts: ClientHelloFacts; readonly sslv2: boolean }
  | { readonly kind: 'more' }
  | { readonly kind: 'not-tls' }

/** What a client sent first: a ClientHello, or something that is not TLS. */
export type FirstOctets =
  | { readonly kind: 'hello'; readonly facts: ClientHelloFacts; readonly sslv2: boolean }
  | { readonly kind: 'not-tls'; readonly octets: Buffer }

/** Longer than any ClientHello with post-quantum key shares. */
const MAX_HELLO_OCTETS = 32 * 1024
const HANDSHAKE_RECORD = 22
const CLIENT_HELLO = 1
const RECORD_HEADER_OCTETS = 5
const MESSAGE_HEADER_OCTETS = 4
const RANDOM_OCTETS = 32

/** Extension types. RFC 6066 section 3, RFC 7301 section 3.1, RFC 8446 sections 4.2.1 and 4.2.8, RFC 5746 section 3.2. */
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
 * Reads the ClientHello from a raw socket and puts it back, so that the handshake still finds it. Leaves the socket paused.
 * @returns undefined when the client closes, or sends nothing more for `timeoutMs`, before the ClientHello is complete
 */
export function peekClientHello(raw: Duplex, timeoutMs: number): Promise<FirstOctets | undefined> {
  return new Promise((resolve) => {
    let held: Buffer | undefined
    const done = (first: FirstOctets | undefined): void => {
      clearTimeout(timer)
      raw.off('data', onData)
      raw.off('end', onGone)
      raw.off('close', onGone)
      raw.pause()
      if (held && !raw.destroyed) raw.unshift(held)
      resolve(first)
    }
    const onGone = (): void => done(undefined)
    const onData = (chunk: Buffer): void => {
      held = held ? Buffer.concat([held, chunk]) : chunk
      const result = readClientHello(held)
      if (result.kind === 'hello') done(result)
      else if (result.kind === 'not-tls' || held.length > MAX_HELLO_OCTETS) done({ kind: 'not-tls', octets: held })
    }
    const timer = setTimeout(onGone, timeoutMs)
    raw.on('end', onGone)
    raw.on('close', onGone)
    raw.on('data', onData)
    // The previous reader of the socket left it paused.
    raw.resume()
  })
}

/** Finds and reads a ClientHello in the first octets of a connection, in TLS records or in SSL 2.0 format. */
export function readClientHello(octets: Buffer): HelloResult {
  if (octets.length < 3) return { kind: 'more' }
  if (octets[0] === HANDSHAKE_RECORD && octets[1] === 3) return readFromRecords(octets)
  if (((octets[0] as number) & 0x80) !== 0 && octets[2] === CLIENT_HELLO) return readSslv2(octets)
  return { kind: 'not-tls' }
}

function readFromRecords(octets: Buffer): HelloResult {
  let message: Buffer | undefined
  for (let at = 0; at + RECORD_HEADER_OCTETS <= octets.length; ) {
    if (octets[at] !== HANDSHAKE_RECORD) return { kind: 'not-tls' }
    const end = at + RECORD_HEADER_OCTETS + octets.readUInt16BE(at + 3)
    const fragment = octets.subarray(at + RECORD_HEADER_OCTETS, end)
    message = message === undefined ? fragment : Buffer.concat([message, fragment])
    if (message.length > 0 && message[0] !== CLIENT_HELLO) return { kind: 'not-tls' }
    if (message.length >= MESSAGE_HEADER_OCTETS) {
      const messageEnd = MESSAGE_HEADER_OCTETS + message.readUIntBE(1, 3)
      if (message.length >= messageEnd) return helloResult(message.subarray(MESSAGE_HEADER_OCTETS, messageEnd), false)
    }
    if (end > octets.length) break
    at = end
  }
  return octets.length > MAX_HELLO_OCTETS ? { kind: 'not-tls' } : { kind: 'more' }
}

function readSslv2(octets: Buffer): HelloResult {
  const end = 2 + (octets.readUInt16BE(0) & 0x7fff)
  return octets.length < end ? { kind: 'more' } : helloResult(octets.subarray(2, end), true)
}

function helloResult(message: Buffer, sslv2: boolean): HelloResult {
  try {
    const hello = sslv2 ? parseSslv2ClientHello(message) : parseClientHello(message)
    return { kind: 'hello', facts: clientHelloFacts(hello, sslv2), sslv2 }
  } catch (error) {
    if (error instanceof MalformedMessage) return { kind: 'not-tls' }
    throw error
  }
}

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
  const suiteOctets = reader.vector16()
  if (suiteOctets.length % 2 !== 0) defects.push('an odd length of suites')
  const compressionMethods = reader.vector8()
  // RFC 2246 section 7.4.1.2 allows any octets here, RFC 5246 only extensions. All clients send extensions or nothing.
  const extensions = reader.left >= 2 ? parseExtensions(reader.vector16(), defects) : new Map<number, Buffer>()
  if (reader.left === 1) defects.push('a message that ends too early')
  const names = extensions.get(extensionTypes.serverName)
  if (names && (names.length < 5 || names.readUInt16BE(0) !== names.length - 2))
    defects.push('wrong lengths in server_name')
  return { version, random, sessionId, suites: uint16s(suiteOctets), compressionMethods, extensions, defects }
}

function parseExtensions(octets: Buffer, defects: string[]): Map<number, Buffer> {
  const reader = new OctetReader(octets)
  const extensions = new Map<number, Buffer>()
  while (reader.left >= 4) {
    const type = reader.uint16()
    if (extensions.has(type)) defects.push('an extension sent twice')
    extensions.set(type, reader.vector16())
  }
  if (reader.left > 0) defects.push('a message that ends too early')
  return extensions
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
    extensions: new Map(),
    defects: isRegular && isComplete ? [] : ['wrong lengths in an SSL 2.0 ClientHello'],
  }
}

/** Returns the host name that the client asked for. RFC 6066 section 3. @throws MalformedMessage */
export function requestedServerName({ extensions }: ClientHello): string | undefined {
  const extension = extensions.get(extensionTypes.serverName)
  if (extension === undefined || extension.length < 5) return undefined
  const reader = new OctetReader(extension, 3)
  return reader.vector16().toString('latin1')
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

/** Clients send GREASE values to keep servers tolerant of unknown ones. RFC 8701. */
const isGrease = (id: number): boolean => (id & 0x0f0f) === 0x0a0a && id >> 8 === (id & 0xff)
const isSuite = (id: number): boolean => id !== EMPTY_RENEGOTIATION_INFO_SCSV && id !== FALLBACK_SCSV && !isGrease(id)

/** Returns what is recorded of a ClientHello, and what decides which engine serves the client. @throws MalformedMessage */
export function clientHelloFacts(hello: ClientHello, sslv2: boolean): ClientHelloFacts {
  const serverName = requestedServerName(hello)
  const keyShares = keyShareGroups(hello.extensions.get(extensionTypes.keyShare))
  return {
    versions: offeredVersions(hello, sslv2).map(versionName),
    suites: hello.suites.filter(isSuite),
    alpn: alpnNames(hello.extensions.get(extensionTypes.alpn)),
    ...(serverName === undefined ? {} : { serverName }),
    ...(keyShares === undefined ? {} : { keyShares }),
  }
}

/** RFC 8446 section 4.2.1: `client_version` does not go beyond TLS 1.2. */
function offeredVersions({ version, extensions }: ClientHello, sslv2: boolean): readonly number[] {
  const extension = extensions.get(extensionTypes.supportedVersions)
  if (extension === undefined) return [sslv2 ? version : Math.min(version, 0x0303)]
  const reader = new OctetReader(extension)
  reader.skip(1)
  return uint16s(reader.octets(reader.left)).filter((id) => !isGrease(id))
}

/** RFC 7301 section 3.1. */
function alpnNames(extension: Buffer | undefined): string[] {
  if (extension === undefined) return []
  const reader = new OctetReader(extension)
  reader.skip(2)
  const names: string[] = []
  while (reader.left > 0) names.push(reader.vector8().toString('latin1'))
  return names
}

/** RFC 8446 section 4.2.8. */
function keyShareGroups(extension: Buffer | undefined): number[] | undefined {
  if (extension === undefined) return undefined
  const reader = new OctetReader(extension)
  reader.skip(2)
  const groups: number[] = []
  while (reader.left > 0) {
    const group = reader.uint16()
    if (!isGrease(group)) groups.push(group)
    reader.skip(reader.uint16())
  }
  return groups
}

/** Reads 16-bit numbers; ignores an odd octet at the end. */
function uint16s(octets: Buffer): number[] {
  const numbers: number[] = []
  for (let at = 0; at + 2 <= octets.length; at += 2) numbers.push(octets.readUInt16BE(at))
  return numbers
}
