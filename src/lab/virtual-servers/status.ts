import type { ResolvedVirtualServer } from '../../core/config/resolve.ts'
import type { ServerProtocol } from '../../core/config/schema.ts'
import type { TlsPolicyName } from '../../core/config/tls-policies.ts'
import type { VirtualServer } from '../../net/virtual-server.ts'

/** The addresses, certificate and TLS policy of a running virtual server, for reports and tests. */
export interface VirtualServerStatus {
  readonly virtualServer: string
  readonly protocol: ServerProtocol
  readonly address: string
  /** Undefined if closed. */
  readonly port: number | undefined
  /** Undefined if closed. */
  readonly tlsPort: number | undefined
  /** False while its ports refuse or swallow connections, as tests of outages make them. */
  readonly reachable: boolean
  /** The default certificate; undefined if none is assigned. */
  readonly certificate: { readonly friendlyName: string; readonly thumbprint: string } | undefined
  readonly requireSecureChannel: boolean
  readonly require128BitEncryption: boolean
  /** The addresses whose connections begin with a PROXY header. */
  readonly proxies: readonly string[]
  /** The name of its TLS policy; undefined if it has none. */
  readonly tlsPolicy: TlsPolicyName | undefined
  /** Whether clients with SSL 3.0, TLS 1.0 and the ciphers of the 1990s are accepted. */
  readonly legacyTls: boolean
  /** The defect of its TLS engine, on purpose. */
  readonly tlsDefect: string | undefined
}

/** Returns the current status of a virtual server. */
export function statusOf(config: ResolvedVirtualServer, server: VirtualServer | undefined): VirtualServerStatus {
  const tls = server?.settings.tls
  const certificate = tls?.certificates[0]
  return {
    virtualServer: config.name,
    protocol: config.protocol,
    address: config.address,
    port: server?.port,
    tlsPort: server?.tlsPort,
    reachable: server?.isReachable ?? false,
    certificate: certificate && { friendlyName: certificate.friendlyName, thumbprint: certificate.thumbprint },
    requireSecureChannel: config.requireSecureChannel,
    require128BitEncryption: config.require128BitEncryption,
    proxies: config.proxyProtocol?.from ?? [],
    tlsPolicy: tls && config.tls.policy,
    legacyTls: tls?.legacy !== undefined && tls.legacy.minVersion === undefined,
    tlsDefect: tls?.legacy?.defect,
  }
}

/** Returns `ADDRESS:PORT` of each HTTP virtual server. */
export const httpAddresses = (endpoints: readonly VirtualServerStatus[]): string[] =>
  endpoints
    .filter(({ protocol }) => protocol === 'http')
    .flatMap(({ address, port, tlsPort }) => {
      const first = port ?? tlsPort
      return first === undefined ? [] : [`${address}:${first}`]
    })
