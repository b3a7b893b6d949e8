import { isIP, isIPv4, type LookupFunction } from 'node:net'

/** An IP address and a TCP port. */
export interface SocketAddress {
  readonly address: string
  readonly port: number
}

/**
 * Returns the 4 octets of an IPv4 address, or the 16 of an IPv6 address in any notation, without its zone.
 * RFC 4291 section 2.2. @throws TypeError for any other text
 */
export function addressOctets(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number))
  // The URL parser turns every notation, IPv4 tails included, into plain groups.
  const [head = '', tail] = new URL(`http://[${address.split('%')[0]}]`).hostname.slice(1, -1).split('::')
  const groups = (text: string): number[] => (text ? text.split(':').map((group) => Number.parseInt(group, 16)) : [])
  const before = groups(head)
  const after = groups(tail ?? '')
  const all = [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after]
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 0xff]))
}

/** Returns the usual notation of an address (RFC 5952), or hexadecimal for octets that are not an address. */
export function addressText(octets: Buffer): string {
  if (octets.length === 4) return octets.join('.')
  if (octets.length !== 16) return octets.toString('hex')
  return new URL(`http://[${octets.toString('hex').match(/.{4}/g)?.join(':')}]`).hostname.slice(1, -1)
}

/** Shortens the IPv6 addresses in a text of Node.js, which writes a certificate's addresses as `0:0:0:0:0:0:0:1`. RFC 5952. */
export const shortenAddresses = (text: string): string =>
  text.replaceAll(FULL_IPV6, (address) => addressText(addressOctets(address)))

/** Exactly eight groups, because a thumbprint looks the same but has more. */
const FULL_IPV6 = /(?<![0-9a-f]:|[0-9a-f])(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}(?![:0-9a-f])/gi

/** Returns the address at which programs on this machine reach a listening address. */
export function reachableAddress(address: string): string {
  if (address === '0.0.0.0') return '127.0.0.1'
  return address === '::' ? '::1' : address
}

/** Returns whether only programs of this machine can reach a listening address. */
export const isLoopback = (address: string): boolean =>
  address === 'localhost' || address === '::1' || address.startsWith('127.')

/** Returns whether a host in a URL is a loopback address: the lab may connect to it without being told. */
export function isLoopbackHost(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '')
  return host === 'localhost' || (isIP(host) !== 0 && isLoopback(host))
}

/** Looks up the addresses of `localhost` without DNS, which could name other machines. RFC 6761 section 6.3. */
const lookUpLoopback: LookupFunction = (_, { all, family = 0 }, done) => {
  const found = [
    { address: '127.0.0.1', family: 4 },
    { address: '::1', family: 6 },
  ].filter((one) => family === 0 || `IPv${one.family}` === family || one.family === family)
  if (all) done(null, found)
  else done(null, found[0]?.address ?? '', found[0]?.family)
}

/** Milliseconds. Node.js gives up an address after 250, which a busy machine may need; a closed port refuses immediately. */
const LOOPBACK_ATTEMPT_MS = 10_000

/** Options of a connection. */
interface Lookup {
  readonly lookup?: LookupFunction
  readonly autoSelectFamilyAttemptTimeout?: number
}

/** Returns the options for a connection to a host: `localhost` is this machine, whatever DNS says. */
export const lookupFor = (host: string): Lookup =>
  host === 'localhost' ? { lookup: lookUpLoopback, autoSelectFamilyAttemptTimeout: LOOPBACK_ATTEMPT_MS } : {}
