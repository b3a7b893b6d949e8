import type { ClientHelloFacts } from '../sessions/types.ts'

/** What the first octets of a handshake are; `more` until a whole ClientHello is there. */
export type HelloResult =
  | { readonly kind: 'hello'; readonly facts: ClientHelloFacts; readonly sslv2: boolean }
  | { readonly kind: 'more' }
  | { readonly kind: 'not-tls' }

const HANDSHAKE = 22
const CLIENT_HELLO = 1
/** Longer than any ClientHello with post-quantum key shares; a client that sends more is not waited for. */
export const MAX_HELLO_OCTETS = 32 * 1024

const versionNames: Readonly<Record<number, string>> = {
  0x0002: 'SSLv2',
  0x0300: 'SSLv3',
  0x0301: 'TLSv1',
  0x0302: 'TLSv1.1',
  0x0303: 'TLSv1.2',
  0x0304: 'TLSv1.3',
}
/** RFC 8701: GREASE. */
const isGrease = (id: number): boolean => (id & 0x0f0f) === 0x0a0a && id >> 8 === (id & 0xff)
/** RFC 5746, RFC 7507: signals, not suites. */
const isSuite = (id: number): boolean => id !== 0x00ff && id !== 0x5600 && !isGrease(id)

/** Reads a ClientHello off the first octets of a connection, whatever its format. RFC 8446 section 4.1.2; RFC 5246 appendix E.2. */
export function parseClientHello(octets: Buffer): HelloResult {
  if (octets.length < 3) return { kind: 'more' }
  if (octets[0] === HANDSHAKE && octets[1] === 3) return parseRecords(octets)
  if (((octets[0] as number) & 0x80) !== 0 && octets[2] === CLIENT_HELLO) return parseSslv2(octets)
  return { kind: 'not-tls' }
}

function parseRecords(octets: Buffer): HelloResult {
  let message: Buffer = Buffer.alloc(0)
  for (let at = 0; at + 5 <= octets.length; ) {
    if (octets[at] !== HANDSHAKE) return { kind: 'not-tls' }
    const end = at + 5 + octets.readUInt16BE(at + 3)
    const fragment = octets.subarray(at + 5, end)
    message = message.length === 0 ? fragment : Buffer.concat([message, fragment])
    if (message.length > 0 && message[0] !== CLIENT_HELLO) return { kind: 'not-tls' }
    if (message.length >= 4) {
      const length = message.readUIntBE(1, 3)
      if (message.length >= 4 + length) return parseHello(message.subarray(4, 4 + length))
    }
    if (end > octets.length) break
    at = end
  }
  return octets.length > MAX_HELLO_OCTETS ? { kind: 'not-tls' } : { kind: 'more' }
}

function parseHello(body: Buffer): HelloResult {
  return reading(body, (reader) => {
    const legacyVersion = reader.uint16()
    reader.skip(32)
    reader.skip(reader.uint8())
    const suites = uint16s(reader.take(reader.uint16())).filter(isSuite)
    reader.skip(reader.uint8())
    const extensions = reader.left >= 2 ? parseExtensions(reader.take(reader.uint16())) : {}
    const versions = extensions.versions ?? [Math.min(legacyVersion, 0x0303)]
    return {
      versions: versions.filter((version) => !isGrease(version)).map(versionName),
      suites,
      alpn: extensions.alpn ?? [],
      ...(extensions.serverName === undefined ? {} : { serverName: extensions.serverName }),
      ...(extensions.keyShares === undefined ? {} : { keyShares: extensions.keyShares }),
    }
  })
}

interface Extensions {
  versions?: number[]
  alpn?: string[]
  serverName?: string
  keyShares?: number[]
}

function parseExtensions(octets: Buffer): Extensions {
  const found: Extensions = {}
  const reader = new Reader(octets)
  while (reader.left >= 4) {
    const type = reader.uint16()
    const data = new Reader(reader.take(reader.uint16()))
    extensionReaders[type]?.(data, found)
  }
  return found
}

const extensionReaders: Readonly<Record<number, (data: Reader, found: Extensions) => void>> = {
  // server_name. RFC 6066 section 3
  0: (data, found) => {
    if (data.left < 5) return
    data.skip(3)
    found.serverName = data.take(data.uint16()).toString('latin1')
  },
  // application_layer_protocol_negotiation. RFC 7301 section 3.1
  16: (data, found) => {
    data.skip(2)
    found.alpn = []
    while (data.left > 0) found.alpn.push(data.take(data.uint8()).toString('latin1'))
  },
  // supported_versions. RFC 8446 section 4.2.1
  43: (data, found) => {
    data.skip(1)
    found.versions = uint16s(data.take(data.left))
  },
  // key_share. RFC 8446 section 4.2.8
  51: (data, found) => {
    data.skip(2)
    const groups: number[] = []
    while (data.left > 0) {
      groups.push(data.uint16())
      data.skip(data.uint16())
    }
    found.keyShares = groups.filter((group) => !isGrease(group))
  },
}

/** The ClientHello of SSL 2.0, in which old clients offered SSL 3.0 and TLS 1.0. RFC 5246 appendix E.2. */
function parseSslv2(octets: Buffer): HelloResult {
  const length = octets.readUInt16BE(0) & 0x7fff
  if (octets.length < 2 + length) return { kind: 'more' }
  const result = reading(octets.subarray(3, 2 + length), (reader) => {
    const version = reader.uint16()
    const suitesLength = reader.uint16()
    reader.skip(4)
    const specs = reader.take(suitesLength)
    const suites: number[] = []
    for (let at = 0; at + 3 <= specs.length; at += 3) {
      // Three octets each; those of SSL 2.0 itself do not begin with a zero.
      if (specs[at] === 0) suites.push(specs.readUInt16BE(at + 1))
    }
    return { versions: [versionName(version)], suites: suites.filter(isSuite), alpn: [] }
  })
  return result.kind === 'hello' ? { ...result, sslv2: true } : result
}

function reading(octets: Buffer, read: (reader: Reader) => ClientHelloFacts): HelloResult {
  try {
    return { kind: 'hello', facts: read(new Reader(octets)), sslv2: false }
  } catch (error) {
    if (error instanceof RangeError) return { kind: 'not-tls' }
    throw error
  }
}

const versionName = (version: number): string => versionNames[version] ?? `0x${version.toString(16).padStart(4, '0')}`

function uint16s(octets: Buffer): number[] {
  return Array.from({ length: octets.length >> 1 }, (_, i) => octets.readUInt16BE(i * 2))
}

/** Reads forward; a read beyond the end throws RangeError. */
class Reader {
  readonly #octets: Buffer
  #at = 0
  constructor(octets: Buffer) {
    this.#octets = octets
  }
  get left(): number {
    return this.#octets.length - this.#at
  }
  uint8(): number {
    return this.take(1)[0] as number
  }
  uint16(): number {
    return this.take(2).readUInt16BE(0)
  }
  skip(octets: number): void {
    this.take(octets)
  }
  take(octets: number): Buffer {
    if (octets > this.left) throw new RangeError('the ClientHello is shorter than it says')
    this.#at += octets
    return this.#octets.subarray(this.#at - octets, this.#at)
  }
}
