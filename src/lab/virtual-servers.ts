import type { Logger } from 'pino'
import type { ResolvedVirtualServer } from '../config/resolve.ts'
import type { Protocol } from '../config/schema.ts'
import { VirtualServer, type VirtualServerSettings } from '../net/virtual-server.ts'
import type { SessionLog } from '../sessions/log.ts'

/** The virtual servers that run, by name. */
export class VirtualServers {
  readonly #sessions: SessionLog
  readonly #log: Logger
  readonly #servers = new Map<string, VirtualServer>()

  constructor(sessions: SessionLog, log: Logger) {
    this.#sessions = sessions
    this.#log = log
  }

  get(name: string): VirtualServer | undefined {
    return this.#servers.get(name)
  }

  /**
   * Makes the virtual servers those of the settings: some stop, some change, some start. Connections that are open live on.
   * @throws ListenError, or what makes a certificate unusable; some may have changed by then: apply the old settings again
   */
  async apply(settings: readonly VirtualServerSettings[]): Promise<void> {
    const wanted = new Set(settings.map(({ name }) => name))
    const leaving = [...this.#servers].filter(([name]) => !wanted.has(name))
    for (const [name] of leaving) this.#servers.delete(name)
    await Promise.all(leaving.map(([, server]) => server.stop()))
    // A port may move from one virtual server to another: all let go before any takes.
    for (const each of settings) this.#servers.get(each.name)?.vacate(each)
    for (const each of settings) await this.#put(each)
  }

  /** Another certificate or policy for one that runs. */
  async setTls(name: string, tls: VirtualServerSettings['tls']): Promise<void> {
    await this.#servers.get(name)?.setTls(tls)
  }

  /** Says good-bye to every session. */
  async stop(): Promise<void> {
    await Promise.all([...this.#servers.values()].map((server) => server.stop()))
  }

  async #put(settings: VirtualServerSettings): Promise<void> {
    const running = this.#servers.get(settings.name)
    if (running) return running.update(settings)
    const server = new VirtualServer(settings, this.#sessions, this.#log)
    await server.start()
    this.#servers.set(settings.name, server)
  }
}

/** Where one virtual server is to be reached, and what it wears. */
export interface VirtualServerStatus {
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
export function statusOf(config: ResolvedVirtualServer, virtualServers: VirtualServers): VirtualServerStatus {
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
