import { isLoopback } from '../network/ip-address.ts'
import type { ServerProtocol } from './schema/protocol.ts'

interface HttpServerAccess {
  readonly protocol: ServerProtocol
  readonly address: string
  readonly proxyProtocol?: object | undefined
  readonly forwarded?: { readonly from: readonly string[] } | undefined
}

interface HttpAccess {
  readonly virtualServers: readonly HttpServerAccess[]
  readonly access: { readonly administrators: readonly string[]; readonly tokens: readonly unknown[] }
}

/** Returns the key by which other machines reach the HTTP API: directly, or through a proxy. */
export function remoteAccessKey(server: HttpServerAccess): 'address' | 'proxyProtocol' | 'forwarded' | undefined {
  if (server.protocol !== 'http') return undefined
  if (!isLoopback(server.address)) return 'address'
  if (server.proxyProtocol !== undefined) return 'proxyProtocol'
  return (server.forwarded?.from.length ?? 0) > 0 ? 'forwarded' : undefined
}

/**
 * Returns whether other machines can reach the API over HTTP, but nobody has credentials for it: `access` names
 * nobody. The lab then generates a token.
 */
export function needsAdministratorToken({ virtualServers, access }: HttpAccess): boolean {
  const { administrators, tokens } = access
  if (administrators.length > 0 || tokens.length > 0) return false
  return virtualServers.some((server) => remoteAccessKey(server) !== undefined)
}
