import dns from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { AddressList } from '../../core/network/address-list.ts'
import { isLoopbackHost, lookupFor } from '../../core/network/ip-address.ts'

/** Addresses that no host of the Internet has. https://www.iana.org/assignments/iana-ipv4-special-registry and -ipv6- */
const PRIVATE = [
  ...['10.0.0.0/8', '100.64.0.0/10', '172.16.0.0/12', '192.0.0.0/24', '192.168.0.0/16', '198.18.0.0/15'],
  ...['fc00::/7', 'fec0::/10'],
]
/** Addresses that are never asked, not even for a name of the configuration: link-local ones have metadata services. */
const NEVER = [
  ...['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/3'],
  // Unspecified, loopback and IPv4-compatible addresses, and those that stand for an IPv4 address: NAT64, Teredo, 6to4.
  ...[
    '::/96',
    '64:ff9b::/96',
    '64:ff9b:1::/48',
    '100::/64',
    '2001::/32',
    '2001:db8::/32',
    '2002::/16',
    'fe80::/10',
    'ff00::/8',
  ],
]

const never = new AddressList(NEVER)
const notPublic = new AddressList([...NEVER, ...PRIVATE])

/** How the lab may connect to a host that a message names. */
interface RemoteHost {
  /** Checks the addresses of the name when the connection is made: no other lookup follows, which could find others. */
  readonly lookup?: LookupFunction
}

/**
 * Returns how the lab may connect to the host of a URL.
 * @param listed `mail.remoteContent`: hosts, with the port unless it is that of the scheme; `*`: every host of the Internet
 * @throws Error that says why it may not
 */
export function remoteHost(url: URL, listed: readonly string[]): RemoteHost {
  if (!/^https?:$/.test(url.protocol)) throw new Error(`${url.protocol} is neither http: nor https:`)
  if (url.username !== '' || url.password !== '') throw new Error('the URL has a user name or a password')
  const { hostname, host } = url
  // The URL parser leaves out the port of the scheme, and writes every form of an IPv4 address in the usual one.
  const isNamed = listed.some((one) => one.toLowerCase() === host)
  if (!isNamed && !(listed.includes('*') && url.port === '')) throw new Error(`${host} is not in mail.remoteContent`)
  if (isNamed && isLoopbackHost(hostname)) return lookupFor(hostname)
  const forbidden = isNamed ? never : notPublic
  const check = (address: string): void => {
    if (!forbidden.has(address)) return
    throw new Error(`${hostname} is at ${address}, to which the lab does not connect for a message`)
  }
  const literal = hostname.replace(/^\[|\]$/g, '')
  if (isIP(literal) !== 0) {
    check(literal)
    return {}
  }
  return {
    lookup(name, options, done) {
      dns.lookup(name, { ...options, all: true }, (error, found) => {
        if (error) return done(error, [])
        try {
          for (const { address } of found) check(address)
        } catch (reason) {
          return done(reason as Error, [])
        }
        const [first] = found
        if (options.all) done(null, found)
        else done(null, first?.address ?? '', first?.family)
      })
    },
  }
}
