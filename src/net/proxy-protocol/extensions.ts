import { printable } from './types.ts'

/** A header that does not follow the specification. The message says why. */
export class Malformed extends Error {
  override readonly name = 'Malformed'
}

/** The result of reading a header's extensions. */
interface Extensions {
  isSecure: boolean
  readonly notes: string[]
}

/** A type and its value, as the extensions of version 2 are. Section 2.2.7. */
interface Extension {
  readonly type: number
  readonly value: Buffer
  /** Where the value is in the header. */
  readonly at: number
}

const EXTENSION_HEADER_OCTETS = 3
const CRC32C = 0x03
const SSL = 0x20
const SSL_VERSION = 0x21
const SSL_COMMON_NAME = 0x22
const SSL_CIPHER = 0x23

/** Extensions whose value is a text, and what the note says before it. */
const texts: Readonly<Record<number, string>> = {
  1: 'the client and the proxy agreed on the protocol (ALPN)',
  2: 'the client asked the proxy for the server name',
}

/**
 * Reads the extensions of a header. Unknown ones are skipped.
 * @param header the whole header, for its checksum
 * @throws Malformed
 */
export function readExtensions(header: Buffer, start: number): Extensions {
  const found: Extensions = { isSecure: false, notes: [] }
  for (const extension of extensionsIn(header, start)) {
    const { type, value } = extension
    if (type === CRC32C) checkSum(header, extension)
    else if (type === SSL) readSsl(value, found)
    else if (texts[type] !== undefined) found.notes.push(`${texts[type]} ${printable(value.toString('latin1'))}`)
  }
  return found
}

/** @throws Malformed */
function* extensionsIn(octets: Buffer, start: number): Iterable<Extension> {
  for (let at = start; at < octets.length; ) {
    const value = at + EXTENSION_HEADER_OCTETS
    const end = value <= octets.length ? value + octets.readUInt16BE(at + 1) : value
    if (end > octets.length) throw new Malformed('an extension (TLV) is longer than the header')
    yield { type: octets[at] as number, value: octets.subarray(value, end), at: value }
    at = end
  }
}

/** The checksum covers the header with zeros in its own place. Section 2.2.3. @throws Malformed */
function checkSum(header: Buffer, { value, at }: Extension): void {
  if (value.length !== 4) throw new Malformed(`its checksum (CRC32C) has ${value.length} octets instead of 4`)
  const covered = Buffer.from(header).fill(0, at, at + value.length)
  if (crc32c(covered) !== value.readUInt32BE(0)) {
    throw new Malformed('its checksum (CRC32C) is wrong: something changed the header on its way')
  }
}

/** Returns the checksum of RFC 3385 section 3.2 (Castagnoli). Headers are short, so a table is not worth its memory. */
function crc32c(octets: Buffer): number {
  let sum = 0xffffffff
  for (const octet of octets) {
    sum ^= octet
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0x82f63b78 : 0)
  }
  return ~sum >>> 0
}

/** Section 2.2.6: whether the client uses TLS, whether its certificate was verified, and further extensions. @throws Malformed */
function readSsl(value: Buffer, found: Extensions): void {
  if (value.length < 5) throw new Malformed('its description of TLS (PP2_TYPE_SSL) is too short')
  const [flags = 0] = value
  if ((flags & 0x01) === 0) return
  const parts = new Map([...extensionsIn(value, 5)].map((one) => [one.type, printable(one.value.toString('utf8'))]))
  found.isSecure = true
  const agreed = [parts.get(SSL_VERSION), parts.get(SSL_CIPHER)].filter((one) => one !== undefined)
  const certificate = parts.get(SSL_COMMON_NAME)
  const isVerified = value.readUInt32BE(1) === 0
  found.notes.push(
    [
      `the client and the proxy use TLS${agreed.length === 0 ? '' : ` (${agreed.join(', ')})`}`,
      ...(certificate === undefined
        ? []
        : [`client certificate ${certificate}, ${isVerified ? 'verified' : 'not verified'} by the proxy`]),
    ].join('; '),
  )
}
