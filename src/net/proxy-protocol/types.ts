import type { SocketAddress } from '../../core/network/ip-address.ts'

/** A proxy's statement about a connection. https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt */
export interface ProxyHeader {
  /** The client. Absent for a connection of the proxy itself, such as a health check, and for clients without an IP address. */
  readonly source?: SocketAddress
  /** The address of the proxy that the client connected to. */
  readonly destination?: SocketAddress
  /** Whether the client and the proxy use TLS (PP2_CLIENT_SSL). */
  readonly isSecure: boolean
  /** The header's other facts, in plain words. */
  readonly notes: readonly string[]
}

/** The beginning of a connection: `more` means that a header may have begun, `absent` that it does not begin with one. */
export type HeaderResult =
  | { readonly kind: 'more' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'malformed'; readonly why: string }
  | { readonly kind: 'header'; readonly header: ProxyHeader; readonly octets: number }

/** Replaces the characters of a text that are not printable ASCII. */
export const printable = (text: string): string => text.replaceAll(/[^ -~]/g, '?')
