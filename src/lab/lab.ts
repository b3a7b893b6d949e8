import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { AddedAccounts } from '../accounts/directory/added-accounts.ts'
import { createDirectory } from '../accounts/directory/directory.ts'
import { Tenants } from '../accounts/directory/tenants.ts'
import type { Directory } from '../accounts/directory/types.ts'
import { OAuth2 } from '../accounts/oauth2/oauth2.ts'
import { httpUrlOf } from '../accounts/oauth2/settings.ts'
import type { Api } from '../api/api.ts'
import type { LabChange, NotReady, ServedCertificate } from '../api/lab.ts'
import { Statistics } from '../api/metrics/statistics.ts'
import { Traffic } from '../api/metrics/traffic.ts'
import { ReturnedMessages } from '../api/returned-messages.ts'
import { needsAdministratorToken } from '../core/config/http-access.ts'
import type { OnDemand } from '../core/config/on-demand/parse.ts'
import type { ResolvedLab, ResolvedVirtualServer } from '../core/config/resolve.ts'
import { durationText } from '../core/config/schema/values.ts'
import type { Intake } from '../core/octets/received-octets.ts'
import type { SessionLog } from '../core/sessions/log.ts'
import type { SessionCaptures } from '../core/sessions/session-captures.ts'
import type { SessionRecord } from '../core/sessions/types.ts'
import { abortAfter } from '../core/time/abort-after.ts'
import type { Clock } from '../core/time/clock.ts'
import type { MovableClock } from '../core/time/movable-clock.ts'
import type { SharedValues } from '../core/values/shared-values.ts'
import { Rates } from '../net/rates.ts'
import type { Disconnection, Reach } from '../net/virtual-server.ts'
import type { Cluster } from '../storage/cluster/types.ts'
import type { Database } from '../storage/database/database.ts'
import type { MessageStore, StoredMessage } from '../storage/store/types.ts'
import type { ServedTls } from '../tls/negotiation/routing.ts'
import type { Authorities } from '../tls/pki/authority/authorities.ts'
import type { CertificateStore } from '../tls/pki/certificate-store/types.ts'
import type { Certificates } from '../tls/pki/lifecycle/certificates.ts'
import { assertEnvelope, deliverLocalMail, type LocalMail } from '../transport/delivery/local-mail.ts'
import { reportStored, type StoredMail } from '../transport/delivery/reports/on-demand/report-stored.ts'
import { ScheduledReports } from '../transport/delivery/reports/scheduled.ts'
import type { DeliveryServices } from '../transport/delivery/types.ts'
import { MailAuthentication } from '../transport/mail-authentication/mail-authentication.ts'
import type { Feed } from '../transport/news/feeds/feeds.ts'
import type { NewsService } from '../transport/news/news-service.ts'
import { followCertificates } from './certificates/follow-store.ts'
import { LabPki } from './certificates/lab-pki.ts'
import { ServedCertificates } from './certificates/served.ts'
import { Changes } from './changes.ts'
import { clusterVerbs, queueOfOthers } from './cluster/requests.ts'
import { leadRoles } from './cluster/roles.ts'
import { LabConfiguration } from './configuration/lab-configuration.ts'
import type { ConfigurationSource, OpenedConfiguration } from './configuration/source.ts'
import { policyTexts, type RunningServer } from './dns/facts.ts'
import { LabDns } from './dns/lab-dns.ts'
import { LabFaults } from './lab-faults.ts'
import { LabNews } from './mail/lab-news.ts'
import { LabOutgoing } from './mail/lab-outgoing.ts'
import { preload } from './mail/preload.ts'
import { TlsReporting } from './mail/tls-reporting.ts'
import { memoryLimits } from './memory.ts'
import { defaultDelayMs, notReadyReasons, type Phase } from './readiness.ts'
import { Captures } from './recording/captures.ts'
import { logSession } from './recording/log-events.ts'
import type { LogLines } from './recording/log-lines.ts'
import { type Site, serverSettings, tlsSettings } from './virtual-servers/settings.ts'
import { statusOf, type VirtualServerStatus, VirtualServers } from './virtual-servers/virtual-servers.ts'
import { LabWebhooks } from './webhooks.ts'

export type { Disconnection }

export interface LabOptions {
  readonly log: Logger
  /** Whether the lines of the log are kept from the start. Default: if the lab has an HTTP virtual server. */
  readonly keepsLog?: boolean
  /** The lab has a clock of its own, which follows this one and can be moved. */
  readonly clock: Clock
  /** Used instead of the store that the configuration names. Stays open when the lab stops. */
  readonly store?: MessageStore
  /** Used instead of the certificate store that the configuration names. Stays open when the lab stops. */
  readonly certificateStore?: CertificateStore
  /** Nothing of the lab keeps the process running. Default: its ports do. */
  readonly isBackground?: boolean
  /** Where the configuration comes from. Without it, the lab can only be given another one. */
  readonly configuration?: { readonly source: ConfigurationSource; readonly opened: OpenedConfiguration }
}

/** The parts that a reload does not replace, opened by `createLab`. */
interface LabParts {
  readonly certificateStore: CertificateStore
  readonly store: MessageStore
  /** The database that several nodes share. The lab closes it. */
  readonly database: Database | undefined
  /** What the nodes of the lab share besides mail and certificates. */
  readonly values: SharedValues
  readonly cluster: Cluster
  readonly sessions: SessionLog
  readonly intake: Intake
  readonly logLines: LogLines
  /** Opens another lab, without a log. */
  readonly openLab: (config: ResolvedLab) => Promise<Lab>
}

/** How long a change waits for nodes that do not answer, in milliseconds. They follow later. */
const FOLLOW_MS = 1_000

/** The name of the token that the lab generates. */
const GENERATED = 'administrator'

/** A running lab, created by `createLab`. This class is the composition root of the project. */
export class Lab implements AsyncDisposable {
  readonly certificateStore: CertificateStore
  readonly store: MessageStore
  readonly database: Database | undefined
  readonly values: SharedValues
  /** The nodes that serve the lab. */
  readonly cluster: Cluster
  readonly sessionLog: SessionLog
  readonly logLines: LogLines
  readonly clock: MovableClock
  /** When the lab was opened, milliseconds since the epoch, by the clock of the machine. */
  readonly openedAt = Date.now()
  /** Receives messages within the lab's memory. */
  readonly intake: Intake
  /** Which accounts and newsgroups belong to which tenant. */
  readonly tenants: Tenants
  /** Issues and verifies access tokens. */
  readonly oauth2: OAuth2
  /** Checks mail that arrives, and signs mail that leaves. */
  readonly mailAuthentication: MailAuthentication
  readonly #options: LabOptions
  readonly #servers: VirtualServers
  readonly news: LabNews
  /** The mail that the lab sends to other hosts. */
  readonly outgoing: LabOutgoing
  readonly tlsReports: TlsReporting
  readonly #captures: Captures
  readonly pki: LabPki
  readonly faults: LabFaults
  /** The zones of the lab and its DNS server. */
  readonly dns: LabDns
  /** Reports and replies that the lab sends later. */
  readonly reports: ScheduledReports
  readonly openLab: LabParts['openLab']
  /** The text of the configuration, and changes of it. Undefined if the lab does not know where it comes from. */
  readonly configuration: LabConfiguration | undefined
  readonly #rates: Rates
  readonly #served = new ServedCertificates()
  readonly #added: AddedAccounts
  readonly #contexts: Site['contexts'] = new Map()
  readonly #changeListeners = new Set<(change: LabChange) => void>()
  #api: Promise<Api> | undefined
  #traffic: Traffic | undefined
  #statistics: Statistics | undefined
  readonly #webhooks: LabWebhooks
  #phase: Phase = 'starting'
  #config: ResolvedLab
  #directory: Directory
  #stopWatching: () => void = () => {}
  readonly #changes = new Changes()
  #stopped: Promise<void> | undefined

  constructor(config: ResolvedLab, parts: LabParts, options: LabOptions & { readonly clock: MovableClock }) {
    this.#config = config
    this.#options = options
    this.certificateStore = parts.certificateStore
    this.store = parts.store
    this.database = parts.database
    this.values = parts.values
    this.tenants = new Tenants(parts.values)
    this.#added = new AddedAccounts(parts.values)
    this.cluster = parts.cluster
    this.sessionLog = parts.sessions
    this.logLines = parts.logLines
    this.intake = parts.intake
    this.clock = options.clock
    if (parts.values.isShared) {
      this.clock.share(parts.values.map('clock'), (error) =>
        this.logError(error, 'certificates or mail could not follow the clock, which another node has moved'),
      )
    }
    this.clock.watch(() => this.#followClock())
    this.openLab = parts.openLab
    this.#rates = new Rates(options.clock)
    this.#directory = createDirectory(config, this.#added)
    this.oauth2 = new OAuth2({
      files: parts.certificateStore.files,
      clock: options.clock,
      directory: () => this.#directory,
      source: () => ({
        config: this.#config.oauth2,
        hostname: this.#config.hostname,
        httpUrl: httpUrlOf(this.endpoints(), this.#config.hostname),
      }),
    })
    this.mailAuthentication = new MailAuthentication({
      source: () => this.#config,
      resolver: () => this.dns.resolver,
      files: parts.certificateStore.files,
      clock: options.clock,
    })
    this.#servers = new VirtualServers(parts.sessions, options.log, parts.intake)
    this.pki = new LabPki(
      parts.certificateStore,
      () => ({ config: this.#config, directory: this.#directory }),
      options.log,
      options.isBackground === true,
      (name) => this.dns.texts(name),
    )
    this.dns = new LabDns({
      ...options,
      config: () => this.#config,
      servers: () => this.#runningServers(),
      textRecords: async (lab) => [...policyTexts(lab), ...(await this.mailAuthentication.keyRecords())],
      files: parts.certificateStore.files,
      isBackground: options.isBackground === true,
    })
    this.faults = new LabFaults(config.faultSeed, config.faults, {
      values: parts.values,
      report: (error) => this.logError(error, 'a fault of another node cannot be used here'),
    })
    this.reports = new ScheduledReports({
      store: this.store,
      clock: this.clock,
      log: options.log,
      services: () => this.#deliveryServices(),
      settings: () => this.#config.reports,
      wake: () => this.cluster.wake('reports'),
    })
    this.configuration =
      options.configuration && new LabConfiguration(this, options.configuration.source, options.configuration.opened)
    this.#captures = new Captures(options.clock, options.log, parts.intake.memory)
    this.sessionLog.follow({ forgotten: ({ id }) => this.#captures.sessions.delete(id) })
    const others = queueOfOthers(parts.cluster)
    this.outgoing = new LabOutgoing({
      ...(others && { others }),
      ...parts,
      ...options,
      certificates: parts.certificateStore,
      faults: this.faults.rules,
      mailAuthentication: this.mailAuthentication,
      resolver: () => this.dns.resolver,
      endpoints: () => this.endpoints(),
      source: () => ({ config: this.#config, directory: this.#directory }),
      services: () => this.#deliveryServices(),
    })
    this.#webhooks = new LabWebhooks({ log: options.log, api: () => this.api() })
    this.tlsReports = new TlsReporting({
      policies: this.outgoing.policies,
      queue: this.outgoing.queue,
      source: () => ({ config: this.#config, directory: this.#directory }),
      deliver: (mail) => this.deliver(mail),
      certificates: parts.certificateStore,
      clock: options.clock,
    })
    this.news = new LabNews(config, {
      ...parts,
      ...options,
      certificates: parts.certificateStore,
      // Without newsgroups: an article for a moderator must not be posted again.
      mail: async ({ from, to, raw }) => {
        await this.#deliver({ ...this.#deliveryServices(), news: undefined }, { from, to: [to], raw })
      },
      onFeedRound: ({ virtualServer, config: { peer, direction } }, { state }) =>
        this.#report({ type: 'feed', virtualServer, peer, direction, state }),
    })
  }

  get config(): ResolvedLab {
    return this.#config
  }

  /** The certificate lifecycle of the virtual servers. */
  get certificates(): Certificates {
    return this.pki.certificates
  }

  /** The lab's own certificate authorities. */
  get authorities(): Authorities {
    return this.pki.authorities
  }

  /** Address of the authorities' HTTP service; undefined if the configuration has none. */
  get authorityServiceUrl(): string | undefined {
    return this.pki.serviceUrl
  }

  /** The authorities' HTTP service with its ACME directories; undefined if the configuration has none. */
  authorityService(): LabPki['service'] {
    return this.pki.service
  }

  /** `ADDRESS:PORT` of the authorities' HTTP service. */
  get authorityServicePorts(): readonly string[] {
    return this.pki.servicePorts
  }

  get newsService(): NewsService {
    return this.news.newsService
  }

  /** Returns the feeds of the virtual servers. */
  feeds(): readonly Feed[] {
    return this.news.feeds()
  }

  get directory(): Directory {
    return this.#directory
  }

  /**
   * The token of an administrator that the lab generates if nobody else could administer it over HTTP; undefined if the
   * configuration names someone. It is the same after each reload and on all nodes that share the lab's database. Another
   * lab has another after each start.
   */
  get administratorToken(): string | undefined {
    if (!needsAdministratorToken(this.#config)) return undefined
    return this.values.map<string>('tokens').get(GENERATED)
  }

  /** Returns the operations that HTTP and the control socket offer. At the first call, they begin to follow all messages. */
  async api(): Promise<Api> {
    const api = await this.idleApi()
    return api.begin()
  }

  /** Returns the operations, which know no messages until `api` was called. Loaded and created at the first call. */
  idleApi(): Promise<Api> {
    this.logLines.keep()
    this.#api ??= import('../api/api.ts').then(({ Api }) => new Api(this))
    return this.#api
  }

  /** Delivers a message without SMTP. Returns its copies. @throws DeliveryError, StoreError; then no mailbox has it */
  async deliver(mail: LocalMail): Promise<readonly StoredMessage[]> {
    assertEnvelope(mail)
    return this.#deliver(this.#deliveryServices(), mail)
  }

  /** Sends a report about a message that was delivered before. Returns when it is due. @throws DeliveryError, StoreError */
  report(mail: StoredMail, wanted: OnDemand): Promise<number> {
    return reportStored(this.#deliveryServices(), mail, wanted, this.clock.now())
  }

  /** The traffic of the latest sessions. */
  get captures(): Pick<SessionCaptures, 'has' | 'read'> {
    return this.#captures.sessions
  }

  /** The log. Lines that are written to it can be read over the API. */
  get log(): Logger {
    return this.#options.log
  }

  /** Logs the failure of something that no request waits for. */
  logError(err: unknown, message: string): void {
    this.#options.log.error({ err }, message)
  }

  /** Returns the status of each virtual server, in the order of the configuration. */
  endpoints(): readonly VirtualServerStatus[] {
    return this.#config.virtualServers.map((config) => statusOf(config, this.#servers))
  }

  /** Counts of connections, handshakes and messages; undefined without an HTTP virtual server. */
  get traffic(): Traffic | undefined {
    return this.#traffic
  }

  /** Samples of the last hour; undefined without an HTTP virtual server. */
  get statistics(): Statistics | undefined {
    return this.#statistics
  }

  /** Returns what clients can negotiate with a virtual server by TLS; undefined without a certificate. */
  async servedTls(virtualServer: string): Promise<ServedTls | undefined> {
    return this.#servers.get(virtualServer)?.servedTls()
  }

  /** Returns the certificates that each virtual server serves. */
  servedCertificates(): ServedCertificate[] {
    return this.#config.virtualServers.flatMap(({ name }) =>
      (this.#servers.get(name)?.settings.tls?.certificates ?? []).map(
        ({ friendlyName, thumbprint, certificatePem }) => ({
          virtualServer: name,
          friendlyName,
          thumbprint,
          certificatePem,
        }),
      ),
    )
  }

  /** Calls `listener` for each change of certificates and configuration. Returns the function that removes the listener. */
  watchChanges(listener: (change: LabChange) => void): () => void {
    this.#changeListeners.add(listener)
    return () => this.#changeListeners.delete(listener)
  }

  /** Opens every port. @throws ListenError if one cannot be opened; all are then closed again */
  async start(): Promise<void> {
    try {
      await this.values.map<string>('tokens').claim(GENERATED, randomBytes(24).toString('base64url'))
      await this.news.prepare(this.#config)
      await preload(this.#config, this.store)
      await this.pki.serve(this.#config)
      await this.#webhooks.apply(this.#config)
      await this.#applyServers()
      await this.dns.serve(this.#config)
      await this.news.feed(this.#config)
      await this.outgoing.queue.start()
      this.cluster.serve(clusterVerbs(this))
      leadRoles(this)
    } catch (error) {
      await this.stop()
      throw error
    }
    this.#phase = 'serving'
    void this.configuration?.catchUp()
    this.sessionLog.watch((record) => logSession(this.#options.log, record))
    this.pki.warn()
    this.#stopWatching = followCertificates(this.certificateStore, () => this.refreshCertificates(), this.#options.log)
    this.cluster.enter('ready', this.#httpAddresses())
  }

  /**
   * Applies another configuration to new connections. Open connections continue.
   * @throws ListenError, PkiError; the previous configuration is then restored
   */
  reload(config: ResolvedLab): Promise<void> {
    return this.#changes.run(() => this.#apply(config))
  }

  /**
   * Changes the `certificate:` setting of one virtual server, or of all, until the next reload. Applies to new handshakes;
   * open connections continue.
   * @throws PkiError if the certificate does not exist; nothing changes then
   */
  useCertificate(certificate: ResolvedVirtualServer['certificate'], only?: string): Promise<void> {
    return this.#changes.run(async () => {
      const previous = this.#config
      const virtualServers = previous.virtualServers.map((server) =>
        only === undefined || server.name === only ? { ...server, certificate } : server,
      )
      this.#config = { ...previous, virtualServers }
      try {
        await this.#refreshCertificates()
      } catch (error) {
        this.#config = previous
        throw error
      }
    })
  }

  /** Resolves all certificates again, after the store or the clock has changed. */
  refreshCertificates(): Promise<void> {
    return this.#changes.run(() => this.#refreshCertificates())
  }

  /** Renews certificates that are due by ACME, after the clock has changed. */
  renewDue(): Promise<void> {
    return this.pki.renewDue()
  }

  /** Serves the owner of the lab by a virtual server, over a socket that is not one of its ports. */
  serveOwner(virtualServer: string, socket: Socket, owner: string): void {
    this.#servers.get(virtualServer)?.serveOwner(socket, owner)
  }

  /** Lets clients reach a virtual server or not. @throws ListenError; Error if it is not possible on this system */
  reach(virtualServer: string, reach: Reach): Promise<void> {
    return this.#changes.run(async () => this.#servers.get(virtualServer)?.reach(reach))
  }

  /** Ends the sessions with these ids, and returns how many were open. Resolves once they have ended. */
  disconnect(ids: ReadonlySet<string>, how: Disconnection): Promise<number> {
    return this.#servers.disconnect(ids, how)
  }

  /**
   * Ends the sessions of an account on all nodes. Resolves once they have ended.
   * @param asking the id of the session that asks for it: it ends after its answer
   */
  async endSessionsOf(user: string, asking?: string): Promise<void> {
    await Promise.all([this.endOwnSessionsOf(user, asking), this.cluster.ask('disconnect', { user })])
  }

  /** Ends the sessions of an account on this node. Resolves once they have ended. */
  async endOwnSessionsOf(user: string, asking?: string): Promise<void> {
    const isOf = (one: SessionRecord): boolean => one.user === user || (one.usedBy?.includes(user) ?? false)
    const own = this.sessionLog.list().filter((one) => one.endedAt === undefined && isOf(one))
    await this.#servers.disconnect(new Set(own.map(({ id }) => id)), 'farewell', asking)
  }

  /**
   * Ends every session, closes every port and opens it again, as a restarted server. Ports, authorities, certificates,
   * accounts and messages stay. @throws ListenError
   */
  restart(): Promise<void> {
    return this.#changes.run(() => this.#servers.restart())
  }

  /** Deletes every message and session record, and opens ports that were made unreachable. Ports, certificates and configured newsgroups stay. */
  async reset(): Promise<void> {
    await this.#changes.run(async () => {
      await this.store.clear()
      await this.news.prepare(this.#config)
      await preload(this.#config, this.store)
      await this.faults.reset()
      await ReturnedMessages.forget(this.values)
    })
    await this.forget()
    await this.cluster.ask('reset', undefined)
  }

  /** Resolves once the other nodes have what was written to the shared values before the call, or do not answer. */
  async othersFollow(): Promise<void> {
    await this.cluster.ask('follow', undefined, { timeoutMs: FOLLOW_MS })
  }

  /** Does the part of a reset that every node does: forgets what is in its memory. */
  forget(): Promise<void> {
    return this.#changes.run(async () => {
      this.reports.clear()
      this.sessionLog.clear()
      this.#captures.sessions.clear()
      this.faults.resetHere()
      this.#rates.clear()
      this.dns.reset()
      await this.#servers.restore()
      await (await this.#api)?.reset()
    })
  }

  /** Why a balancer should not send clients here; empty if it may. */
  notReady(): readonly NotReady[] {
    const { database } = this
    return notReadyReasons({ phase: this.#phase, config: this.#config, database, endpoints: this.endpoints() })
  }

  /**
   * Prepares a stop that no client notices. The lab is not ready from now on, accepts clients for `drain.delay`, then closes
   * its ports and lets sessions finish what they do, for at most `drain.timeout`. `stop` ends those that are left.
   * @param hurry ends it at once
   */
  async drain(hurry: AbortSignal): Promise<void> {
    this.#phase = 'draining'
    this.cluster.enter('draining')
    const { delay = defaultDelayMs(this.#config), timeout } = this.#config.drain
    if (delay > 0) {
      this.log.info(`draining: clients are accepted for another ${durationText(delay)} (drain.delay)`)
      await sleep(delay, undefined, { signal: hurry }).catch(() => {})
    }
    // A change still in progress would reopen what is closed below.
    await this.#changes.close()
    ;(await this.#api)?.finish()
    using limit = abortAfter(timeout, hurry)
    const left = await this.#servers.drain(limit.signal)
    if (left > 0 && !hurry.aborted)
      this.log.warn(`${left} sessions have not ended within ${durationText(timeout)} (drain.timeout)`)
  }

  /** Ends every session with its protocol's farewell and closes everything. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #stop(): Promise<void> {
    this.#phase = 'draining'
    this.#stopWatching()
    this.configuration?.close()
    this.cluster.enter('draining')
    // A change still in progress would reopen what is closed below.
    await this.#changes.close()
    // First, so that another node goes on at once.
    await this.cluster.resign()
    await this.news[Symbol.asyncDispose]()
    await this.outgoing[Symbol.asyncDispose]()
    await (await this.#api)?.[Symbol.asyncDispose]()
    await this.#servers.stop()
    await this.dns[Symbol.asyncDispose]()
    this.#statistics?.[Symbol.dispose]()
    this.#traffic?.[Symbol.dispose]()
    await this.intake.settled()
    this.#captures.close()
    await this.pki[Symbol.asyncDispose]()
    this.oauth2.close()
    await this.cluster[Symbol.asyncDispose]()
    if (!this.#options.certificateStore) await this.certificateStore.close()
    if (!this.#options.store) await this.store[Symbol.asyncDispose]()
    await this.values[Symbol.asyncDispose]()
    await this.database?.[Symbol.asyncDispose]()
  }

  async #apply(next: ResolvedLab): Promise<void> {
    // Even without a noticed change, because people reload when a change has no effect.
    await this.certificateStore.reread()
    const previous = this.#config
    try {
      await this.#use(next, createDirectory(next, this.#added))
    } catch (error) {
      await this.#use(previous, createDirectory(previous, this.#added)).catch((err: Error) =>
        this.#options.log.error(
          { err },
          'the reload failed, and the previous configuration could not be fully restored',
        ),
      )
      throw error
    }
    this.faults.configure(next.faults, next.faultSeed)
    this.#report({ type: 'configuration', virtualServers: next.virtualServers.map(({ name }) => name) })
  }

  async #use(config: ResolvedLab, directory: Directory): Promise<void> {
    this.#config = config
    this.#directory = directory
    this.intake.memory.limits = memoryLimits(config)
    this.mailAuthentication.forget()
    await this.news.prepare(config)
    await this.pki.serve(config)
    await this.#webhooks.apply(config)
    await this.#applyServers()
    await this.dns.serve(config)
    await this.news.feed(config)
    this.outgoing.queue.wake()
  }

  async #applyServers(): Promise<void> {
    this.#captures.limit(this.#config)
    const site = this.#site()
    this.tenants.configure(this.#config.tokens.flatMap(({ name, role }) => (role === 'tenant' ? [name] : [])))
    const settings = []
    for (const server of this.#config.virtualServers) settings.push(await serverSettings(server, site))
    if (this.#config.virtualServers.some(({ protocol }) => protocol === 'http')) {
      this.#traffic ??= new Traffic(this.sessionLog, this.store)
      this.#statistics ??= new Statistics(this.#traffic, this.intake.memory)
    }
    await this.#servers.apply(settings)
    this.#reportCertificates()
  }

  /** Lets everything follow the clock, which was moved. */
  async #followClock(): Promise<void> {
    const { clock } = this
    const now = new Date(clock.now()).toISOString()
    this.#report({ type: 'clock', now, frozen: clock.isFrozen, offsetMs: clock.offsetMs })
    if (this.#phase === 'starting') return
    this.outgoing.queue.wake()
    await this.renewDue()
    await this.refreshCertificates()
  }

  /** Resolves all certificates before it applies any, so that one failure leaves all servers unchanged. */
  async #refreshCertificates(): Promise<void> {
    const resolved = []
    for (const server of this.#config.virtualServers) {
      resolved.push({ name: server.name, tls: await tlsSettings(this.#config, server, this.pki, this.#options.log) })
    }
    for (const { name, tls } of resolved) await this.#servers.setTls(name, tls)
    this.#reportCertificates()
  }

  #reportCertificates(): void {
    this.dns.refresh()
    const names = this.#config.virtualServers.map(({ name }) => name)
    this.#report(...this.#served.changes(names, this.#servers))
  }

  #report(...changes: LabChange[]): void {
    for (const change of changes) for (const listener of this.#changeListeners) listener(change)
  }

  /** Returns `ADDRESS:PORT` of each HTTP virtual server. */
  #httpAddresses(): string[] {
    return this.endpoints()
      .filter(({ protocol }) => protocol === 'http')
      .flatMap(({ address, port, tlsPort }) => {
        const first = port ?? tlsPort
        return first === undefined ? [] : [`${address}:${first}`]
      })
  }

  #runningServers(): RunningServer[] {
    return this.endpoints().map(({ virtualServer, protocol, port, tlsPort }) => ({
      protocol,
      port,
      tlsPort,
      certificates: this.#servers.get(virtualServer)?.settings.tls?.certificates ?? [],
    }))
  }

  #deliver(services: DeliveryServices, mail: LocalMail): Promise<readonly StoredMessage[]> {
    return deliverLocalMail(services, mail, this.clock.now(), (err) => this.log.warn({ err }, 'no report was sent'))
  }

  #deliveryServices(): DeliveryServices {
    const { hostname, captured, tagging } = this.#config
    return {
      store: this.store,
      directory: this.#directory,
      news: this.newsService,
      outgoing: this.outgoing.queue,
      reports: this.reports,
      hostname,
      capturedFolder: captured.folder,
      tagging,
    }
  }

  #site(): Site {
    return {
      ...this.#options,
      isBackground: this.#options.isBackground === true,
      config: this.#config,
      store: this.store,
      directory: this.#directory,
      tenants: this.tenants,
      oauth2: this.oauth2,
      mailAuthentication: this.mailAuthentication,
      news: this.news.newsService,
      outgoing: this.outgoing.queue,
      reports: this.reports,
      pki: this.pki,
      captures: this.#captures,
      faults: this.faults.rules,
      rates: this.#rates,
      contexts: this.#contexts,
      api: () => this.api(),
      idleApi: () => this.idleApi(),
      administratorToken: this.administratorToken,
    }
  }
}
