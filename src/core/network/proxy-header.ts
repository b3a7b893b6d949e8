/** How PROXY headers begin: a line in version 1, octets in version 2. https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt */
export const PROXY_LINE_START = Buffer.from('PROXY ')
export const PROXY_SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')

/** Returns whether octets begin as a PROXY header. */
export const isProxyHeader = (octets: Buffer): boolean =>
  [PROXY_LINE_START, PROXY_SIGNATURE].some((start) => octets.subarray(0, start.length).equals(start))

/** Why a PROXY header is refused from an address that is not listed, and what to do. */
export const UNEXPECTED_PROXY_HEADER =
  'the client sent a PROXY protocol header, and its address is not in proxyProtocol.from of this virtual server: if it is your proxy (HAProxy with send-proxy, nginx with proxy_protocol on), add its address there; otherwise somebody tries to appear under another address'
