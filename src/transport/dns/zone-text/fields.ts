import { isIPv4, isIPv6 } from 'node:net'
import { addressOctets, addressText } from '../../../core/network/ip-address.ts'
import { ENDING_PERIOD, labelOctets, nameOctets, nameProblem, normalName } from '../names.ts'
import { stringsOf } from '../records.ts'
import { typeNumber, typeText } from '../types.ts'
import { parametersOctets, parametersText, readParameters } from './service-parameters.ts'
import { quoteOctets, type Token, ZoneTextError } from './tokens.ts'

/** Reads the tokens of a record's data, one after the other. */
export interface TokenReader {
  /** @throws ZoneTextError if no field is left */
  next(what: string): Token
  /** Returns all remaining ones. @throws ZoneTextError if no field is left */
  rest(what: string): readonly Token[]
  /** Returns how many are left. */
  left(): number
  /** The name to which names without a period at the end are relative. */
  readonly origin: string
}

/** A kind of field in the data of records. */
interface FieldKind {
  read(reader: TokenReader, what: string): unknown
  write(value: unknown): string
  /** Returns the wire format. RFC 1035 section 3.3. */
  octets(value: unknown): Buffer
  /** Returns the canonical form that is signed. RFC 4034 section 6.2. */
  canonical?(value: unknown): unknown
}

const unsignedOctets = (value: unknown, length: number): Buffer => {
  const octets = Buffer.alloc(length)
  octets.writeUIntBE(Number(value ?? 0), 0, length)
  return octets
}

/** A number of so many octets. */
const number = (length: 1 | 2 | 4): FieldKind => ({
  read(reader, what) {
    const { text } = reader.next(what)
    const value = Number(text)
    const max = 256 ** length - 1
    if (!/^\d+$/.test(text) || value > max) throw new ZoneTextError(`${what}: ${text} is not a number from 0 to ${max}`)
    return value
  },
  write: (value) => String(value ?? 0),
  octets: (value) => unsignedOctets(value, length),
})

const secondsOf: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }

/** Reads a TTL: seconds, or the form of BIND such as `1h30m`. Undefined for any other text. RFC 2181 section 8. */
export function readTtl(text: string): number | undefined {
  if (!/^(\d+|(\d+[smhdw])+)$/i.test(text)) return undefined
  if (/^\d+$/.test(text)) return Number(text)
  const parts = text.toLowerCase().matchAll(/(\d+)([smhdw])/g)
  return [...parts].reduce((sum, [, count, unit = '']) => sum + Number(count) * (secondsOf[unit] ?? 0), 0)
}

const seconds: FieldKind = {
  ...number(4),
  read(reader, what) {
    const { text } = reader.next(what)
    const value = readTtl(text)
    if (value === undefined || value >= 2 ** 31)
      throw new ZoneTextError(`${what}: ${text} is not a time such as 3600 or 1h`)
    return value
  },
}

/** Makes a name of a zone file absolute. `@` is the origin. @throws ZoneTextError */
export function absoluteName(text: string, origin: string): string {
  const full = text.replace(ENDING_PERIOD, '')
  const name = text === '@' ? origin : full !== text || origin === '' ? full : `${text}.${origin}`
  const problem = nameProblem(name)
  if (problem !== undefined) throw new ZoneTextError(problem)
  return name
}

/** Returns a name as zone files write it: absolute, and with escapes of the characters that have a meaning. RFC 1035 section 5.1. */
export function nameText(name: string): string {
  const escaped = name.replace(/\\.|[;"()@$]/gs, (one) => (one.length > 1 ? one : `\\${one}`))
  return escaped === '.' ? escaped : `${escaped}.`
}

const name: FieldKind = {
  read: (reader, what) => {
    const { text } = reader.next(what)
    return absoluteName(text, reader.origin) || '.'
  },
  write: (value) => nameText(String(value)),
  octets: (value) => nameOctets(String(value)),
  canonical: (value) => normalName(String(value)) || '.',
}

/** A name that is signed as it is written. RFC 6840 section 5.1. */
const target: FieldKind = { read: name.read, write: name.write, octets: name.octets }

const parameters: FieldKind = {
  read: (reader, what) => (reader.left() === 0 ? [] : readParameters(reader.rest(what))),
  write: (value) => parametersText(value as ReturnType<typeof readParameters>),
  octets: (value) => parametersOctets(value as ReturnType<typeof readParameters>),
}

/** A text that ends with the data. RFC 8659 section 4.1. */
const text: FieldKind = {
  read: (reader, what) => labelOctets(reader.next(what).text).toString('utf8'),
  write: (value) => quoteOctets(Buffer.from(String(value))),
  octets: (value) => Buffer.from(String(value)),
}

/** RFC 1035 section 3.3: a string has its length in front. */
const stringOctets = (value: Buffer | string): Buffer =>
  Buffer.concat([Buffer.from([Buffer.byteLength(value)]), Buffer.from(value as string)])

/** @throws ZoneTextError if a text does not fit a string. RFC 1035 section 3.3 */
function shortText(text: string, what: string): string {
  const octets = Buffer.byteLength(text)
  if (octets > 255) throw new ZoneTextError(`${what}: a string of ${octets} octets is longer than 255`)
  return text
}

const string: FieldKind = {
  ...text,
  read: (reader, what) => shortText(labelOctets(reader.next(what).text).toString('utf8'), what),
  octets: (value) => stringOctets(String(value)),
}

/** Strings of at most 255 octets. Longer ones are split: readers join them (RFC 7208 section 3.3, RFC 6376 section 3.6.2.2). */
const strings: FieldKind = {
  read: (reader, what) => reader.rest(what).flatMap((token) => stringsOf(labelOctets(token.text))),
  write: (value) => (value as readonly Buffer[]).map(quoteOctets).join(' '),
  octets: (value) => Buffer.concat([value as readonly (Buffer | string)[]].flat().map(stringOctets)),
}

/** The tag of a CAA record has its length in front too. RFC 8659 section 4.1. */
const word: FieldKind = {
  read: (reader, what) => shortText(reader.next(what).text, what),
  write: String,
  octets: (value) => stringOctets(String(value)),
}

const joinWords = (reader: TokenReader, what: string): string =>
  reader
    .rest(what)
    .map(({ text }) => text)
    .join('')

const encodedField = (encoding: 'hex' | 'base64', form: RegExp): FieldKind => ({
  read(reader, what) {
    const text = joinWords(reader, what)
    if (!form.test(text)) throw new ZoneTextError(`${what}: is not ${encoding === 'hex' ? 'hexadecimal' : 'Base64'}`)
    return Buffer.from(text, encoding)
  },
  write: (value) => (value as Buffer).toString(encoding).toUpperCase(),
  octets: (value) => value as Buffer,
})

const hex = encodedField('hex', /^([\da-f]{2})+$/i)
const base64: FieldKind = {
  ...encodedField('base64', /^[\w+/]+={0,2}$/),
  write: (value) => (value as Buffer).toString('base64'),
}

const address = (isAddress: (text: string) => boolean, kind: string): FieldKind => ({
  read(reader, what) {
    const { text } = reader.next(what)
    if (!isAddress(text) || text.includes('%')) throw new ZoneTextError(`${what}: ${text} is not an ${kind} address`)
    return addressText(addressOctets(text))
  },
  write: String,
  octets: (value) => addressOctets(String(value)),
})

/** A time of an RRSIG record. RFC 4034 section 3.2. */
const time: FieldKind = {
  ...number(4),
  write: (value) => new Date(Number(value) * 1000).toISOString().replaceAll(/[-:T]|\.\d+Z/g, ''),
}

const types: FieldKind = {
  read: (reader, what) => reader.rest(what).map(({ text }) => text),
  write: (value) => (value as readonly string[]).map(typeText).join(' '),
  octets: (value) => typeBitmaps((value as readonly string[]).map(typeNumber)),
}

/** RFC 4034 section 4.1.2: a bitmap for each 256 types. */
function typeBitmaps(numbers: readonly number[]): Buffer {
  const windows = new Map<number, Buffer>()
  for (const one of [...numbers].sort((a, b) => a - b)) {
    const window = windows.get(one >> 8) ?? Buffer.alloc(32)
    windows.set(one >> 8, window)
    const at = (one & 0xff) >> 3
    window.writeUInt8(window.readUInt8(at) | (0x80 >> (one & 7)), at)
  }
  return Buffer.concat(
    [...windows].flatMap(([window, bits]) => {
      const length = bits.findLastIndex((octet) => octet !== 0) + 1
      return [Buffer.from([window, length]), bits.subarray(0, length)]
    }),
  )
}

const type: FieldKind = {
  read: word.read,
  write: (value) => typeText(String(value)),
  octets: (value) => unsignedOctets(typeNumber(String(value)), 2),
}

const fieldKinds = {
  u8: number(1),
  u16: number(2),
  u32: number(4),
  seconds,
  name,
  target,
  parameters,
  text,
  string,
  strings,
  word,
  hex,
  base64,
  ipv4: address(isIPv4, 'IPv4'),
  ipv6: address(isIPv6, 'IPv6'),
  time,
  type,
  types,
} as const satisfies Readonly<Record<string, FieldKind>>

export type FieldKindName = keyof typeof fieldKinds

/** Returns the kind of a field, for tables. */
export const fieldKind = (kind: FieldKindName): FieldKind => fieldKinds[kind]
