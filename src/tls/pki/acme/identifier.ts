import { isIP, isIPv4 } from 'node:net'
import { addressOctets } from '../../../core/network/ip-address.ts'

/** A name or address for which a certificate is requested. RFC 8555 section 7.1.6; `ip` by RFC 8738. */
export interface Identifier {
  readonly type: 'dns' | 'ip'
  readonly value: string
}

/** The protocol that a client of tls-alpn-01 negotiates. RFC 8737 section 6.2. */
export const acmeProtocol = 'acme-tls/1'

/** Returns the identifier of a host name or an IP address. */
export const identifierOf = (value: string): Identifier => ({ type: isIP(value) ? 'ip' : 'dns', value })

/** Returns the server name of a tls-alpn-01 handshake: for an address its reverse name. RFC 8737 section 3, RFC 8738 section 6. */
export function serverNameOf({ type, value }: Identifier): string {
  if (type === 'dns') return value.toLowerCase()
  if (isIPv4(value)) return `${value.split('.').reverse().join('.')}.in-addr.arpa`
  const nibbles = [...Buffer.from(addressOctets(value)).toString('hex')]
  return `${nibbles.reverse().join('.')}.ip6.arpa`
}
