import { isIPv4 } from 'node:net'
import { addressOctets } from '../../core/network/ip-address.ts'

/** Returns a name in lower case without the period at its end; the root is the empty text. RFC 4343. */
export const normalName = (name: string): string => name.toLowerCase().replace(/(?<!\\)\.$/, '')

/** Whether two names are the same. Case does not count. */
export const sameName = (one: string, other: string): boolean => normalName(one) === normalName(other)

/** Whether a name is a zone's or below it. Both are normal. */
export const isWithin = (name: string, zone: string): boolean =>
  zone === '' || name === zone || name.endsWith(`.${zone}`)

/** Returns the labels of a normal name. */
export const labelsOf = (name: string): string[] => (name === '' ? [] : name.split('.'))

/** Returns the name without its first label. */
export const parentOf = (name: string): string => labelsOf(name).slice(1).join('.')

/** Returns why a text cannot be a DNS name; undefined if it is one. RFC 1035 section 2.3.4. */
export function nameProblem(name: string): string | undefined {
  const labels = labelsOf(normalName(name))
  if (labels.some((label) => label === '')) return `${name} has an empty label`
  if (labels.some((label) => Buffer.byteLength(label) > 63)) return `${name} has a label of more than 63 octets`
  return Buffer.byteLength(name) > 253 ? `${name} is longer than 253 octets` : undefined
}

/** Returns the name under which an address has its PTR record. RFC 1035 section 3.5, RFC 3596 section 2.5. */
export function reverseName(address: string): string {
  const octets = addressOctets(address)
  if (isIPv4(address)) return `${[...octets].reverse().join('.')}.in-addr.arpa`
  return `${[...octets.toString('hex')].reverse().join('.')}.ip6.arpa`
}
