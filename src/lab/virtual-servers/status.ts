import type { EndpointFacts } from '../../api/lab.ts'
import type { ResolvedVirtualServer } from '../../core/config/resolve.ts'
import type { TlsPolicyName } from '../../core/config/tls-policies.ts'
import type { VirtualServer } from '../../net/virtual-server.ts'

/** The addresses, certificate and TLS policy of a running virtual server, for reports and tests. */
export interface VirtualServerStatus extends EndpointFacts {
  /** The name of its TLS policy; undefined if it has none. */
  readonly tlsPolicy: TlsPolicyName | undefined
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
