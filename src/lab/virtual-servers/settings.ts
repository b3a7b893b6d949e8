import { serviceOf } from '../../../servers/index.ts'
import type { LabServices, ServerContext } from '../../../servers/service.ts'
import type { ResolvedVirtualServer } from '../../core/config/resolve.ts'
import type { ProxyProtocolConfig, RateConfig } from '../../core/config/schema/virtual-server.ts'
import type { TokenConfig } from '../../core/config/schema.ts'
import { addressListOf } from '../../core/network/address-list.ts'
import { isLoopback } from '../../core/network/ip-address.ts'
import { clientKey } from '../../net/client-addresses.ts'
import type { Proxies } from '../../net/proxy-protocol/proxies.ts'
import type { Rates } from '../../net/rates.ts'
import type { VirtualServerSettings } from '../../net/virtual-server-settings.ts'
import type { TlsServices } from '../certificates/tls-settings.ts'
import type { LabFaults } from '../lab-faults.ts'
import type { Captures } from '../recording/captures.ts'
import type { ServedCertificates } from './served-certificates.ts'
import type { VirtualServers } from './virtual-servers.ts'

/** The parts of a lab that its virtual servers share. */
interface SettingsServices extends TlsServices {
  readonly services: LabServices
  readonly virtualServers: VirtualServers
  readonly servedCertificates: Pick<ServedCertificates, 'settingsOf'>
  readonly captures: Captures
  readonly faults: LabFaults
  /** Nothing of the lab keeps the process running. */
  readonly isBackground: boolean
  /** The token that the lab has generated. */
  readonly administratorToken: string | undefined
}

/** Builds a virtual server's settings from its configuration and the certificate store. @throws PkiError */
export async function serverSettings(
  server: ResolvedVirtualServer,
  lab: SettingsServices,
): Promise<VirtualServerSettings> {
  const { config, services, virtualServers, captures, faults, log, isBackground } = lab
  const { name, protocol, address, port, tlsPort, limits, idleTimeoutMs } = server
  const service = await serviceOf(protocol)
  const context: ServerContext = {
    ...services,
    config: server,
    name,
    log: log.child({ server: name }),
    tokens: protocol === 'http' ? [...config.access.tokens, ...generatedTokens(lab)] : [],
    latest: () => virtualServers.contexts.get(name) ?? context,
  }
  virtualServers.contexts.set(name, context)
  const tls = await lab.servedCertificates.settingsOf(server)
  const proxies = await proxiesOf(server.proxyProtocol)
  return {
    name,
    protocol,
    address,
    port,
    tlsPort,
    ...(tls ? { tls } : {}),
    isBackground,
    faults: faults.rules,
    captures: captures.open(config.testing.packets, server.packets),
    ...(proxies ? { proxies } : {}),
    forwarders: addressListOf(server.xclient?.from ?? server.forwarded?.from ?? []),
    maxConnections: limits.connections,
    idleTimeoutMs,
    serve: (connection) => service.serve(connection, context),
    clientLimits: {
      connectionsPerAddress: limits.connectionsPerAddress,
      logonTimeoutMs: limits.logonTimeout,
      failedLogonDelayMs:
        limits.failedLogonDelay === 'auto' && config.virtualServers.every((one) => isLoopback(one.address))
          ? 'off'
          : limits.failedLogonDelay,
    },
    takesConnection: connectionRate(name, limits.rate, services.rates),
    busyLine: (limited) => service.busy(context, limited),
  }
}

/** Loads the PROXY protocol only where it is used. */
async function proxiesOf(config: ProxyProtocolConfig | undefined): Promise<Proxies | undefined> {
  if (config === undefined) return undefined
  const { Proxies } = await import('../../net/proxy-protocol/proxies.ts')
  return new Proxies(config)
}

/** Returns what counts a connection from an address, and decides whether it is within the rate; undefined without a limit. */
function connectionRate(
  server: string,
  rate: RateConfig | undefined,
  rates: Rates,
): VirtualServerSettings['takesConnection'] {
  const { connections: count, per: perMs } = rate ?? {}
  if (count === undefined || perMs === undefined) return undefined
  return (address) => rates.take(`${server}\nconnections\n${clientKey(address)}`, { count, perMs })
}

const generatedTokens = ({ administratorToken: token }: SettingsServices): TokenConfig[] =>
  token === undefined ? [] : [{ name: 'generated', role: 'administrator', token }]
