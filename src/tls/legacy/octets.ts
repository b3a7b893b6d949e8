import { LegacyTlsError } from './alerts.ts'

/** Reads the presentation language's numbers and vectors. RFC 2246 section 4. Whatever is too short is a decode_error. */
export class OctetReader {
  readonly #octets: Buffer
  #at = 0

  constructor(octets: Buffer) {
    this.#octets = octets
  }

  get atEnd(): boolean {
    return this.#at === this.#octets.length
  }

  octets(count: number): Buffer {
    const end = this.#at + count
    if (end > this.#octets.length) throw new LegacyTlsError('decode_error', 'a message that ends too early')
    const view = this.#octets.subarray(this.#at, end)
    this.#at = end
    return view
  }

  uint16(): number {
    return this.octets(2).readUInt16BE(0)
  }

  /** A vector with one octet of length. */
  vector8(): Buffer {
    return this.octets(this.octets(1)[0] as number)
  }

  /** A vector with two octets of length. */
  vector16(): Buffer {
    return this.octets(this.uint16())
  }

  expectEnd(): void {
    if (!this.atEnd) throw new LegacyTlsError('decode_error', 'octets behind the end of a message')
  }
}

/** A vector with its octets of length in front. */
export function vector(lengthOctets: 1 | 2 | 3, content: Buffer): Buffer {
  const length = Buffer.alloc(lengthOctets)
  length.writeUIntBE(content.length, 0, lengthOctets)
  return Buffer.concat([length, content])
}

export function uint16(value: number): Buffer {
  return Buffer.of(value >> 8, value & 0xff)
}
