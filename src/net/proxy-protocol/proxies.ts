import type { Socket } from 'node:net'
import { AddressList } from '../../core/network/address-list.ts'
import { GrowingBuffer } from '../../core/octets/growing-buffer.ts'
import { clearTimeout, setTimeout } from '../../core/time/real-timers.ts'
import { readProxyHeader } from './header.ts'
import type { ProxyHeader } from './types.ts'

/** The result of waiting for a header: the header, or why it is missing. */
export type Announcement =
  | { readonly kind: 'header'; readonly header: ProxyHeader }
  | { readonly kind: 'refused'; readonly why: string }
  /** The proxy closed the connection before it sent anything, as some health checks do. */
  | { readonly kind: 'closed' }

/** The proxies that announce the clients of a virtual server by the PROXY protocol. */
export class Proxies {
  readonly #from: AddressList
  readonly #timeoutMs: number

  /** @param from addresses and networks (CIDR) of the proxies */
  constructor({ from, timeout: timeoutMs }: { readonly from: readonly string[]; readonly timeout: number }) {
    this.#from = new AddressList(from)
    this.#timeoutMs = timeoutMs
  }

  /** Returns whether a connection from an address must begin with a header. */
  has(address: string): boolean {
    return this.#from.has(address)
  }

  /**
   * Reads the header from a socket that was just accepted. The octets after it are put back, and the socket is left paused.
   * Never rejects. Unless there is a header, the caller closes the socket.
   * @param clientBegins whether the client speaks first, as under TLS. A health check of the proxy then says nothing more.
   */
  announcement(socket: Socket, clientBegins: boolean): Promise<Announcement> {
    return new Promise((resolve) => {
      const received = new GrowingBuffer()
      /** The header of a connection of the proxy itself, while nothing has followed. */
      let own: Announcement | undefined
      const { remoteAddress: address = '' } = socket
      const done = (result: Announcement, rest?: Buffer): void => {
        clearTimeout(timer)
        socket.off('data', onData)
        socket.off('end', onGone)
        socket.off('close', onGone)
        socket.pause()
        if (rest && rest.length > 0) socket.unshift(rest)
        resolve(result)
      }
      const refused = (why: string, cure: string): void =>
        done({ kind: 'refused', why: `the proxy ${address} ${why}: ${cure}` })
      const onGone = (): void => {
        if (received.length === 0 || own) done({ kind: 'closed' })
        else refused('closed the connection in the middle of its PROXY header', LOOK)
      }
      const onData = (chunk: Buffer): void => {
        received.append(chunk)
        const { octets } = received
        const result = readProxyHeader(octets)
        if (result.kind === 'absent') refused(`sent no PROXY header, but ${nameOf(octets)}`, SEND)
        else if (result.kind === 'malformed') refused(`sent a malformed PROXY header, ${result.why}`, LOOK)
        else if (result.kind === 'more') return
        else if (clientBegins && !result.header.source && octets.length === result.octets) own = result
        else done(result, octets.subarray(result.octets))
      }
      const timer = setTimeout(() => {
        const within = `within ${this.#timeoutMs / 1000} s (proxyProtocol.timeout)`
        if (own) done(own)
        else if (received.length === 0) refused(`sent no PROXY header ${within}`, SEND)
        else refused(`did not finish its PROXY header ${within}`, LOOK)
      }, this.#timeoutMs)
      socket.on('error', ignore)
      socket.on('end', onGone)
      socket.on('close', onGone)
      socket.on('data', onData)
    })
  }
}

const SEND =
  'let it send one (HAProxy: send-proxy-v2; nginx: proxy_protocol on), or remove its address from proxyProtocol.from of this virtual server'
const LOOK = 'look at the settings of the proxy, and at what is between it and this lab'

/** An error also closes the socket, and a socket without a listener would end the process. */
const ignore = (): void => {}

/** Describes octets that are not a header. Only the first word is shown: what follows may be secret. */
function nameOf(octets: Buffer): string {
  if (octets[0] === 22) return 'a TLS handshake'
  const word = /^[A-Za-z][A-Za-z0-9]{0,15}(?=[ \r\n])/.exec(octets.toString('latin1', 0, 32))?.[0]
  return word === undefined ? `${octets.length} other octets` : `“${word}”`
}
