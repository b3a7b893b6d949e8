import { isIPv4, isIPv6 } from 'node:net'
import { addressOctets, addressText } from '../../../core/network/ip-address.ts'
import { nameProblem, normalName } from '../names.ts'
import { stringsOf } from '../records.ts'
import { octetsOf, quoted, type Token, ZoneTextError } from './tokens.ts'

/** Reads the tokens of a record's data, one after the other. */
export interface TokenReader {
  /** @throws ZoneTextError if no field is left */
  next(what: string): Token
  /** Returns all remaining ones. @throws ZoneTextError if no field is left */
  rest(what: string): readonly Token[]
  /** The name to which names without a period at the end are relative. */
  readonly origin: string
}

/** A kind of field in the data of records. */
interface FieldKind {
  read(reader: TokenReader, what: string): unknown
  write(value: unknown): string
  /** Returns the canonical form that is signed. RFC 4034 section 6.2. */
  canonical?(value: unknown): unknown
}

const number = (max: number): FieldKind => ({
  read(reader, what) {
    const { text } = reader.next(what)
    const value = Number(text)
    if (!/^\d+$/.test(text) || value > max) throw new ZoneTextError(`${what}: ${text} is not a number from 0 to ${max}`)
    return value
  },
  write: (value) => String(value ?? 0),
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
  read(reader, what) {
    const { text } = reader.next(what)
    const value = readTtl(text)
    if (value === undefined || value >= 2 ** 31)
      throw new ZoneTextError(`${what}: ${text} is not a time such as 3600 or 1h`)
    return value
  },
  write: (value) => String(value ?? 0),
}

/** Makes a name of a zone file absolute. `@` is the origin. @throws ZoneTextError */
export function absoluteName(text: string, origin: string): string {
  const name =
    text === '@' ? origin : text.endsWith('.') ? text.slice(0, -1) : origin === '' ? text : `${text}.${origin}`
  const problem = nameProblem(name)
  if (problem !== undefined) throw new ZoneTextError(problem)
  return name
}

const asName = (value: unknown): string => (value === '.' || value === '' ? '.' : `${value}.`)

const name: FieldKind = {
  read: (reader, what) => {
    const { text } = reader.next(what)
    return absoluteName(text, reader.origin) || '.'
  },
  write: asName,
  canonical: (value) => normalName(String(value)) || '.',
}

const string: FieldKind = {
  read: (reader, what) => octetsOf(reader.next(what)).toString('utf8'),
  write: (value) => quoted(Buffer.from(String(value))),
}

/** Strings of at most 255 octets. Longer ones are split: readers join them (RFC 7208 section 3.3, RFC 6376 section 3.6.2.2). */
const strings: FieldKind = {
  read: (reader, what) => reader.rest(what).flatMap((token) => stringsOf(octetsOf(token))),
  write: (value) => (value as readonly Buffer[]).map(quoted).join(' '),
}

const word: FieldKind = { read: (reader, what) => reader.next(what).text, write: String }

const joined = (reader: TokenReader, what: string): string =>
  reader
    .rest(what)
    .map(({ text }) => text)
    .join('')

const encoded = (encoding: 'hex' | 'base64', form: RegExp): FieldKind => ({
  read(reader, what) {
    const text = joined(reader, what)
    if (!form.test(text)) throw new ZoneTextError(`${what}: is not ${encoding === 'hex' ? 'hexadecimal' : 'Base64'}`)
    return Buffer.from(text, encoding)
  },
  write: (value) => (value as Buffer).toString(encoding).toUpperCase(),
})

const hex = encoded('hex', /^([\da-f]{2})+$/i)
const base64: FieldKind = {
  ...encoded('base64', /^[\w+/]+={0,2}$/),
  write: (value) => (value as Buffer).toString('base64'),
}

const address = (isAddress: (text: string) => boolean, kind: string): FieldKind => ({
  read(reader, what) {
    const { text } = reader.next(what)
    if (!isAddress(text) || text.includes('%')) throw new ZoneTextError(`${what}: ${text} is not an ${kind} address`)
    return addressText(addressOctets(text))
  },
  write: String,
})

/** A time of an RRSIG record. RFC 4034 section 3.2. */
const time: FieldKind = {
  read: (reader, what) => number(0xffff_ffff).read(reader, what),
  write: (value) => new Date(Number(value) * 1000).toISOString().replaceAll(/[-:T]|\.\d+Z/g, ''),
}

const types: FieldKind = {
  read: (reader, what) => reader.rest(what).map(({ text }) => text),
  write: (value) => (value as readonly string[]).map(typeText).join(' '),
}

/** Returns a type as zone files write it. RFC 3597 section 5. */
export const typeText = (type: string): string => type.replace(/^UNKNOWN_/, 'TYPE')

const type: FieldKind = { read: word.read, write: (value) => typeText(String(value)) }

const fieldKinds = {
  u8: number(0xff),
  u16: number(0xffff),
  u32: number(0xffff_ffff),
  seconds,
  name,
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
