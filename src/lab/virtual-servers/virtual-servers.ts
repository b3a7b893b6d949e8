import type { Logger } from 'pino'
import type { ResolvedVirtualServer } from '../../core/config/resolve.ts'
import type { ServerProtocol } from '../../core/config/schema.ts'
import type { TlsPolicyName } from '../../core/config/tls-policies.ts'
import type { Intake } from '../../core/octets/received-octets.ts'
import type { SessionLog } from '../../core/sessions/log.ts'
import { FailedLogons } from '../../net/failed-logons.ts'
import { type Disconnection, VirtualServer } from '../../net/virtual-server.ts'
import type { VirtualServerSettings } from '../../net/virtual-server-settings.ts'

/** The running virtual servers, by name. */
export class VirtualServers {
  readonly #sessions: SessionLog
  readonly #log: Logger
  readonly #intake: Intake
  /** Shared, so that an address cannot try passwords faster on several virtual servers. */
  readonly #failedLogons = new FailedLogons()
  readonly #servers = new Map<string, VirtualServer>()

  constructor(sessions: SessionLog, log: Logger, intake: Intake) {
    this.#sessions = sessions
    this.#log = log
    this.#intake = intake
  }

  get(name: string): VirtualServer | undefined {
    return this.#servers.get(name)
  }

  /**
   * Starts, updates and stops virtual servers so that they match the settings. Open connections continue, except those of
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

  /** Replaces the certificate and TLS policy of a running server. */
  async setTls(name: string, tls: VirtualServerSettings['tls']): Promise<void> {
    await this.#servers.get(name)?.setTls(tls)
  }

  /** Ends the sessions with these ids, and returns how many were open. @param asking the one that asks for it, if any */
  async disconnect(ids: ReadonlySet<string>, how: Disconnection, asking?: string): Promise<number> {
    const ended = await Promise.all([...this.#servers.values()].map((server) => server.disconnect(ids, how, asking)))
    return ended.reduce((sum, count) => sum + count, 0)
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
    const server = new VirtualServer(settings, this.#sessions, this.#log, this.#failedLogons, this.#intake)
    await server.start()
    this.#servers.set(settings.name, server)
  }
}

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
export function statusOf(config: ResolvedVirtualServer, virtualServers: VirtualServers): VirtualServerStatus {
  const server = virtualServers.get(config.name)
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
