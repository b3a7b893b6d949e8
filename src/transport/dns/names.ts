import { isIPv4 } from 'node:net'
import { addressOctets } from '../../core/network/ip-address.ts'

/** A period that ends a label: it is not escaped. RFC 1035 section 5.1. */
const PERIOD = /(?<=(?:^|[^\\])(?:\\\\)*)\./
/** The period at the end of a name. */
export const ENDING_PERIOD = new RegExp(`${PERIOD.source}$`)

/**
 * Returns a name in lower case without the period at its end; the root is the empty text. Only the case of ASCII letters
 * does not count (RFC 4343 section 3).
 * Only periods, backslashes and what cannot be printed are escaped.
 */
export function normalName(name: string): string {
  const lower = lowerCase(name).replace(ENDING_PERIOD, '')
  if (!lower.includes('\\')) return lower
  return labelsOf(lower)
    .map((label) => lowerCase(labelText(labelOctets(label))))
    .join('.')
}

const lowerCase = (text: string): string => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())

/** Whether two names are the same. Case does not count. */
export const sameName = (one: string, other: string): boolean => normalName(one) === normalName(other)

/** Whether a name is a zone's or below it. Both are normal. */
export const isWithin = (name: string, zone: string): boolean =>
  zone === '' || name === zone || (name.endsWith(`.${zone}`) && ENDING_PERIOD.test(name.slice(0, -zone.length)))

/** Returns the labels of a normal name. */
export const labelsOf = (name: string): string[] => (name === '' ? [] : name.split(PERIOD))

/** Returns the octets of a text with escapes: `\DDD`, or `\` and any character. RFC 1035 section 5.1. */
export const labelOctets = (text: string): Buffer =>
  Buffer.concat(
    [...text.matchAll(/\\(\d{3})|\\(.)|([^\\]+)/gsu)].map(([, code, character, plain]) =>
      code === undefined ? Buffer.from(character ?? plain ?? '') : Buffer.from([Number(code) & 0xff]),
    ),
  )

function labelText(octets: Buffer): string {
  const utf8 = octets.toString()
  const text = Buffer.from(utf8).equals(octets) ? utf8 : octets.toString('latin1')
  const unprintable = text === utf8 ? /[\x00-\x20\x7f]/g : /[^\x21-\x7e]/g
  return text
    .replaceAll(/[.\\]/g, '\\$&')
    .replaceAll(unprintable, (one) => `\\${one.charCodeAt(0).toString().padStart(3, '0')}`)
}

/** Returns a name in wire format. RFC 1035 section 3.1. */
export function nameOctets(name: string): Buffer {
  const labels = labelsOf(name.replace(ENDING_PERIOD, '')).map(labelOctets)
  return Buffer.concat([...labels.flatMap((label) => [Buffer.from([label.length]), label]), Buffer.alloc(1)])
}

/** Returns the normal form of a name in wire format without pointers. @param at where it begins */
export function nameFrom(octets: Buffer, at: number): string {
  const labels: string[] = []
  for (let start = at; octets[start]; start += 1 + (octets[start] as number)) {
    labels.push(labelText(octets.subarray(start + 1, start + 1 + (octets[start] as number))))
  }
  return normalName(labels.join('.'))
}

/** Returns the name without its first label. */
export const parentOf = (name: string): string => labelsOf(name).slice(1).join('.')

/** Returns why a text cannot be a DNS name; undefined if it is one. RFC 1035 section 2.3.4. */
export function nameProblem(name: string): string | undefined {
  const labels = labelsOf(normalName(name))
  if (labels.some((label) => label === '')) return `${name} has an empty label`
  if (labels.some((label) => labelOctets(label).length > 63)) return `${name} has a label of more than 63 octets`
  return nameOctets(name).length > 255 ? `${name} is longer than 253 octets` : undefined
}

/** Returns the name under which an address has its PTR record. RFC 1035 section 3.5, RFC 3596 section 2.5. */
export function reverseName(address: string): string {
  const octets = addressOctets(address)
  if (isIPv4(address)) return `${[...octets].reverse().join('.')}.in-addr.arpa`
  return `${[...octets.toString('hex')].reverse().join('.')}.ip6.arpa`
}
