import { PkiError } from '../errors.ts'
import { tags } from './encode.ts'

/**
 * One value decoded from DER or BER (X.690). Supports indefinite lengths and constructed strings, because NSS and old
 * Windows use them in PKCS#7 and PKCS#12 files. Contents are views of the input.
 */
export interface Asn1 {
  readonly tag: number
  readonly content: Buffer
  /** The complete encoding, including tag and length. */
  readonly raw: Buffer
}

const malformedAsn1 = (what: string): PkiError => new PkiError('malformed', `broken ASN.1: ${what}`)

/** Deepest nesting of indefinite lengths, more than real structures have. Protects the stack from malicious input. */
const MAX_DEPTH = 16
/** Most values in a constructed value: 100 MB of mail in chunks of 1,000 octets. Protects time and memory. */
const MAX_VALUES = 100_000
const CONSTRUCTED = 0x20

function readLength(octets: Buffer, at: number): { length: number; next: number } {
  const first = octets[at]
  if (first === undefined) throw malformedAsn1('length missing')
  if (first < 0x80) return { length: first, next: at + 1 }
  if (first === 0x80) return { length: -1, next: at + 1 }
  const count = first & 0x7f
  if (count > 6 || at + 1 + count > octets.length) throw malformedAsn1('impossible length')
  return { length: octets.readUIntBE(at + 1, count), next: at + 1 + count }
}

/** Where the content of a value begins and ends, and where the value ends. */
interface Extent {
  readonly from: number
  readonly to: number
  readonly next: number
}

/** Values that may still be scanned for the end of an indefinite length. */
interface ScanBudget {
  values: number
}

function extentAt(octets: Buffer, at: number, depth: number, budget: ScanBudget): Extent {
  if (depth > MAX_DEPTH) throw malformedAsn1('nested too deeply')
  const tag = octets[at]
  if (tag === undefined) throw malformedAsn1('tag missing')
  if ((tag & 0x1f) === 0x1f) throw malformedAsn1('unsupported tag number above 30')
  const { length, next } = readLength(octets, at + 1)
  if (length === -1) return indefiniteExtent(octets, next, depth, budget)
  const end = next + length
  if (end > octets.length) throw malformedAsn1('value truncated')
  return { from: next, to: end, next: end }
}

/** Each enclosing level scans the same values again, so that the scan makes no views of them. */
function indefiniteExtent(octets: Buffer, from: number, depth: number, budget: ScanBudget): Extent {
  let at = from
  while (!(octets[at] === 0 && octets[at + 1] === 0)) {
    if (--budget.values < 0) throw malformedAsn1('too many values')
    at = extentAt(octets, at, depth + 1, budget).next
  }
  return { from, to: at, next: at + 2 }
}

function readAt(octets: Buffer, at: number): Asn1 {
  const { from, to, next } = extentAt(octets, at, 0, { values: MAX_VALUES })
  return { tag: octets[at] ?? 0, content: octets.subarray(from, to), raw: octets.subarray(at, next) }
}

/** Decodes one value that takes up all the octets. @throws PkiError `malformed` */
export function readAsn1(octets: Buffer): Asn1 {
  const value = readAt(octets, 0)
  if (value.raw.length !== octets.length) throw malformedAsn1('octets after the value')
  return value
}

/** Returns the values inside a constructed value. @throws PkiError `malformed`, also if there are more than `most` */
export function items(value: Asn1, most = MAX_VALUES): Asn1[] {
  const found: Asn1[] = []
  for (let at = 0; at < value.content.length; ) {
    const item = readAt(value.content, at)
    if (found.push(item) > most) throw malformedAsn1('too many values')
    at += item.raw.length
  }
  return found
}

/** Returns item `index` of a constructed value. @throws PkiError `malformed` if it does not exist */
export function item(value: Asn1 | undefined, index: number): Asn1 {
  const found = value === undefined ? undefined : items(value)[index]
  if (found === undefined) throw malformedAsn1('item missing')
  return found
}

/** Returns the item with this context-specific tag number, if any. */
export const taggedItem = (values: readonly Asn1[], number: number): Asn1 | undefined =>
  values.find((value) => (value.tag & 0xdf) === (0x80 | number))

const isConstructed = ({ tag }: Asn1): boolean => (tag & CONSTRUCTED) !== 0

/** Returns the octets of an OCTET STRING. Joins the parts of a constructed one, whose parts may be constructed too. */
export function octetStringValue(value: Asn1): Buffer {
  if (!isConstructed(value)) return value.content
  const parts: Buffer[] = []
  for (const outer of items(value)) {
    for (const part of isConstructed(outer) ? items(outer) : [outer]) {
      if (isConstructed(part)) throw malformedAsn1('OCTET STRING nested too deeply')
      if (parts.push(part.content) > MAX_VALUES) throw malformedAsn1('too many values')
    }
  }
  return Buffer.concat(parts)
}

/** Returns an INTEGER or ENUMERATED as a number. */
export const decodeNumber = (value: Asn1): number => Number(BigInt(`0x${value.content.toString('hex') || '0'}`))

/** Returns the iteration count of a key derivation. @throws PkiError `malformed` if it would take longer than seconds */
export function iterationsOf(value: Asn1): number {
  const count = decodeNumber(value)
  if (count < 1 || count > 5_000_000) throw malformedAsn1(`unsupported iteration count ${count}`)
  return count
}

/** Returns an OBJECT IDENTIFIER in dotted form. @throws PkiError `malformed` if the value is something else */
export function oidOf(value: Asn1): string {
  if (value.tag !== tags.oid || value.content.length === 0) throw malformedAsn1('object identifier expected')
  const arcs: number[] = []
  let arc = 0
  for (const octet of value.content) {
    arc = arc * 128 + (octet & 0x7f)
    if (octet & 0x80) continue
    arcs.push(arc)
    arc = 0
  }
  const [head = 0, ...rest] = arcs
  const first = Math.min(2, Math.floor(head / 40))
  return [first, head - first * 40, ...rest].join('.')
}

/** Returns the text of any of the string types. */
export function stringOf(value: Asn1): string {
  if (value.tag === tags.bmpString) return Buffer.from(value.content).swap16().toString('utf16le')
  return value.content.toString(value.tag === tags.utf8String ? 'utf8' : 'latin1')
}

/** Returns the date of a UTCTime or GeneralizedTime. RFC 5280 section 4.1.2.5. */
export function decodeTime(value: Asn1): Date {
  const text = value.content.toString('latin1')
  const short = value.tag === tags.utcTime
  const digits = short ? `${Number(text.slice(0, 2)) < 50 ? '20' : '19'}${text}` : text
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?/.exec(digits)
  if (!match) throw malformedAsn1('date expected')
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = match
    .slice(1)
    .map((part) => Number(part ?? 0))
  return new Date(Date.UTC(year, month - 1, day, hour, minute, second))
}

/** Returns the numbers of the set bits of a named BIT STRING. */
export function bitsOf(value: Asn1): number[] {
  const octets = value.content.subarray(1)
  return Array.from({ length: octets.length * 8 }, (_, bit) => bit).filter(
    (bit) => (octets[bit >> 3] ?? 0) & (0x80 >> (bit & 7)),
  )
}
