import { groupId } from '../../core/sessions/tls-groups.ts'
import type { ClientHelloFacts } from '../../core/sessions/types.ts'

const HAS_TUPLES = /^(?:3\.(?:[5-9]|\d\d)|[4-9])/.test(process.versions.openssl)

/**
 * OpenSSL's default groups. From version 3.5 it has tuples of groups: a client that supports a group of one tuple is not
 * served with one of a later tuple, even if it has sent a key share for that.
 */
const DEFAULT_TUPLES: readonly (readonly number[])[] = HAS_TUPLES
  ? [[0x11ec], [0x001d, 0x0017], [0x001e, 0x0018, 0x0019], [0x0100, 0x0101]]
  : [[0x001d, 0x0017, 0x001e, 0x0019, 0x0018, 0x0100, 0x0101, 0x0102, 0x0103, 0x0104]]

/** The key exchange of a TLS 1.3 handshake. */
interface KeyExchange {
  /** The code point of the group. */
  readonly group: number
  /** Whether the server had to ask for a key share (HelloRetryRequest). RFC 8446 section 4.1.4. */
  readonly helloRetryRequest: boolean
}

/**
 * Returns the key exchange of a TLS 1.3 handshake. Node.js does not report it to a server, so OpenSSL's choice is repeated
 * here: `test/tls/negotiation/groups.test.ts` compares it with what a client reports. RFC 8446 section 4.2.8.
 * @param policy the groups of the policy; undefined: OpenSSL's default
 * @returns undefined if a group is unknown, or none is shared
 */
export function keyExchangeOf(hello: ClientHelloFacts, policy: readonly string[] | undefined): KeyExchange | undefined {
  const own = policy?.map(groupId)
  if (own && !own.every((id) => id !== undefined)) return undefined
  const { groups: offered = [], keyShares = [] } = hello
  const tuple = (own ? [own] : DEFAULT_TUPLES).find((ids) => ids.some((id) => offered.includes(id)))
  if (tuple === undefined) return undefined
  const first = (clients: readonly number[]): number | undefined =>
    // From version 3.5 the server's order counts, before the client's.
    HAS_TUPLES ? tuple.find((id) => clients.includes(id)) : clients.find((id) => tuple.includes(id))
  const shared = first(keyShares)
  if (shared !== undefined) return { group: shared, helloRetryRequest: false }
  const wanted = first(offered)
  return wanted === undefined ? undefined : { group: wanted, helloRetryRequest: true }
}
