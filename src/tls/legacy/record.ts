import { LegacyTlsError } from './alerts.ts'

/** Content types of records. RFC 2246 section 6.2.1. */
export const contentTypes = { changeCipherSpec: 20, alert: 21, handshake: 22, applicationData: 23 } as const
/** Longest content of a record, without and with protection. RFC 2246 sections 6.2.1, 6.2.3. */
export const MAX_CONTENT_OCTETS = 0x4000
const MAX_FRAGMENT_OCTETS = MAX_CONTENT_OCTETS + 2048
const HEADER_OCTETS = 5
/** Longest ClientHello in SSL 2.0 format. Real clients' messages are far shorter. */
const MAX_SSLV2_HELLO_OCTETS = 4096
const EMPTY = Buffer.alloc(0)

/** A record as received, with its content still protected. */
export interface RawRecord {
  readonly contentType: number
  readonly version: number
  readonly fragment: Buffer
}

/** Splits received octets into records. Holds at most one incomplete record and the last chunk pushed. */
export class RecordReader {
  /** The highest content type accepted. */
  highestType: number = contentTypes.applicationData
  #held: Buffer = EMPTY

  push(octets: Buffer): void {
    this.#held = this.#held.length === 0 ? octets : Buffer.concat([this.#held, octets])
  }

  /**
   * Returns a ClientHello in SSL 2.0 format without its two octets of length. Only the first message can be one.
   * Returns undefined when it is not one, or is not complete yet. RFC 2246 appendix E.1.
   * @throws LegacyTlsError
   */
  takeSslv2Hello(): Buffer | undefined {
    if (!this.startsAsSslv2) return undefined
    const octets = this.#held.readUInt16BE(0) & 0x7fff
    if (octets > MAX_SSLV2_HELLO_OCTETS)
      throw new LegacyTlsError('unexpected_message', 'the client sent neither a TLS record nor an SSL 2.0 ClientHello')
    if (this.#held.length < octets + 2) return undefined
    const message = this.#held.subarray(2, octets + 2)
    this.#held = this.#held.subarray(octets + 2)
    return message
  }

  get startsAsSslv2(): boolean {
    return this.#held.length >= 3 && ((this.#held[0] as number) & 0x80) !== 0 && this.#held[2] === 1
  }

  get heldOctets(): number {
    return this.#held.length
  }

  /** Whether enough was received to distinguish a record from an SSL 2.0 ClientHello. */
  get isFormatKnown(): boolean {
    return this.#held.length >= 3 || (this.#held.length > 0 && (this.#held[0] as number) < 0x80)
  }

  /**
   * Returns the next record, or undefined when it is not complete yet.
   * @throws LegacyTlsError
   */
  take(): RawRecord | undefined {
    const held = this.#held
    if (held.length < HEADER_OCTETS) {
      if (held.length > 0) this.#checkContentType(held[0] as number)
      return undefined
    }
    const contentType = held[0] as number
    this.#checkContentType(contentType)
    const version = held.readUInt16BE(1)
    if (version >> 8 !== 3)
      throw new LegacyTlsError('protocol_version', `a record of version 0x${version.toString(16)}`)
    const octets = held.readUInt16BE(3)
    if (octets > MAX_FRAGMENT_OCTETS) throw new LegacyTlsError('record_overflow', `a record of ${octets} octets`)
    if (held.length < HEADER_OCTETS + octets) return undefined
    this.#held = held.subarray(HEADER_OCTETS + octets)
    return { contentType, version, fragment: held.subarray(HEADER_OCTETS, HEADER_OCTETS + octets) }
  }

  #checkContentType(contentType: number): void {
    if (contentType >= contentTypes.changeCipherSpec && contentType <= this.highestType) return
    throw new LegacyTlsError(
      'unexpected_message',
      `the client sent something that is not a TLS record (first octet ${contentType})`,
    )
  }
}

/** Returns the five octets before a fragment. */
export function recordHeader(contentType: number, version: number, fragmentOctets: number): Buffer {
  const header = Buffer.allocUnsafe(HEADER_OCTETS)
  header[0] = contentType
  header.writeUInt16BE(version, 1)
  header.writeUInt16BE(fragmentOctets, 3)
  return header
}
