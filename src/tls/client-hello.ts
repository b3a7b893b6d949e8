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
/** GREASE is what clients make up to keep servers tolerant. RFC 8701 */
const isNoGrease = (id: number): boolean => (id & 0x0f0f) !== 0x0a0a || id >> 8 !== (id & 0xff)
/** RFC 5746, RFC 7507: signals, not suites. */
const isSuite = (id: number): boolean => id !== 0x00ff && id !== 0x5600 && isNoGrease(id)

/** Reads a ClientHello off the first octets of a connection, whatever its format. RFC 8446 section 4.1.2; RFC 5246 appendix E.2. */
export function parseClientHello(octets: Buffer): HelloResult {
  if (octets.length < 3) return { kind: 'more' }
  if (octets[0] === HANDSHAKE && octets[1] === 3) return parseRecords(octets)
  if (((octets[0] as number) & 0x80) !== 0 && octets[2] === CLIENT_HELLO) return parseSslv2(octets)
  return { kind: 'not-tls' }
}

function parseRecords(octets: Buffer): HelloResult {
  let message: Buffer | undefined
  for (let at = 0; at + 5 <= octets.length; ) {
    if (octets[at] !== HANDSHAKE) return { kind: 'not-tls' }
    const end = at + 5 + octets.readUInt16BE(at + 3)
    const fragment = octets.subarray(at + 5, end)
    message = message === undefined ? fragment : Buffer.concat([message, fragment])
    if (message.length > 0 && message[0] !== CLIENT_HELLO) return { kind: 'not-tls' }
    if (message.length >= 4) {
      const length = message.readUIntBE(1, 3)
      if (message.length >= 4 + length) return reading(new Reader(message, 4, 4 + length), readHello)
    }
    if (end > octets.length) break
    at = end
  }
  return octets.length > MAX_HELLO_OCTETS ? { kind: 'not-tls' } : { kind: 'more' }
}

function readHello(hello: Reader): ClientHelloFacts {
  const legacyVersion = hello.uint16()
  hello.skip(32)
  hello.skip(hello.uint8())
  const suites = uint16s(hello.take(hello.uint16()), isSuite)
  hello.skip(hello.uint8())
  const extensions = hello.left >= 2 ? readExtensions(hello.take(hello.uint16())) : {}
  const versions = extensions.versions ?? [Math.min(legacyVersion, 0x0303)]
  return {
    versions: versions.map(versionName),
    suites,
    alpn: extensions.alpn ?? [],
    ...(extensions.serverName === undefined ? {} : { serverName: extensions.serverName }),
    ...(extensions.keyShares === undefined ? {} : { keyShares: extensions.keyShares }),
  }
}

interface Extensions {
  versions?: number[]
  alpn?: string[]
  serverName?: string
  keyShares?: number[]
}

function readExtensions(extensions: Reader): Extensions {
  const found: Extensions = {}
  while (extensions.left >= 4) {
    const read = extensionReaders[extensions.uint16()]
    const data = extensions.take(extensions.uint16())
    read?.(data, found)
  }
  return found
}

const extensionReaders: Readonly<Record<number, (data: Reader, found: Extensions) => void>> = {
  // server_name. RFC 6066 section 3
  0: (data, found) => {
    if (data.left < 5) return
    data.skip(3)
    found.serverName = data.take(data.uint16()).text()
  },
  // application_layer_protocol_negotiation. RFC 7301 section 3.1
  16: (data, found) => {
    data.skip(2)
    found.alpn = []
    while (data.left > 0) found.alpn.push(data.take(data.uint8()).text())
  },
  // supported_versions. RFC 8446 section 4.2.1
  43: (data, found) => {
    data.skip(1)
    found.versions = uint16s(data, isNoGrease)
  },
  // key_share. RFC 8446 section 4.2.8
  51: (data, found) => {
    data.skip(2)
    const groups: number[] = []
    while (data.left > 0) {
      const group = data.uint16()
      if (isNoGrease(group)) groups.push(group)
      data.skip(data.uint16())
    }
    found.keyShares = groups
  },
}

/** The ClientHello of SSL 2.0, in which old clients offered SSL 3.0 and TLS 1.0. RFC 5246 appendix E.2. */
function parseSslv2(octets: Buffer): HelloResult {
  const length = octets.readUInt16BE(0) & 0x7fff
  if (octets.length < 2 + length) return { kind: 'more' }
  const result = reading(new Reader(octets, 3, 2 + length), readSslv2Hello)
  return result.kind === 'hello' ? { ...result, sslv2: true } : result
}

function readSslv2Hello(hello: Reader): ClientHelloFacts {
  const version = hello.uint16()
  const suitesLength = hello.uint16()
  hello.skip(4)
  const specs = hello.take(suitesLength)
  const suites: number[] = []
  while (specs.left >= 3) {
    // Three octets each; those of SSL 2.0 itself do not begin with a zero.
    const isOfTls = specs.uint8() === 0
    const id = specs.uint16()
    if (isOfTls && isSuite(id)) suites.push(id)
  }
  return { versions: [versionName(version)], suites, alpn: [] }
}

function reading(reader: Reader, read: (reader: Reader) => ClientHelloFacts): HelloResult {
  try {
    return { kind: 'hello', facts: read(reader), sslv2: false }
  } catch (error) {
    if (error instanceof RangeError) return { kind: 'not-tls' }
    throw error
  }
}

const versionName = (version: number): string => versionNames[version] ?? `0x${version.toString(16).padStart(4, '0')}`

function uint16s(reader: Reader, wanted: (number: number) => boolean): number[] {
  const numbers: number[] = []
  while (reader.left >= 2) {
    const number = reader.uint16()
    if (wanted(number)) numbers.push(number)
  }
  return numbers
}

/** Reads forward, without views of the octets: there would be one for each number. A read beyond the end throws RangeError. */
class Reader {
  readonly #octets: Buffer
  readonly #end: number
  #at: number
  constructor(octets: Buffer, start: number, end: number) {
    this.#octets = octets
    this.#at = start
    this.#end = end
  }
  get left(): number {
    return this.#end - this.#at
  }
  uint8(): number {
    this.skip(1)
    return this.#octets[this.#at - 1] as number
  }
  uint16(): number {
    this.skip(2)
    return this.#octets.readUInt16BE(this.#at - 2)
  }
  skip(octets: number): void {
    if (octets > this.left) throw new RangeError('the ClientHello is shorter than it says')
    this.#at += octets
  }
  /** The next octets, to be read on their own. */
  take(octets: number): Reader {
    this.skip(octets)
    return new Reader(this.#octets, this.#at - octets, this.#at)
  }
  /** All that is left, as it is. */
  text(): string {
    return this.#octets.toString('latin1', this.#at, this.#end)
  }
}
