/** A message that does not follow the TLS presentation language. RFC 5246 section 4. */
export class MalformedMessage extends Error {
  override readonly name = 'MalformedMessage'
}

/**
 * Reads numbers and vectors of the TLS presentation language. RFC 5246 section 4.
 * Every read beyond the end throws MalformedMessage.
 */
export class OctetReader {
  readonly #octets: Buffer
  readonly #end: number
  #at: number

  constructor(octets: Buffer, start = 0, end = octets.length) {
    this.#octets = octets
    this.#at = start
    this.#end = end
  }

  /** Octets not read yet. */
  get left(): number {
    return this.#end - this.#at
  }

  skip(count: number): void {
    if (count > this.left) throw new MalformedMessage('a message that ends too early')
    this.#at += count
  }

  uint8(): number {
    this.skip(1)
    return this.#octets[this.#at - 1] as number
  }

  uint16(): number {
    this.skip(2)
    return ((this.#octets[this.#at - 2] as number) << 8) | (this.#octets[this.#at - 1] as number)
  }

  /** Reads 16-bit numbers up to the end; ignores an odd octet. */
  uint16s(): number[] {
    const octets = this.#octets
    // At its full length from the start: a list that grows is copied several times.
    const numbers = new Array<number>(this.left >> 1)
    for (let i = 0, at = this.#at; i < numbers.length; i++, at += 2) {
      numbers[i] = ((octets[at] as number) << 8) | (octets[at + 1] as number)
    }
    this.#at += 2 * numbers.length
    return numbers
  }

  /** Reads the octets up to the end as text, one character per octet. */
  text(): string {
    const start = this.#at
    this.#at = this.#end
    return this.#octets.toString('latin1', start, this.#end)
  }

  /** Returns a reader of the next octets. It is cheaper than a view of them. */
  reader(count: number): OctetReader {
    this.skip(count)
    return new OctetReader(this.#octets, this.#at - count, this.#at)
  }

  /** Returns a view of the next octets. */
  octets(count: number): Buffer {
    this.skip(count)
    return this.#octets.subarray(this.#at - count, this.#at)
  }

  /** Returns the content of a vector with a one-octet length. */
  vector8(): Buffer {
    return this.octets(this.uint8())
  }

  /** Returns the content of a vector with a two-octet length. */
  vector16(): Buffer {
    return this.octets(this.uint16())
  }

  expectEnd(): void {
    if (this.left > 0) throw new MalformedMessage('a message with octets after its end')
  }
}

/** Returns a vector: its length in `lengthOctets` octets, then its content. */
export function vector(lengthOctets: 1 | 2 | 3, content: Buffer): Buffer {
  const length = Buffer.alloc(lengthOctets)
  length.writeUIntBE(content.length, 0, lengthOctets)
  return Buffer.concat([length, content])
}

/** Returns a number as two octets. */
export function uint16(value: number): Buffer {
  return Buffer.of(value >> 8, value & 0xff)
}
