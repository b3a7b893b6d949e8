import { ApiProblem } from '../../src/api/problem.ts'
import { type AddressList, addressListOf } from '../../src/core/network/address-list.ts'
import { isLoopback, type SocketAddress } from '../../src/core/network/ip-address.ts'
import type { Connection } from '../../src/net/connection.ts'
import { noChannelBindings } from '../../src/tls/negotiation/binding-types.ts'
import { forwardedElements, nodeAddress } from './forwarded-field.ts'

/** The sender of a request and the way it came, as a listed proxy says, or else as the connection shows. */
export interface Origin {
  readonly client: SocketAddress
  /** Whether the client is on the machine of the lab. False if a proxy forwards for others and does not say for whom. */
  readonly isLocal: boolean
  /** The name and port that the client believes it talks to. */
  readonly host: string | undefined
  readonly channel: Connection['channel']
}

type Header = (name: string) => string | undefined

/** Fields that proxies add. Some set only one of the last ones. */
const PROXY_FIELDS = ['Forwarded', 'X-Forwarded-For', 'Via', 'X-Real-IP', 'X-Forwarded-Host', 'X-Forwarded-Proto']

/** Returns whether a request says that it came through a proxy, which may send those of several clients. */
export const namesProxy = (header: Header): boolean => PROXY_FIELDS.some((name) => header(name) !== undefined)

/** One way in which proxies say who the client is. */
interface Forwarding {
  readonly client: SocketAddress
  /** Whether the proxy that is named as the client hides who the client is. */
  readonly isHidden: boolean
  readonly scheme: string | undefined
  readonly host: string | undefined
}

/**
 * Returns the origin of a request.
 * @param listed `forwarded.from` of the virtual server
 * @param host what the request itself names as its target
 * @throws ApiProblem `bad-request` if a listed proxy contradicts itself
 */
export function originOf(
  header: Header,
  connection: Connection,
  listed: readonly string[],
  host: string | undefined,
): Origin {
  const { remote, channel } = connection
  const isLocal = isLoopback(remote.address) && !namesProxy(header)
  const own = { client: remote, isLocal, host, channel }
  const proxies = addressListOf(listed)
  if (!proxies?.has(remote.address)) return own
  const forwarding = forwardingIn(header, remote, proxies)
  if (!forwarding) return own
  const { client, isHidden, scheme } = forwarding
  const secure = scheme === undefined ? channel.secure : /^(?:https|wss)$/i.test(scheme)
  // The certificate on this connection is that of the proxy.
  return {
    client,
    isLocal: !isHidden && isLoopback(client.address),
    host: forwarding.host ?? host,
    channel: { secure, externalIdentity: undefined, channelBindings: noChannelBindings },
  }
}

function forwardingIn(header: Header, peer: SocketAddress, proxies: AddressList): Forwarding | undefined {
  const [byList, byField] = [readXForwarded(header, peer, proxies), readForwarded(header, peer, proxies)]
  // A client can send the one that its proxy does not know.
  if (byList && byField && byList.client.address !== byField.client.address) {
    throw new ApiProblem(
      'bad-request',
      'X-Forwarded-For and Forwarded name different clients; let the proxy remove the one that it does not set',
    )
  }
  return byList ?? byField
}

/** Reads X-Forwarded-For, -Proto and -Host. Of several values, the last one is from the nearest proxy. */
function readXForwarded(header: Header, peer: SocketAddress, proxies: AddressList): Forwarding | undefined {
  const hops = header('X-Forwarded-For')?.split(',')
  if (hops === undefined) return undefined
  const last = (name: string): string | undefined => header(name)?.split(',').at(-1)?.trim() || undefined
  const { client, isHidden } = clientOf(hops, peer, proxies)
  return { client, isHidden, scheme: last('X-Forwarded-Proto'), host: last('X-Forwarded-Host') }
}

/** Reads Forwarded. RFC 7239. */
function readForwarded(header: Header, peer: SocketAddress, proxies: AddressList): Forwarding | undefined {
  const field = header('Forwarded')
  if (field === undefined) return undefined
  const elements = forwardedElements(field)
  if (!elements) throw new ApiProblem('bad-request', 'the field Forwarded does not have the form of RFC 7239 section 4')
  const { client, isHidden, at } = clientOf(
    elements.map((one) => one.get('for')),
    peer,
    proxies,
  )
  return { client, isHidden, scheme: elements[at]?.get('proto'), host: elements[at]?.get('host') }
}

/**
 * Returns the last hop that is no listed proxy, and its place. Hops before it could be its own invention. A hop without an
 * address hides those before it, and the proxy that names it counts as the client.
 */
function clientOf(
  hops: readonly (string | undefined)[],
  peer: SocketAddress,
  proxies: AddressList,
): { client: SocketAddress; isHidden: boolean; at: number } {
  let client = peer
  let at = hops.length
  while (at > 0 && proxies.has(client.address)) {
    const hop = nodeAddress(hops[at - 1] ?? '')
    if (!hop) break
    client = hop
    at--
  }
  return { client, isHidden: at > 0 && proxies.has(client.address), at: Math.min(at, hops.length - 1) }
}
