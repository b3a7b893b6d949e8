import type { ResolvedVirtualServer } from '../config/resolve.ts'
import type { Protocol } from '../config/schema.ts'
import type { VirtualServers } from './virtual-servers.ts'

/** Where one virtual server is to be reached, and what it wears. */
export interface Endpoint {
  readonly virtualServer: string
  readonly protocol: Protocol
  readonly address: string
  /** Undefined: closed. */
  readonly port: number | undefined
  readonly tlsPort: number | undefined
  readonly certificate: { readonly friendlyName: string; readonly thumbprint: string } | undefined
  readonly requireSecureChannel: boolean
  readonly require128BitEncryption: boolean
  /** Clients of SSL 3.0 and TLS 1.0 with the ciphers of the 1990s are let in. */
  readonly legacyTls: boolean
}

/** A virtual server as it runs now. */
export function endpointOf(config: ResolvedVirtualServer, virtualServers: VirtualServers): Endpoint {
  const server = virtualServers.get(config.name)
  const tls = server?.settings.tls
  const worn = tls?.certificates[0]
  return {
    virtualServer: config.name,
    protocol: config.protocol,
    address: config.address,
    port: server?.port,
    tlsPort: server?.tlsPort,
    certificate: worn && { friendlyName: worn.friendlyName, thumbprint: worn.thumbprint },
    requireSecureChannel: config.requireSecureChannel,
    require128BitEncryption: config.require128BitEncryption,
    legacyTls: tls?.legacy !== undefined,
  }
}
