import { isIPv4 } from 'node:net'

/** The 4 octets of an IPv4 address, the 16 of an IPv6 one in any of its forms, its zone left out. RFC 4291 section 2.2. @throws TypeError for any other text */
export function addressOctets(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number))
  // The URL parser gives every form, IPv4 tails included, as plain groups.
  const [head = '', tail] = new URL(`http://[${address.split('%')[0]}]`).hostname.slice(1, -1).split('::')
  const groups = (text: string): number[] => (text ? text.split(':').map((group) => Number.parseInt(group, 16)) : [])
  const before = groups(head)
  const after = groups(tail ?? '')
  const all = [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after]
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 0xff]))
}

/** The other way round, in the usual form (RFC 5952); octets that are no address as hexadecimal. */
export function addressText(octets: Buffer): string {
  if (octets.length === 4) return octets.join('.')
  if (octets.length !== 16) return octets.toString('hex')
  return new URL(`http://[${octets.toString('hex').match(/.{4}/g)?.join(':')}]`).hostname.slice(1, -1)
}
