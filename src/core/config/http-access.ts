import { isLoopback } from '../network/ip-address.ts'
import type { ServerProtocol } from './schema/protocol.ts'

interface HttpServerAccess {
  readonly protocol: ServerProtocol
  readonly address: string
  readonly proxyProtocol?: object | undefined
  readonly forwardedFrom: readonly string[]
}

interface HttpAccess {
  readonly virtualServers: readonly HttpServerAccess[]
  readonly administrators: readonly string[]
  readonly tokens: readonly unknown[]
}

/** Returns the key by which clients of other machines reach the HTTP API: directly, or through a proxy. */
export function keyOfOthers(server: HttpServerAccess): 'address' | 'proxyProtocol' | 'forwardedFrom' | undefined {
  if (server.protocol !== 'http') return undefined
  if (!isLoopback(server.address)) return 'address'
  if (server.proxyProtocol !== undefined) return 'proxyProtocol'
  return server.forwardedFrom.length > 0 ? 'forwardedFrom' : undefined
}

/**
 * Returns whether nobody could administer the lab over HTTP: other machines reach a virtual server, from
 * where credentials are required, and neither `administrators` nor `tokens` gives any. The lab then generates a token.
 */
export function needsAdministratorToken({ virtualServers, administrators, tokens }: HttpAccess): boolean {
  if (administrators.length > 0 || tokens.length > 0) return false
  return virtualServers.some((server) => keyOfOthers(server) !== undefined)
}
