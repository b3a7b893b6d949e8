import { createHash } from 'node:crypto'
import { isSliceOver, nextSlice } from '../../core/time/time-slice.ts'
import { CR, LF, SPACE, TAB } from '../../mail/format/octets.ts'

export type Canonicalization = 'simple' | 'relaxed'

/**
 * Returns a header field without its last line end in the relaxed form: the name in lower case, unfolded, each run of
 * spaces and tabs as one space. RFC 6376 section 3.4.2.
 * @param field the octets of the field, as latin1
 */
export function relaxedField(field: string): string {
  const colon = field.indexOf(':')
  const name = field.slice(0, colon).trimEnd().toLowerCase()
  // Not `\s`, which contains the octet A0 of UTF-8 sequences.
  const value = field
    .slice(colon + 1)
    .replace(/[\r\n]+/g, '')
    .replace(/[ \t]+/g, ' ')
  return `${name}:${value.replace(/^ | $/g, '')}`
}

/** Returns a header field without its last line end in canonical form. RFC 6376 sections 3.4.1 and 3.4.2. */
export const canonicalField: Readonly<Record<Canonicalization, (field: string) => string>> = {
  simple: (field) => field,
  relaxed: relaxedField,
}

const CRLF = Buffer.from('\r\n')
/** A body may have millions of empty lines. */
const MANY_CRLF = Buffer.from('\r\n'.repeat(4096))

/** The SHA-256 of a body. */
export interface BodyHash {
  readonly base64: string
  /** Octets of the whole body in canonical form. */
  readonly octets: number
}

/** Hashes a body in canonical form, as it arrives. RFC 6376 sections 3.4.3 and 3.4.4. */
export class BodyHasher {
  readonly #hash = createHash('sha256')
  readonly #isRelaxed: boolean
  readonly #maxOctets: number
  #octets = 0
  /** Line ends that have not been hashed: those at the end of the body do not count. */
  #lineEnds = 0
  #hasCr = false
  #hasSpace = false
  #isEmpty = true

  /** @param maxOctets the octets that are hashed (`l=`) */
  constructor(canonicalization: Canonicalization, maxOctets = Number.POSITIVE_INFINITY) {
    this.#isRelaxed = canonicalization === 'relaxed'
    this.#maxOctets = maxOctets
  }

  update(octets: Buffer): void {
    const out = Buffer.allocUnsafe(2 * octets.length + 2)
    let length = 0
    for (const octet of octets) {
      if (octet === LF && this.#hasCr) {
        this.#hasCr = false
        this.#hasSpace = false
        this.#lineEnds++
        continue
      }
      if (this.#isRelaxed && (octet === SPACE || octet === TAB) && !this.#hasCr) {
        this.#hasSpace = true
        continue
      }
      if (octet === CR && !this.#hasCr) {
        this.#hasCr = true
        continue
      }
      if (this.#lineEnds > 0) {
        this.#write(out.subarray(0, length))
        length = 0
        this.#writeLineEnds()
      }
      if (this.#hasSpace) out[length++] = SPACE
      if (this.#hasCr) out[length++] = CR
      this.#hasSpace = this.#isRelaxed && this.#hasCr && (octet === SPACE || octet === TAB)
      this.#hasCr = octet === CR
      if (!this.#hasSpace && !this.#hasCr) out[length++] = octet
      this.#isEmpty = false
    }
    this.#write(out.subarray(0, length))
  }

  digest(): BodyHash {
    if (this.#hasCr) {
      if (this.#lineEnds > 0) this.#writeLineEnds()
      this.#write(Buffer.from(this.#hasSpace ? ' \r' : '\r'))
      this.#isEmpty = false
    }
    // An empty body is one CRLF in the simple form, and nothing in the relaxed one.
    if (!this.#isEmpty || !this.#isRelaxed) this.#write(CRLF)
    return { base64: this.#hash.digest('base64'), octets: this.#octets }
  }

  #write(octets: Buffer): void {
    const left = this.#maxOctets - this.#octets
    this.#octets += octets.length
    if (left > 0) this.#hash.update(octets.length > left ? octets.subarray(0, left) : octets)
  }

  #writeLineEnds(): void {
    while (this.#lineEnds > 0) {
      const octets = MANY_CRLF.subarray(0, 2 * this.#lineEnds)
      this.#write(octets)
      this.#lineEnds -= octets.length / 2
    }
  }
}

/** Hashes a body in each of the wanted forms, in one pass. */
export async function hashBody<Key>(
  body: AsyncIterable<Buffer>,
  hashers: ReadonlyMap<Key, BodyHasher>,
): Promise<Map<Key, BodyHash>> {
  if (hashers.size > 0) {
    for await (const octets of body) {
      for (const hasher of hashers.values()) hasher.update(octets)
      if (isSliceOver()) await nextSlice()
    }
  }
  return new Map([...hashers].map(([key, hasher]) => [key, hasher.digest()]))
}
