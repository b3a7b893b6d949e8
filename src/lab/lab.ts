import type { LabServices } from '../../servers/service.ts'
import { AddedAccounts } from '../accounts/directory/added-accounts.ts'
import { Tenants } from '../accounts/directory/tenants.ts'
import type { Directory } from '../accounts/directory/types.ts'
import { OAuth2 } from '../accounts/oauth2/oauth2.ts'
import type { Api } from '../api/api.ts'
import type { ApiLab, NotReady } from '../api/lab.ts'
import { ReturnedMessages } from '../api/returned-messages.ts'
import type { ResolvedLab, ResolvedVirtualServer } from '../core/config/resolve.ts'
import type { MovableClock } from '../core/time/movable-clock.ts'
import { Rates } from '../net/rates.ts'
import type { Reach } from '../net/virtual-server.ts'
import type { StoredMessage } from '../storage/store/message-entry.ts'
import { checkScripts } from '../transport/delivery/configured-scripts.ts'
import { assertEnvelope, deliverLocalMail, type LocalMail } from '../transport/delivery/local-mail.ts'
import { ScheduledReports } from '../transport/delivery/reports/scheduled.ts'
import { MailAuthentication } from '../transport/mail-authentication/mail-authentication.ts'
import { administratorToken, claimAdministratorToken } from './administrator-token.ts'
import { LabPki } from './certificates/lab-pki.ts'
import { ChangeFeed } from './change-feed.ts'
import { ChangeQueue } from './change-queue.ts'
import { clusterRequests } from './cluster/requests.ts'
import { leadRoles } from './cluster/roles.ts'
import { LabConfiguration } from './configuration/lab-configuration.ts'
import { LabDns } from './dns/lab-dns.ts'
import { drain } from './drain.ts'
import { Histories } from './histories.ts'
import { LabFaults } from './lab-faults.ts'
import { DailyReports } from './mail/daily-reports.ts'
import { DmarcReporting } from './mail/dmarc-reporting.ts'
import { LabNews } from './mail/lab-news.ts'
import { LabOutgoing } from './mail/lab-outgoing.ts'
import { preload } from './mail/preload.ts'
import { TlsReporting } from './mail/tls-reporting.ts'
import { memoryLimits } from './memory.ts'
import { LabMetrics } from './metrics.ts'
import { type LabOptions, type LabParts, OpenedLab } from './opened-lab.ts'
import { notReadyReasons, type Phase } from './readiness.ts'
import { Captures } from './recording/captures.ts'
import { logSession } from './recording/log-events.ts'
import { checkTagRules, composeServices } from './services.ts'
import { Unsubscribes } from './unsubscribes.ts'
import { ServedCertificates, withCertificate } from './virtual-servers/served-certificates.ts'
import { serverSettings } from './virtual-servers/settings.ts'
import { httpAddresses, statusOf, type VirtualServerStatus, VirtualServers } from './virtual-servers/virtual-servers.ts'
import { LabWebhooks } from './webhooks.ts'

/**
 * A running lab, created by `createLab`. This class is the composition root of the project: each part declares an interface of
 * what it needs, and the lab is all of them.
 */
export class Lab extends OpenedLab implements ApiLab, AsyncDisposable {
  readonly queue = new ChangeQueue()
  readonly changes = new ChangeFeed()
  readonly tenants = new Tenants(this.values)
  readonly addedAccounts = new AddedAccounts(this.values)
  readonly rates = new Rates(this.clock)
  readonly oauth2: OAuth2 = new OAuth2(this)
  readonly mailAuthentication: MailAuthentication = new MailAuthentication(this)
  readonly pki: LabPki = new LabPki(this)
  /** The certificate lifecycle of the virtual servers. */
  readonly certificates = this.pki.certificates
  /** The lab's own certificate authorities. */
  readonly authorities = this.pki.authorities
  readonly dns: LabDns = new LabDns(this)
  readonly faults: LabFaults = new LabFaults(this)
  readonly unsubscribes: Unsubscribes = new Unsubscribes(this)
  readonly captures: Captures = new Captures(this)
  readonly reports: ScheduledReports = new ScheduledReports(this)
  readonly outgoing: LabOutgoing = new LabOutgoing(this)
  readonly histories: Histories = new Histories(this)
  readonly tlsReports: TlsReporting = new TlsReporting(this)
  readonly dmarcReports: DmarcReporting = new DmarcReporting(this)
  readonly dailyReports: DailyReports = new DailyReports(this)
  readonly news: LabNews = new LabNews(this)
  readonly metrics: LabMetrics = new LabMetrics(this)
  readonly #webhooks: LabWebhooks = new LabWebhooks(this)
  readonly virtualServers: VirtualServers = new VirtualServers(this)
  readonly servedCertificates: ServedCertificates = new ServedCertificates(this)
  /** The text of the configuration, and changes of it. Undefined if the lab does not know where it comes from. */
  readonly configuration: LabConfiguration | undefined
  #services: LabServices = composeServices(this, this.config)
  #api: Promise<Api> | undefined

  #phase: Phase = 'starting'
  #stopWatching: () => void = () => {}
  #stopped: Promise<void> | undefined

  constructor(config: ResolvedLab, parts: LabParts, options: LabOptions & { readonly clock: MovableClock }) {
    super(config, parts, options)
    const { configuration, clock } = options
    this.configuration = configuration && new LabConfiguration(this, configuration.source, configuration.opened)
    clock.watch(() => this.#followClock())
  }

  /** The parts of the lab that sessions and delivery use now. A reload replaces them. */
  get services(): LabServices {
    return this.#services
  }

  get directory(): Directory {
    return this.#services.directory
  }

  /** The token of an administrator that the lab generates; see `administratorToken`. */
  get administratorToken(): string | undefined {
    return administratorToken(this.config, this.values)
  }

  /**
   * Returns the operations that HTTP and the control socket offer. At the first call, they begin to follow all messages; in a
   * lab with several nodes, when an operation needs them, because a large store takes long to read.
   */
  async api(): Promise<Api> {
    const api = await this.idleApi()
    if (!this.cluster.isShared) return api.begin()
    api.events.begin()
    return api
  }

  /** Returns the operations, which know no messages until `api` was called. Loaded and created at the first call. */
  idleApi(): Promise<Api> {
    this.logLines.keep()
    this.#api ??= import('../api/api.ts').then(({ Api }) => new Api(this))
    return this.#api
  }

  /** Returns the status of each virtual server, in the order of the configuration. */
  endpoints(): readonly VirtualServerStatus[] {
    return this.config.virtualServers.map((config) => statusOf(config, this.virtualServers.get(config.name)))
  }

  /** Returns why a balancer should not send clients here; empty if it may. */
  notReady(): readonly NotReady[] {
    return notReadyReasons(this, this.#phase)
  }

  /** Delivers a message without SMTP. Returns its copies. @throws DeliveryError, StoreError; then no mailbox has it */
  async deliver(mail: LocalMail): Promise<readonly StoredMessage[]> {
    assertEnvelope(mail)
    return deliverLocalMail(this, mail)
  }

  /** Logs the failure of something that no request waits for. */
  logError(err: unknown, message: string): void {
    this.log.error({ err }, message)
  }

  /** Opens every port. @throws ListenError if one cannot be opened; all are then closed again */
  async start(): Promise<void> {
    try {
      await claimAdministratorToken(this.values)
      await this.news.prepare(this.config)
      await preload(this.config, this.store)
      await this.#open()
      await this.outgoing.queue.start()
      this.cluster.serve(clusterRequests(this))
      leadRoles(this)
    } catch (error) {
      await this.stop()
      throw error
    }
    this.#phase = 'serving'
    void this.configuration?.catchUp()
    this.sessionLog.watch((record) => logSession(this.log, record))
    this.pki.warn()
    this.#stopWatching = this.servedCertificates.follow()
    this.cluster.enter('ready', httpAddresses(this.endpoints()))
  }

  /**
   * Applies another configuration to new connections. Open connections continue.
   * @throws ListenError, PkiError; the previous configuration is then restored
   */
  reload(config: ResolvedLab): Promise<void> {
    return this.queue.run(() => this.#apply(config))
  }

  /**
   * Changes the `certificate:` setting of one virtual server, or of all, until the next reload. Applies to new handshakes;
   * open connections continue.
   * @throws PkiError if the certificate does not exist; nothing changes then
   */
  useCertificate(certificate: ResolvedVirtualServer['certificate'], only?: string): Promise<void> {
    return this.queue.run(async () => {
      const previous = this.config
      const notServed = this.servedCertificates.notServed()
      this.usedConfig = withCertificate(previous, certificate, only)
      try {
        await this.servedCertificates.refresh()
        this.servedCertificates.refuseNew(notServed)
      } catch (error) {
        this.usedConfig = previous
        await this.servedCertificates
          .refresh()
          .catch((err: unknown) => this.logError(err, 'the previous certificates could not be restored'))
        throw error
      }
    })
  }

  /** Lets clients reach a virtual server or not. @throws ListenError; Error if it is not possible on this system */
  reach(virtualServer: string, reach: Reach): Promise<void> {
    return this.queue.run(async () => this.virtualServers.get(virtualServer)?.reach(reach))
  }

  /**
   * Ends every session, closes every port and opens it again, as a restarted server. Ports, authorities, certificates,
   * accounts and messages stay. @throws ListenError
   */
  restart(): Promise<void> {
    return this.queue.run(() => this.virtualServers.restart())
  }

  /**
   * Deletes every message and session record, returns the clock to the time of the machine, and opens ports that were made
   * unreachable. Ports, certificates and configured newsgroups stay.
   */
  async reset(): Promise<void> {
    // Before the queue, which the certificates that follow the clock need.
    if (this.clock.isFrozen || this.clock.offsetMs !== 0) await this.clock.reset()
    await this.queue.run(async () => {
      await this.store.clear()
      await this.news.prepare(this.config)
      await preload(this.config, this.store)
      await this.faults.reset()
      await ReturnedMessages.forget(this.values)
    })
    await this.forget()
    await this.cluster.ask('reset', undefined)
  }

  /** Does the part of a reset that every node does: forgets what is in its memory. */
  forget(): Promise<void> {
    return this.queue.run(async () => {
      this.reports.clear()
      this.sessionLog.clear()
      this.captures.sessions.clear()
      this.faults.resetHere()
      this.unsubscribes.clear()
      this.histories.clear()
      this.rates.clear()
      this.dns.reset()
      this.dmarcReports.forget()
      this.outgoing.policies.results.discard()
      await this.virtualServers.restore()
      await (await this.#api)?.reset()
    })
  }

  /**
   * Prepares a stop that no client notices. The lab is not ready from now on, accepts clients for `drain.delay`, then closes
   * its ports and lets sessions finish what they do, for at most `drain.timeout`. `stop` ends those that are left.
   * @param hurry ends it immediately
   */
  async drain(hurry: AbortSignal): Promise<void> {
    this.#phase = 'draining'
    this.cluster.enter('draining')
    await drain(this, hurry, async () => {
      // A change still in progress would reopen what is closed after it.
      await this.queue.close()
      ;(await this.#api)?.finish()
    })
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
    await this.queue.close()
    // First, so that another node goes on immediately.
    await this.cluster.resign()
    await this.news[Symbol.asyncDispose]()
    await this.outgoing[Symbol.asyncDispose]()
    await (await this.#api)?.[Symbol.asyncDispose]()
    await this.virtualServers.stop()
    await this.dns[Symbol.asyncDispose]()
    this.metrics[Symbol.dispose]()
    this.histories[Symbol.dispose]()
    await this.intake.settled()
    await this.#keepCounts()
    this.captures.close()
    await this.pki[Symbol.asyncDispose]()
    this.oauth2.close()
    await this.cluster[Symbol.asyncDispose]()
    if (!this.options.certificateStore) await this.certificateStore.close()
    if (!this.options.store) await this.store[Symbol.asyncDispose]()
    await this.values[Symbol.asyncDispose]()
    await this.database?.[Symbol.asyncDispose]()
  }

  /** Writes the counts for reports. A store that cannot be written must not keep the lab from stopping. */
  async #keepCounts(): Promise<void> {
    const writes = [this.dmarcReports.flush(), this.outgoing.policies.results.flush()]
    for (const { status, ...result } of await Promise.allSettled(writes))
      if (status === 'rejected')
        this.logError((result as { reason: unknown }).reason, 'counts for reports could not be written')
  }

  async #apply(next: ResolvedLab): Promise<void> {
    // Even without a noticed change, because people reload when a change has no effect.
    await this.certificateStore.reread()
    const previous = this.config
    const notServed = this.servedCertificates.notServed()
    try {
      await this.#use(next)
      this.servedCertificates.refuseNew(notServed)
    } catch (error) {
      await this.#use(previous).catch((err: Error) =>
        this.logError(err, 'the reload failed, and the previous configuration could not be fully restored'),
      )
      throw error
    }
    this.faults.configure(next.testing.faults, next.testing.seed)
    this.changes.report({ type: 'configuration', virtualServers: next.virtualServers.map(({ name }) => name) })
  }

  async #use(config: ResolvedLab): Promise<void> {
    this.usedConfig = config
    this.#services = composeServices(this, config)
    this.intake.memory.limits = memoryLimits(config)
    this.mailAuthentication.forget()
    await this.news.prepare(config)
    await this.#open()
    this.outgoing.queue.wake()
  }

  /** Opens, changes and closes everything to match the configuration. */
  async #open(): Promise<void> {
    const { config } = this
    await this.pki.serve(config)
    await checkTagRules(config)
    checkScripts(config)
    await this.#webhooks.apply(config)
    this.captures.limit(config)
    this.tenants.configure(config.access.tokens.flatMap(({ name, role }) => (role === 'tenant' ? [name] : [])))
    const settings = []
    for (const server of config.virtualServers) settings.push(await serverSettings(server, this))
    this.metrics.open(config)
    await this.virtualServers.apply(settings)
    this.servedCertificates.note()
    await this.dns.serve(config)
    await this.news.feed(config)
  }

  /** Lets everything follow the clock, which was moved. */
  async #followClock(): Promise<void> {
    const { clock } = this
    const now = new Date(clock.now()).toISOString()
    this.changes.report({ type: 'clock', now, frozen: clock.isFrozen, offsetMs: clock.offsetMs })
    if (this.#phase === 'starting') return
    this.outgoing.queue.wake()
    await this.pki.renewDue()
    await this.queue.run(() => this.servedCertificates.refresh())
  }
}
