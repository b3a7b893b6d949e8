import { isLoopback } from '../common/ip-address.ts'
import type { ServerProtocol } from './schema/protocol.ts'

interface HttpAccess {
  readonly virtualServers: readonly { readonly protocol: ServerProtocol; readonly address: string }[]
  readonly administrators: readonly string[]
  readonly tokens: readonly unknown[]
}

/**
 * Returns whether nobody could administer the lab over HTTP: a virtual server listens on an address that is not loopback,
 * where credentials are required, and neither `administrators` nor `tokens` gives any. The lab then generates a token.
 */
export function needsAdministratorToken({ virtualServers, administrators, tokens }: HttpAccess): boolean {
  if (administrators.length > 0 || tokens.length > 0) return false
  return virtualServers.some(({ protocol, address }) => protocol === 'http' && !isLoopback(address))
}
