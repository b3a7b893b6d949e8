import type { Logger } from 'pino'
import { services } from '../../servers/index.ts'
import type { ServerContext } from '../../servers/service.ts'
import type { Clock } from '../clock.ts'
import type { ResolvedLab, ResolvedVirtualServer } from '../config/resolve.ts'
import type { Protocol } from '../config/schema.ts'
import { createDirectory } from '../directory/directory.ts'
import type { Directory } from '../directory/types.ts'
import type { TlsSettings } from '../net/tls-acceptor.ts'
import type { VirtualServerSettings } from '../net/virtual-server.ts'
import type { Newsroom } from '../news/newsroom.ts'
import type { Authorities } from '../pki/authorities.ts'
import { CertificateStore } from '../pki/certificate-store/store.ts'
import type { Certificates } from '../pki/certificates.ts'
import { SessionLog } from '../sessions/log.ts'
import { openStore } from '../store/open.ts'
import { keepRetention } from '../store/retention.ts'
import type { MessageStore } from '../store/types.ts'
import { Captures } from './captures.ts'
import { CertificateOffice } from './certificate-office.ts'
import { Fleet } from './fleet.ts'
import { LabFaults } from './lab-faults.ts'
import { deliverLocally } from './local-delivery.ts'
import { NewsDesk } from './news-desk.ts'
import { preload } from './preload.ts'
import { logSession } from './session-line.ts'
import { tlsSettings } from './tls-settings.ts'

export interface LabOptions {
  readonly log: Logger
  readonly clock: Clock
}

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

/** What lives as long as the lab, whatever is reloaded. */
interface Parts {
  readonly certificateStore: CertificateStore
  readonly store: MessageStore
  readonly sessions: SessionLog
}

/** A running lab: the composition root. Made by `createLab`. */
export class Lab implements AsyncDisposable {
  readonly certificateStore: CertificateStore
  readonly store: MessageStore
  readonly sessionLog: SessionLog
  readonly clock: Clock
  readonly #options: LabOptions
  readonly #fleet: Fleet
  readonly #news: NewsDesk
  readonly #captures: Captures
  readonly #office: CertificateOffice
  readonly faults: LabFaults
  #config: ResolvedLab
  #directory: Directory
  #stopWatching: () => void = () => {}
  #stopRetention: () => void = () => {}
  /** Changes of certificates and configuration are applied one after the other. */
  #changing: Promise<void> = Promise.resolve()
  #stopped: Promise<void> | undefined

  constructor(config: ResolvedLab, parts: Parts, options: LabOptions) {
    this.#config = config
    this.#options = options
    this.certificateStore = parts.certificateStore
    this.store = parts.store
    this.sessionLog = parts.sessions
    this.clock = options.clock
    this.#directory = createDirectory(config)
    this.#fleet = new Fleet(parts.sessions, options.log)
    this.#office = new CertificateOffice(
      parts.certificateStore,
      () => ({ config: this.#config, directory: this.#directory }),
      options.log,
    )
    this.faults = new LabFaults(config.faultSeed, config.faults)
    this.#captures = new Captures(options.clock, options.log)
    this.#news = new NewsDesk(config, {
      ...parts,
      ...options,
      certificates: parts.certificateStore,
      mail: ({ from, to, raw }) =>
        deliverLocally({ store: this.store, directory: this.#directory }, { from, to: [to], raw }),
    })
  }

  get config(): ResolvedLab {
    return this.#config
  }

  /** The certificate lifecycle of the virtual servers. */
  get certificates(): Certificates {
    return this.#office.certificates
  }

  /** The lab's own certificate authorities. */
  get authorities(): Authorities {
    return this.#office.authorities
  }

  /** Address of the authorities' HTTP service; undefined where there is none. */
  get authorityServiceUrl(): string | undefined {
    return this.#office.serviceUrl
  }

  get newsroom(): Newsroom {
    return this.#news.newsroom
  }

  get directory(): Directory {
    return this.#directory
  }

  /** In the order of the configuration. */
  endpoints(): readonly Endpoint[] {
    return this.#config.virtualServers.map((config) => {
      const server = this.#fleet.get(config.name)
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
    })
  }

  /** Opens every port. @throws ListenError when one cannot be opened: then none is */
  async start(): Promise<void> {
    await this.#news.prepare(this.#config)
    try {
      await preload(this.#config, this.store)
      await this.#office.serve(this.#config)
      await this.#applyServers(this.#config)
      await this.#news.feed(this.#config)
    } catch (error) {
      await this.stop()
      throw error
    }
    this.sessionLog.watch((record) => logSession(this.#options.log, record))
    this.#office.warn()
    this.#stopRetention = keepRetention(this.store, () => this.#config.retention, this.#options)
    this.#stopWatching = this.certificateStore.watch(() => {
      void this.#serially(() => this.#wearAll()).catch((err: Error) =>
        this.#options.log.error({ err }, 'a changed certificate could not be put on; the last one stays'),
      )
    })
  }

  /**
   * Takes another configuration: new connections see it at once, open ones live on.
   * @throws ListenError, PkiError: what could not be applied stays as it was
   */
  reload(config: ResolvedLab): Promise<void> {
    return this.#serially(() => this.#apply(config))
  }

  /**
   * Puts another `certificate:` setting on one virtual server, or on all, until the next reload: for handshakes from now
   * on, open connections live on.
   * @throws PkiError where there is no such certificate: then nothing changes
   */
  wear(certificate: ResolvedVirtualServer['certificate'], only?: string): Promise<void> {
    return this.#serially(async () => {
      const previous = this.#config
      const virtualServers = previous.virtualServers.map((server) =>
        only === undefined || server.name === only ? { ...server, certificate } : server,
      )
      this.#config = { ...previous, virtualServers }
      try {
        await this.#wearAll()
      } catch (error) {
        this.#config = previous
        throw error
      }
    })
  }

  /** Looks at all certificates anew: time has moved. */
  wearAnew(): Promise<void> {
    return this.#serially(() => this.#wearAll())
  }

  /** Forgets every message and session; ports, certificates and configured newsgroups stay. */
  async reset(): Promise<void> {
    await this.store.clear()
    await this.#news.prepare(this.#config)
    await preload(this.#config, this.store)
    this.sessionLog.clear()
    this.faults.reset()
  }

  /** Says good-bye to every session and closes everything. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #stop(): Promise<void> {
    this.#stopWatching()
    this.#stopRetention()
    await this.#news[Symbol.asyncDispose]()
    await this.#fleet.stop()
    this.#captures.close()
    await this.#office[Symbol.asyncDispose]()
    await this.store[Symbol.asyncDispose]()
  }

  async #apply(next: ResolvedLab): Promise<void> {
    const previous = { config: this.#config, directory: this.#directory }
    this.#config = next
    this.#directory = createDirectory(next)
    try {
      await this.#news.prepare(next)
      await this.#office.serve(next)
      await this.#applyServers(next)
      await this.#news.feed(next)
      this.faults.reset(next.faults)
    } catch (error) {
      this.#config = previous.config
      this.#directory = previous.directory
      await this.#news.prepare(previous.config)
      await this.#office.serve(previous.config)
      await this.#applyServers(previous.config)
      throw error
    }
  }

  async #applyServers(config: ResolvedLab): Promise<void> {
    const settings = []
    for (const server of config.virtualServers) settings.push(await this.#settings(server))
    await this.#fleet.apply(settings)
  }

  async #wearAll(): Promise<void> {
    for (const config of this.#config.virtualServers) await this.#fleet.wear(config.name, await this.#tls(config))
  }

  #serially<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#changing.then(change)
    this.#changing = result.then(
      () => {},
      () => {},
    )
    return result
  }

  #tls(config: ResolvedVirtualServer): Promise<TlsSettings | undefined> {
    return tlsSettings(this.#config, config, this.#office, this.#options.log)
  }

  async #settings(config: ResolvedVirtualServer): Promise<VirtualServerSettings> {
    const service = services[config.protocol]
    const context: ServerContext = {
      config,
      name: config.name,
      hostname: this.#config.hostname,
      domain: this.#config.domain,
      store: this.store,
      directory: this.#directory,
      news: this.#news.newsroom,
      clock: this.clock,
      log: this.#options.log.child({ server: config.name }),
    }
    const tls = await this.#tls(config)
    return {
      name: config.name,
      protocol: config.protocol,
      address: config.address,
      port: config.port,
      tlsPort: config.tlsPort,
      ...(tls ? { tls } : {}),
      faults: this.faults.book,
      captures: this.#captures.wanted(this.#config.capture, config.capture),
      maxConnections: config.limits.connections,
      idleTimeoutMs: config.idleTimeoutMs,
      serve: (connection) => service.serve(connection, context),
      busyLine: service.busy(context),
    }
  }
}

/** Builds a lab and opens its ports. @throws ListenError, PkiError, StoreError: nothing is left open then */
export async function createLab(config: ResolvedLab, options: LabOptions): Promise<Lab> {
  const { store: folder, key } = config.certificates
  const certificateStore = await CertificateStore.open({ folder, key, ...options })
  try {
    const store = await openStore(config.store, options)
    const lab = new Lab(config, { certificateStore, store, sessions: new SessionLog(options.clock) }, options)
    await lab.start()
    return lab
  } catch (error) {
    await certificateStore.close()
    throw error
  }
}
