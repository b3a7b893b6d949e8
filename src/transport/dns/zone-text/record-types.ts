import type { DnsRecord } from '../message.ts'
import { nameOctets } from '../names.ts'
import { typeNumber, type ZoneType } from '../types.ts'
import { type FieldKindName, fieldKind, type TokenReader } from './fields.ts'

/** The data of a type that is one value, or the fields of its data in the order of the zone file. */
type Form = FieldKindName | readonly (readonly [key: string, kind: FieldKindName])[]

/** RFC 9460 section 2.1. */
const serviceBinding: Form = [
  ['priority', 'u16'],
  ['target', 'target'],
  ['params', 'parameters'],
]

/** The data of each type of a zone, in text and on the wire. All others have the form of RFC 3597. */
const forms: Readonly<Record<ZoneType, Form>> = {
  A: 'ipv4',
  AAAA: 'ipv6',
  CNAME: 'name',
  DNAME: 'name',
  NS: 'name',
  PTR: 'name',
  TXT: 'strings',
  MX: [
    ['preference', 'u16'],
    ['exchange', 'name'],
  ],
  SRV: [
    ['priority', 'u16'],
    ['weight', 'u16'],
    ['port', 'u16'],
    ['target', 'name'],
  ],
  SOA: [
    ['mname', 'name'],
    ['rname', 'name'],
    ['serial', 'u32'],
    ['refresh', 'seconds'],
    ['retry', 'seconds'],
    ['expire', 'seconds'],
    ['minimum', 'seconds'],
  ],
  CAA: [
    ['flags', 'u8'],
    ['tag', 'word'],
    ['value', 'text'],
  ],
  TLSA: [
    ['usage', 'u8'],
    ['selector', 'u8'],
    ['matchingType', 'u8'],
    ['certificate', 'hex'],
  ],
  DS: [
    ['keyTag', 'u16'],
    ['algorithm', 'u8'],
    ['digestType', 'u8'],
    ['digest', 'hex'],
  ],
  HINFO: [
    ['cpu', 'string'],
    ['os', 'string'],
  ],
  RP: [
    ['mbox', 'name'],
    ['txt', 'name'],
  ],
  SVCB: serviceBinding,
  HTTPS: serviceBinding,
  NAPTR: [
    ['order', 'u16'],
    ['preference', 'u16'],
    ['flags', 'string'],
    ['services', 'string'],
    ['regexp', 'string'],
    ['replacement', 'name'],
  ],
  DNSKEY: [
    ['flags', 'u16'],
    ['protocol', 'u8'],
    ['algorithm', 'u8'],
    ['key', 'base64'],
  ],
  NSEC: [
    ['nextDomain', 'name'],
    ['rrtypes', 'types'],
  ],
  RRSIG: [
    ['typeCovered', 'type'],
    ['algorithm', 'u8'],
    ['labels', 'u8'],
    ['originalTTL', 'u32'],
    ['expiration', 'time'],
    ['inception', 'time'],
    ['keyTag', 'u16'],
    ['signersName', 'name'],
    ['signature', 'base64'],
  ],
}

const formOf = (type: string): Form | undefined => (Object.hasOwn(forms, type) ? forms[type as ZoneType] : undefined)

/** Types that the server adds itself. */
const ownTypes: readonly string[] = ['RRSIG', 'NSEC']

/** The types that can be written in their own text form. */
export const writableTypes: readonly string[] = Object.keys(forms).filter((type) => !ownTypes.includes(type))

/** Reads the data of a record in the form of its type. @throws ZoneTextError */
export function readData(type: string, reader: TokenReader): unknown {
  const form = formOf(type) ?? []
  if (typeof form === 'string') return fieldKind(form).read(reader, type)
  return Object.fromEntries(form.map(([key, kind]) => [key, fieldKind(kind).read(reader, `${type} ${key}`)]))
}

/** The only value of the field `protocol` of a DNSKEY, which dns-packet leaves out. RFC 4034 section 2.1.2. */
const fixed: Readonly<Record<string, unknown>> = { protocol: 3 }

/** Returns the data of a record as text. */
export function dataText(type: string, data: unknown): string {
  const form = formOf(type)
  if (form === undefined) {
    const octets = Buffer.isBuffer(data) ? data : Buffer.alloc(0)
    return `\\# ${octets.length}${octets.length === 0 ? '' : ` ${octets.toString('hex').toUpperCase()}`}`
  }
  if (typeof form === 'string') return fieldKind(form).write(data)
  const fields = data as Readonly<Record<string, unknown>>
  return form
    .map(([key, kind]) => fieldKind(kind).write(fields[key] ?? fixed[key]))
    .join(' ')
    .trimEnd()
}

/** Returns the data of a record in wire format. RFC 1035 section 3.3. */
export function dataOctets(type: string, data: unknown): Buffer {
  const form = formOf(type)
  if (form === undefined) return Buffer.isBuffer(data) ? data : Buffer.alloc(0)
  if (typeof form === 'string') return fieldKind(form).octets(data)
  const fields = data as Readonly<Record<string, unknown>>
  return Buffer.concat(form.map(([key, kind]) => fieldKind(kind).octets(fields[key] ?? fixed[key])))
}

/** Returns a record in wire format, without pointers. RFC 1035 section 4.1.3. */
export function encodeRecord({ name, type, ttl = 0, class: of, data }: DnsRecord): Buffer {
  const octets = dataOctets(type, data)
  const fields = Buffer.alloc(10)
  fields.writeUInt16BE(typeNumber(type), 0)
  fields.writeUInt16BE(of === 'CH' ? 3 : 1, 2)
  fields.writeUInt32BE(ttl, 4)
  fields.writeUInt16BE(octets.length, 8)
  return Buffer.concat([nameOctets(name), fields, octets])
}

/** Returns the data with its names in lower case. RFC 4034 section 6.2. */
export function canonicalData(type: string, data: unknown): unknown {
  const form = formOf(type)
  if (form === undefined) return data
  if (typeof form === 'string') return fieldKind(form).canonical?.(data) ?? data
  const fields = data as Readonly<Record<string, unknown>>
  const changed = form.flatMap(([key, kind]) => {
    const { canonical } = fieldKind(kind)
    return canonical ? [[key, canonical(fields[key])]] : []
  })
  return { ...fields, ...Object.fromEntries(changed) }
}
