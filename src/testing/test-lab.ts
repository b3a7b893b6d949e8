import type { Unsubscribe } from '../api/lab.ts'
import { type CertificateInput, certificateChoice } from '../core/config/schema/certificate.ts'
import type { QuotaInput } from '../core/config/schema/directory.ts'
import type { LabInput, Protocol } from '../core/config/schema.ts'
import type { MemoryUsage } from '../core/octets/memory-budget.ts'
import type { ConfigurationSource } from '../lab/configuration/source.ts'
import type { Lab } from '../lab/lab.ts'
import type { Disconnection } from '../lab/virtual-servers/virtual-servers.ts'
import type { FormatName } from '../storage/store/formats/transfer.ts'
import { Call } from './calls/call.ts'
import {
  type AccessTokenOptions,
  type AccountChangesInput,
  type AccountQuota,
  type Credentials,
  TestAccounts,
} from './lab/accounts.ts'
import type { LabClock } from './lab/clock.ts'
import { TestDns } from './lab/dns.ts'
import { TestFaults } from './lab/faults.ts'
import { keepAlive } from './lab/keep-alive.ts'
import { type LabServer, labServer } from './lab/lab-server.ts'
import { Mailboxes, type MailboxRef } from './lab/mailboxes.ts'
import { forgetLab } from './lab/open-labs.ts'
import { MailingLab } from './outgoing/mailing-lab.ts'
import type { Arrivals } from './received/arrivals.ts'
import type { MessageFilter } from './received/filter.ts'
import type { LabArticle } from './received/message.ts'
import type { SessionQuery } from './received/receiver.ts'
import { matchesSession } from './received/sessions.ts'
import { type UnsubscribeFilter, waitForUnsubscribe } from './received/unsubscribes.ts'
import { Tenant } from './tenants/tenant.ts'
import { TenantNames, withoutDomain } from './tenants/tenant-names.ts'
import type { WaitOptions } from './waits/wait.ts'

/** A value of `certificate:` in a configuration: `auto`, a friendly name, `{ defect: 'expired' }`, `{ variant: 'p384' }` … */
export type CertificateSetting = CertificateInput

/** How `disconnect` ends sessions. */
export interface DisconnectOptions {
  /**
   * close (default): the connection ends without a word. reset: with a TCP reset (ECONNRESET). farewell: after the line of a
   * server that stops (421, BYE, 400).
   */
  readonly how?: Disconnection
}

/** Returns where a configuration comes from; default: the one that the lab was started with. */
type SourceOf = (config?: LabInput | string) => ConfigurationSource

/** A running lab, with the methods that tests need. */
export class TestLab extends MailingLab implements AsyncDisposable {
  readonly #lab: Lab
  readonly #arrivals: Arrivals
  readonly #sourceOf: SourceOf

  /** The lab's clock, which tests can move. */
  readonly clock: LabClock
  readonly #accounts: TestAccounts
  readonly #mailboxes: Mailboxes
  readonly #tenants: TenantNames
  #release: (() => void) | undefined

  constructor(lab: Lab, arrivals: Arrivals, clock: LabClock, sourceOf: SourceOf) {
    super(arrivals, lab)
    this.#lab = lab
    this.clock = clock
    this.#tenants = new TenantNames(lab.tenants)
    this.#accounts = new TestAccounts(lab)
    this.#mailboxes = new Mailboxes(lab.store)
    this.#sourceOf = sourceOf
    this.dns = new TestDns(lab.dns, () => this.domain)
    this.faults = new TestFaults(lab.faults, () => this.sessions())
    this.#arrivals = arrivals
  }

  /** The lab's root certificates in PEM, in one text: `tls: { ca: lab.ca }`. */
  get ca(): string {
    return this.#lab.certificateStore.rootPem
  }

  /** The domain of its accounts. */
  get domain(): string {
    return this.#lab.directory.domain
  }

  /** The commands of `sealpost cert`: obtain, install, replace and remove certificates of the virtual servers. */
  get certificates(): Lab['certificates'] {
    return this.#lab.certificates
  }

  /** The commands of `sealpost ca`, for the lab's own certificate authorities. */
  get authorities(): Lab['authorities'] {
    return this.#lab.authorities
  }

  /** Address of the authorities' HTTP service; undefined if the configuration has none. */
  get authorityServiceUrl(): string | undefined {
    return this.#lab.pki.serviceUrl
  }

  /** The token that the lab generates when its HTTP API is open to other machines and no tokens or administrators are set. */
  get administratorToken(): string | undefined {
    return this.#lab.administratorToken
  }

  /** Finds a virtual server by name, or the first one of a protocol. @throws if it does not exist */
  server(which: Protocol | (string & {})): LabServer {
    return labServer(this.#lab, which)
  }

  /**
   * Serves another certificate from the next handshake on: `await lab.useCertificate({ defect: 'expired' }, 'imap4')`.
   * `await lab.useCertificate('auto')` returns to the default. Open connections continue, and `reset` keeps the choice.
   * @param which the name of a virtual server, or a protocol for its first one; default: all virtual servers
   * @throws PkiError if the certificate does not exist; nothing changes then
   */
  useCertificate(certificate: CertificateSetting, which?: Protocol | (string & {})): Promise<void> {
    return this.#lab.useCertificate(
      certificateChoice(certificate),
      which === undefined ? undefined : this.server(which).name,
    )
  }

  /** Calls `useCertificate`. @deprecated Use `useCertificate`. Removed in the next minor version. */
  wear(certificate: CertificateSetting, which?: Protocol | (string & {})): Promise<void> {
    return this.useCertificate(certificate, which)
  }

  /**
   * Applies another configuration, or reads the lab's file again. Ports open and close as needed, and new connections use
   * the new settings; open connections continue. `store` and `certificates` keep their values from the start.
   * @throws ConfigError, ListenError; nothing changes then
   */
  async reload(config?: LabInput | string): Promise<void> {
    await this.#lab.configuration?.reload(this.#sourceOf(config))
  }

  /** Returns the log-on name of an account: the name itself, without the lab's domain. */
  user(name: string): string {
    return withoutDomain(name, (domain) => this.#lab.directory.isLocalDomain(domain))
  }

  /**
   * Returns the user name and password of an account; with `twoFactor`, its first app password. In an open directory, any
   * password is right. @throws if it is unknown
   */
  credentials(name: string): Credentials {
    return this.#accounts.credentials(name)
  }

  /**
   * Issues an access token for XOAUTH2, OAUTHBEARER and the HTTP API: `await lab.accessToken({ user: 'alice' })`. With a
   * `defect`, the servers refuse it.
   * @throws TypeError for wrong options
   */
  async accessToken(options: AccessTokenOptions): Promise<string> {
    return this.#accounts.issueToken(new Call('accessToken', TestLab.prototype.accessToken), options)
  }

  /** Revokes an access token. Sessions that have logged on with it continue. @throws TypeError for a text that is not a token */
  async revokeAccessToken(token: string): Promise<void> {
    return this.#accounts.revokeToken(new Call('revokeAccessToken', TestLab.prototype.revokeAccessToken), token)
  }

  /**
   * Returns transport options for nodemailer: STARTTLS is required and verified against the lab's root.
   * @param auth the name of an account, or its credentials; default: no log-on
   */
  nodemailer(auth?: string | Credentials) {
    const { address, port } = this.server('smtp')
    const tls = { ca: this.ca, servername: this.#lab.config.hostname }
    const call = new Call('nodemailer', TestLab.prototype.nodemailer)
    const logon = auth === undefined ? {} : { auth: this.#accounts.logon(call, auth) }
    return { host: address, port, secure: false, requireTLS: true, tls, ...logon }
  }

  /**
   * Returns client options for imapflow: implicit TLS, verified against the lab's root.
   * @param auth the name of an account, or its credentials
   */
  imapflow(auth: string | Credentials) {
    const { address, tlsPort } = this.server('imap4')
    const tls = { ca: this.ca, servername: this.#lab.config.hostname }
    const call = new Call('imapflow', TestLab.prototype.imapflow)
    return {
      host: address,
      port: tlsPort,
      secure: true,
      tls,
      auth: this.#accounts.logon(call, auth),
      logger: false as const,
    }
  }

  /**
   * Returns a part of the lab for one test, so that several tests can share the lab at the same time. Requires
   * `directory: { mode: 'open' }` (the default).
   * @param name the prefix of its accounts and newsgroups; default: a unique one
   */
  tenant(name?: string): Tenant {
    if (this.#lab.config.directory.mode !== 'open') {
      throw new Error('tenants need an open directory: start the lab with directory: { mode: "open" }')
    }
    return new Tenant(this.#tenants.add(name), this, { lab: this.#lab, arrivals: this.#arrivals, names: this.#tenants })
  }

  /**
   * Imports a .eml file, an mbox file, a Maildir or a folder of .eml files into a mailbox or newsgroup, and returns the
   * number of messages. They do not count as delivered, so no wait returns them.
   */
  async load(path: string, into: MailboxRef | string): Promise<number> {
    const call = new Call('load', TestLab.prototype.load)
    return this.#mailboxes.load(path, this.#mailbox(call, into))
  }

  /** Writes a mailbox or newsgroup to a folder (`eml`, `maildir`) or a file (`mbox`). */
  async save(path: string, from: MailboxRef | string, format: FormatName = 'eml'): Promise<void> {
    const call = new Call('save', TestLab.prototype.save)
    call.check('format', format, 'format')
    return this.#mailboxes.save(path, this.#mailbox(call, from), format)
  }

  /** Expunges messages of a mailbox (default: all) as another client would, and returns the UIDs that existed. */
  async expunge(from: MailboxRef | string, uids?: readonly number[]): Promise<readonly number[]> {
    const call = new Call('expunge', TestLab.prototype.expunge)
    return this.#mailboxes.expunge(this.#mailbox(call, from), uids)
  }

  /**
   * Sets how much an account may store, in place of the configured quota, until `reset`:
   * `await lab.setQuota('bob', { messages: 2 })`.
   * @param quota `off`: no limits; undefined: the configured quota applies again
   */
  async setQuota(user: string, quota?: QuotaInput | 'off'): Promise<void> {
    return this.#accounts.setQuota(new Call('setQuota', TestLab.prototype.setQuota), user, quota)
  }

  /**
   * Changes an account until it is changed again: `lab.changeAccount('alice', { state: 'locked' })`. Open sessions continue.
   * Resolves once all nodes of the lab know it; without PostgreSQL, immediately.
   * @param changes undefined: all changes are taken back, and what is configured applies again
   */
  changeAccount(user: string, changes?: AccountChangesInput): Promise<void> {
    return this.#accounts.change(new Call('changeAccount', TestLab.prototype.changeAccount), user, changes)
  }

  /** Returns how much an account may store, and how much it has stored. */
  async quota(user: string): Promise<AccountQuota> {
    return this.#accounts.quota(new Call('quota', TestLab.prototype.quota), user)
  }

  /** Gives a mailbox a new UIDVALIDITY, as a restored backup does, and returns it. Open sessions lose the mailbox. */
  async changeUidValidity(of: MailboxRef | string): Promise<number> {
    const call = new Call('changeUidValidity', TestLab.prototype.changeUidValidity)
    return this.#mailboxes.changeUidValidity(this.#mailbox(call, of))
  }

  /** Returns the articles of a newsgroup, ordered by number. @throws if the group does not exist */
  async articles(newsgroup: string): Promise<LabArticle[]> {
    return this.#mailboxes.articles(newsgroup)
  }

  /** The memory that clients make the lab use, in octets, and its limit. */
  get memory(): MemoryUsage {
    return this.#lab.intake.memory.usage
  }

  /**
   * Returns the https link with which a recipient unsubscribes from a list, for List-Unsubscribe (RFC 8058). Any names will
   * do. @throws if the lab has no http virtual server with TLS
   */
  unsubscribeUrl(recipient: string, list: string): string {
    const http = this.#lab.endpoints().find(({ protocol, tlsPort }) => protocol === 'http' && tlsPort !== undefined)
    if (!http) throw new Error('unsubscribeUrl: the lab has no http virtual server with a tlsPort')
    const [one, address] = [list, recipient].map(encodeURIComponent)
    return `https://localhost:${http.tlsPort}/unsubscribe/${one}/${address}`
  }

  /** Returns the one-click unsubscribes that arrived at such links, the oldest first. */
  unsubscribes(): readonly Unsubscribe[] {
    return this.#lab.unsubscribes.list()
  }

  /**
   * Resolves with the oldest one-click unsubscribe that matches; it may have arrived before the call. A filter that is a
   * string is short for `{ recipient: … }`.
   * @throws WaitTimeout, which lists those that arrived; TypeError for a wrong filter
   */
  async waitForUnsubscribe(
    ...rest: [filter?: UnsubscribeFilter | string, options?: WaitOptions]
  ): Promise<Unsubscribe> {
    const call = new Call('waitForUnsubscribe', TestLab.prototype.waitForUnsubscribe)
    const filter = call.optional<UnsubscribeFilter | string>(rest, {}, 'filter')
    const wanted = typeof filter === 'string' ? { recipient: filter } : filter
    call.check('unsubscribeFilter', wanted, 'filter')
    const { unsubscribes } = this.#lab
    return waitForUnsubscribe(call, wanted, rest[1], { unsubscribes, arrivals: this.#arrivals })
  }

  /** The faults that the lab injects: `lab.faults.add({ when: { verb: 'RCPT' }, do: { reply: '451 4.3.0 later' }, times: 2 })`. */
  readonly faults: TestFaults

  /** The DNS of the lab, if its configuration has `dns`. */
  readonly dns: TestDns

  /**
   * Ends open sessions, as servers and networks do: `lab.disconnect({ protocol: 'imap4', user: 'bob' })`. Resolves with
   * their number once they have ended.
   * @param filter which sessions; a string is short for `{ user: … }`; default: all
   */
  async disconnect(...rest: [filter?: SessionQuery, options?: DisconnectOptions]): Promise<number> {
    const call = new Call('disconnect', TestLab.prototype.disconnect)
    const filter = call.optional<SessionQuery>(rest, {}, 'filter')
    const [, options = {}] = rest
    const wanted = typeof filter === 'string' ? { user: this.user(filter) } : filter
    call.check('sessionFilter', wanted, 'filter')
    call.check('disconnectOptions', options, 'options')
    const open = this.sessions().filter((session) => matchesSession(session, { ...wanted, ended: false }))
    return this.#lab.virtualServers.disconnect(new Set(open.map(({ id }) => id)), options.how ?? 'close')
  }

  /**
   * Restarts the virtual servers: every session ends with its protocol's farewell, and the same ports open again, without
   * the TLS sessions from before. Root, certificates, accounts, messages, session records and faults stay.
   * @throws ListenError if another program has taken a port meanwhile
   */
  async restart(): Promise<void> {
    await this.#lab.restart()
  }

  /**
   * Deletes messages, session records, added faults, and records and defects that were added to the DNS, and returns the
   * clock to the time of the machine. Ports, certificates and accounts stay.
   */
  async reset(): Promise<void> {
    await this.#lab.reset()
    this.forgetMessages()
  }

  /** Keeps the process running until the lab stops or `unref` is called. Labs do not do so by themselves. */
  ref(): this {
    this.#release ??= keepAlive()
    return this
  }

  /** Undoes `ref`. */
  unref(): this {
    this.#release?.()
    this.#release = undefined
    return this
  }

  /** Ends every session with its protocol's farewell and closes everything. */
  async stop(): Promise<void> {
    forgetLab(this)
    this.ref()
    try {
      this.#arrivals.close()
      await this.#lab.stop()
      this.#arrivals.closed()
    } finally {
      this.unref()
    }
  }

  protected resolveFilter(filter: MessageFilter): MessageFilter {
    return filter
  }

  #mailbox(call: Call, ref: MailboxRef | string): MailboxRef {
    const mailbox = typeof ref === 'string' ? { user: this.user(ref) } : ref
    call.check('mailbox', mailbox, 'mailbox')
    return mailbox
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}
