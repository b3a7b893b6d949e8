import type { Logger } from 'pino'
import type { ServerContext } from '../../../servers/service.ts'
import type { EndpointFacts } from '../../api/lab.ts'
import type { ResolvedVirtualServer } from '../../core/config/resolve.ts'
import type { TlsPolicyName } from '../../core/config/tls-policies.ts'
import type { Intake } from '../../core/octets/received-octets.ts'
import type { SessionLog } from '../../core/sessions/log.ts'
import type { SessionRecord } from '../../core/sessions/types.ts'
import { FailedLogons } from '../../net/failed-logons.ts'
import { type Disconnection, VirtualServer } from '../../net/virtual-server.ts'
import type { VirtualServerSettings } from '../../net/virtual-server-settings.ts'
import type { Cluster } from '../../storage/cluster/types.ts'
import type { InstalledCertificate } from '../../tls/pki/types.ts'

export type { Disconnection }

/** The parts of a lab that every virtual server uses. */
interface VirtualServerServices {
  readonly sessionLog: SessionLog
  readonly log: Logger
  readonly intake: Intake
  readonly cluster: Cluster
}

/** The running virtual servers, by name. */
export class VirtualServers {
  readonly #services: VirtualServerServices
  /** Shared, so that an address cannot try passwords faster on several virtual servers. */
  readonly #failedLogons = new FailedLogons()
  readonly #servers = new Map<string, VirtualServer>()
  /** The context that new sessions of each virtual server use, by name. */
  readonly contexts = new Map<string, ServerContext>()

  constructor(services: VirtualServerServices) {
    this.#services = services
  }

  get(name: string): VirtualServer | undefined {
    return this.#servers.get(name)
  }

  /** Returns the certificates that a virtual server serves, the default one first. */
  certificatesOf(name: string): readonly InstalledCertificate[] {
    return this.#servers.get(name)?.settings.tls?.certificates ?? []
  }

  /**
   * Starts, updates and stops virtual servers so that they match the settings. Open connections continue, except on
   * stopped servers.
   * @throws ListenError, or the reason why a certificate is unusable. Some servers may have changed by then: the caller
   * applies the previous settings again.
   */
  async apply(settings: readonly VirtualServerSettings[]): Promise<void> {
    const wanted = new Set(settings.map(({ name }) => name))
    const removed = [...this.#servers].filter(([name]) => !wanted.has(name))
    for (const [name] of removed) this.#servers.delete(name)
    await Promise.all(removed.map(([, server]) => server.stop()))
    // A port may move from one virtual server to another, so all close theirs before any opens one.
    for (const each of settings) this.#servers.get(each.name)?.vacate(each)
    for (const each of settings) await this.#put(each)
  }

  /** Ends the sessions with these ids, and returns how many were open. @param asking the one that asks for it, if any */
  async disconnect(ids: ReadonlySet<string>, how: Disconnection, asking?: string): Promise<number> {
    const ended = await Promise.all([...this.#servers.values()].map((server) => server.disconnect(ids, how, asking)))
    return ended.reduce((sum, count) => sum + count, 0)
  }

  /**
   * Ends the sessions of an account on all nodes. Resolves once they have ended.
   * @param asking the id of the session that asks for it: it ends after its answer
   */
  async endSessionsOf(user: string, asking?: string): Promise<void> {
    await Promise.all([this.endOwnSessionsOf(user, asking), this.#services.cluster.ask('disconnect', { user })])
  }

  /** Does the same on this node only. */
  async endOwnSessionsOf(user: string, asking?: string): Promise<void> {
    const isOf = (one: SessionRecord): boolean => one.user === user || (one.usedBy?.includes(user) ?? false)
    const own = this.#services.sessionLog.list().filter((one) => one.endedAt === undefined && isOf(one))
    await this.disconnect(new Set(own.map(({ id }) => id)), 'farewell', asking)
  }

  /** Ends every session, and opens the same ports again. @throws ListenError */
  async restart(): Promise<void> {
    await Promise.all([...this.#servers.values()].map((server) => server.restart()))
  }

  /** Opens the ports that were made unreachable. @throws ListenError */
  async restore(): Promise<void> {
    await Promise.all([...this.#servers.values()].map((server) => server.reach('open')))
  }

  /**
   * Closes every port, and lets the sessions finish what they do. Resolves when all have ended, or at the signal.
   * @returns how many sessions are left
   */
  async drain(signal: AbortSignal): Promise<number> {
    const left = await Promise.all([...this.#servers.values()].map((server) => server.drain(signal)))
    return left.reduce((sum, count) => sum + count, 0)
  }

  /** Stops every server; each session ends with its protocol's farewell. */
  async stop(): Promise<void> {
    await Promise.all([...this.#servers.values()].map((server) => server.stop()))
  }

  async #put(settings: VirtualServerSettings): Promise<void> {
    const running = this.#servers.get(settings.name)
    if (running) return running.update(settings)
    const { sessionLog, log, intake } = this.#services
    const server = new VirtualServer(settings, sessionLog, log, this.#failedLogons, intake)
    await server.start()
    this.#servers.set(settings.name, server)
  }
}

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
