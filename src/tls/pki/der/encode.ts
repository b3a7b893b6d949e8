/** DER encoding (ITU-T X.690). Each function returns the complete encoding of one value. */

export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const

function lengthOctets(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length])
  const octets: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256)
  return Buffer.from([0x80 | octets.length, ...octets])
}

/** Encodes tag, length and content. The tag is one octet, because no structure here needs tag numbers above 30. */
function tlv(tag: number, ...content: readonly Buffer[]): Buffer {
  const length = content.reduce((sum, part) => sum + part.length, 0)
  return Buffer.concat([Buffer.from([tag]), lengthOctets(length), ...content])
}

export const sequence = (...items: readonly Buffer[]): Buffer => tlv(tags.sequence, ...items)

/** Encodes a SET OF. DER requires its items in ascending order. X.690 section 11.6. */
export const setOf = (...items: readonly Buffer[]): Buffer =>
  tlv(tags.set, ...[...items].sort((a, b) => Buffer.compare(a, b)))

/** Encodes a context-specific constructed tag: EXPLICIT around one value, or IMPLICIT on a SEQUENCE's items. */
export const context = (number: number, ...content: readonly Buffer[]): Buffer => tlv(0xa0 | number, ...content)

/** Encodes a context-specific primitive tag: IMPLICIT on a string or number. */
export const contextPrimitive = (number: number, content: Buffer): Buffer => tlv(0x80 | number, content)

/** Encodes an INTEGER. A Buffer is an unsigned big-endian number. */
export function integer(value: number | bigint | Buffer): Buffer {
  if (!Buffer.isBuffer(value)) {
    const hex = value.toString(16)
    return integer(Buffer.from(hex.length % 2 ? `0${hex}` : hex, 'hex'))
  }
  let start = 0
  while (start < value.length - 1 && value[start] === 0) start++
  const octets = value.subarray(start)
  return tlv(tags.integer, (octets[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.from([0]), octets]) : octets)
}

export const enumerated = (value: number): Buffer => tlv(tags.enumerated, Buffer.from([value]))
export const boolean = (value: boolean): Buffer => tlv(tags.boolean, Buffer.from([value ? 0xff : 0]))
export const nul = (): Buffer => tlv(tags.null)
export const octetString = (content: Buffer): Buffer => tlv(tags.octetString, content)
export const bitString = (content: Buffer, unusedBits = 0): Buffer =>
  tlv(tags.bitString, Buffer.from([unusedBits]), content)

/** Returns the content octets of an OBJECT IDENTIFIER. */
function oidContent(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const octets: number[] = []
  for (const arc of [first * 40 + second, ...rest]) {
    const base128 = [arc % 128]
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) base128.unshift(0x80 | (left % 128))
    octets.push(...base128)
  }
  return Buffer.from(octets)
}

export const oid = (dotted: string): Buffer => tlv(tags.oid, oidContent(dotted))
export const utf8String = (text: string): Buffer => tlv(tags.utf8String, Buffer.from(text, 'utf8'))
export const printableString = (text: string): Buffer => tlv(tags.printableString, Buffer.from(text, 'latin1'))
export const ia5String = (text: string): Buffer => tlv(tags.ia5String, Buffer.from(text, 'latin1'))
export const bmpString = (text: string): Buffer => tlv(tags.bmpString, Buffer.from(text, 'utf16le').swap16())

/** Returns whether PrintableString can hold the text. X.680 section 41.4. */
export const isPrintable = (text: string): boolean => /^[A-Za-z0-9 '()+,\-./:=?]*$/.test(text)

/** Encodes whole seconds: certificates have no fractions. RFC 5280 section 4.1.2.5.2. */
export const generalizedTime = (at: Date): Buffer =>
  tlv(tags.generalizedTime, Buffer.from(`${at.toISOString().replace(/[-:T]|\..*/g, '')}Z`))

/** Encodes years up to 2049 as UTCTime, later ones as GeneralizedTime. RFC 5280 section 4.1.2.5. */
export function time(at: Date): Buffer {
  const year = at.getUTCFullYear()
  if (year < 1950 || year > 2049) return generalizedTime(at)
  const digits = at
    .toISOString()
    .slice(2)
    .replace(/[-:T]|\..*/g, '')
  return tlv(tags.utcTime, Buffer.from(`${digits}Z`))
}

/** Encodes a named BIT STRING from the numbers of its set bits, without trailing zero bits. X.690 section 11.2.2. */
export function namedBits(bits: Iterable<number>): Buffer {
  const set = [...bits]
  if (set.length === 0) return bitString(Buffer.alloc(0))
  const highest = Math.max(...set)
  const octets = Buffer.alloc(Math.floor(highest / 8) + 1)
  for (const bit of set) octets[bit >> 3] = (octets[bit >> 3] ?? 0) | (0x80 >> (bit & 7))
  return bitString(octets, 7 - (highest & 7))
}
