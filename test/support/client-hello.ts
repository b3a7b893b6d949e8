import { uint16, vector } from '../../src/tls/negotiation/octets.ts'

/** The parts of a hand-made ClientHello. Default: TLS 1.0 with one suite and no extensions. */
interface HelloParts {
  readonly version?: number
  readonly sessionId?: Buffer
  readonly suites?: Buffer | readonly number[]
  readonly compressions?: readonly number[]
  /** Octets after the compression methods: `extensions(…)`. */
  readonly tail?: Buffer
}

/** Returns the body of a ClientHello. RFC 8446 section 4.1.2. */
export function helloBody(parts: HelloParts = {}): Buffer {
  const { version = 0x0301, sessionId = Buffer.alloc(0), suites = [0x002f], compressions = [0] } = parts
  return Buffer.concat([
    uint16(version),
    Buffer.alloc(32, 7),
    vector(1, sessionId),
    vector(2, Buffer.isBuffer(suites) ? suites : numbers(suites)),
    vector(1, Buffer.from(compressions)),
    parts.tail ?? Buffer.alloc(0),
  ])
}

/** Returns the body in a handshake message in records of at most `size` octets. */
export function helloRecords(body: Buffer, size = 0x4000): Buffer {
  const message = Buffer.concat([Buffer.of(1), vector(3, body)])
  const out: Buffer[] = []
  for (let at = 0; at < message.length; at += size) {
    out.push(Buffer.of(22, 3, 1), vector(2, message.subarray(at, at + size)))
  }
  return Buffer.concat(out)
}

/** Returns a ClientHello in SSL 2.0 format. RFC 2246 appendix E.1. */
export function sslv2Hello(version: number, specs: readonly (readonly [number, number, number])[]): Buffer {
  const challenge = Buffer.alloc(16, 7)
  const lengths = [specs.length * 3, 0, challenge.length].map(uint16)
  const message = Buffer.concat([Buffer.of(1), uint16(version), ...lengths, Buffer.from(specs.flat()), challenge])
  return Buffer.concat([uint16(0x8000 | message.length), message])
}

export const numbers = (list: readonly number[]): Buffer => Buffer.concat(list.map(uint16))
export const extension = (type: number, content: Buffer): Buffer => Buffer.concat([uint16(type), vector(2, content)])
export const extensions = (...list: readonly Buffer[]): Buffer => vector(2, Buffer.concat(list))

const hostName = (name: string): Buffer => Buffer.concat([Buffer.of(0), vector(2, Buffer.from(name, 'latin1'))])
export const serverName = (...names: readonly string[]): Buffer =>
  extension(0, vector(2, Buffer.concat(names.map(hostName))))
export const supportedGroups = (...groups: readonly number[]): Buffer => extension(10, vector(2, numbers(groups)))
export const signatureAlgorithms = (...list: readonly number[]): Buffer => extension(13, vector(2, numbers(list)))
export const alpn = (...names: readonly string[]): Buffer =>
  extension(16, vector(2, Buffer.concat(names.map((name) => vector(1, Buffer.from(name))))))
export const supportedVersions = (...versions: readonly number[]): Buffer => extension(43, vector(1, numbers(versions)))
/** A key share per group, of 32 octets: correct only for X25519. */
export const keyShares = (...groups: readonly number[]): Buffer =>
  extension(
    51,
    vector(2, Buffer.concat(groups.map((group) => Buffer.concat([uint16(group), vector(2, Buffer.alloc(32, 9))])))),
  )
