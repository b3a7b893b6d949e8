import type { MemoryUsage } from '../common/memory-budget.ts'
import type { ResolvedLab } from '../config/resolve.ts'
import { type CertificateInput, certificateChoice } from '../config/schema/certificate.ts'
import type { LabInput, Protocol } from '../config/schema.ts'
import type { Lab } from '../lab/lab.ts'
import type { LabFaults } from '../lab/lab-faults.ts'
import type { VirtualServerStatus } from '../lab/virtual-servers.ts'
import type { SessionRecord } from '../sessions/types.ts'
import type { FormatName } from '../store/exchange/transfer.ts'
import { PUBLIC_OWNER } from '../store/types.ts'
import type { Arrivals } from './arrivals.ts'
import type { LabClock } from './clock.ts'
import { compose, type MessageDraft } from './compose.ts'
import { DeliveredMail, type WaitOptions } from './delivered-mail.ts'
import { Mailboxes, type MailboxRef } from './mailboxes.ts'
import { LabArticle, type LabMessage, type MessageFilter } from './message.ts'
import { Tenant } from './tenant.ts'

/** A user name and password in the form that client libraries take. */
export interface Credentials {
  readonly user: string
  readonly pass: string
}

/** The addresses of a virtual server of a running lab. */
export interface LabServer {
  readonly name: string
  readonly protocol: Protocol
  readonly address: string
  /** The clear-text port, with STARTTLS. @throws if it is closed */
  readonly port: number
  /** The implicit-TLS port. @throws if it is closed */
  readonly tlsPort: number
  readonly certificate: VirtualServerStatus['certificate']
}

/** A value of `certificate:` in a configuration: `auto`, a friendly name, `{ defect: 'expired' }`, `{ variant: 'p384' }` … */
export type CertificateSetting = CertificateInput

/** The envelope of a delivered message. */
export interface DeliverOptions {
  /** User names or addresses. */
  readonly to: string | readonly string[]
  /** The envelope's sender. Default: the null sender. */
  readonly from?: string
}

/** Reads a configuration; default: the one that the lab was started with. */
type Resolve = (config?: LabInput | string) => Promise<ResolvedLab>

/** A running lab, with the methods that tests need. */
export class TestLab implements AsyncDisposable {
  readonly #lab: Lab
  readonly #arrivals: Arrivals
  readonly #mail: DeliveredMail
  readonly #resolve: Resolve

  /** The lab's clock, which tests can move. */
  readonly clock: LabClock
  readonly #mailboxes: Mailboxes
  #tenants = 0

  constructor(lab: Lab, arrivals: Arrivals, clock: LabClock, resolve: Resolve) {
    this.#lab = lab
    this.clock = clock
    clock.watch(async () => {
      await lab.renewDue()
      await lab.refreshCertificates()
    })
    this.#mailboxes = new Mailboxes(lab.store)
    this.#resolve = resolve
    this.#arrivals = arrivals
    this.#mail = new DeliveredMail(arrivals, lab)
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
    return this.#lab.authorityServiceUrl
  }

  /** Finds a virtual server by name, or the first one of a protocol. @throws if it does not exist */
  server(which: Protocol | (string & {})): LabServer {
    const endpoints = this.#lab.endpoints()
    const found =
      endpoints.find(({ virtualServer }) => virtualServer === which) ??
      endpoints.find(({ protocol }) => protocol === which)
    if (found) return labServer(found)
    const names = endpoints.map(({ virtualServer, protocol }) => `${virtualServer} (${protocol})`)
    throw new Error(`no virtual server "${which}"; there are: ${names.join(', ')}`)
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
    const next = await this.#resolve(config)
    const { store, certificates } = this.#lab.config
    await this.#lab.reload({ ...next, store, certificates })
  }

  /** Returns transport options for nodemailer: STARTTLS is required and verified against the lab's root. */
  nodemailer(auth?: Credentials) {
    const { address, port } = this.server('smtp')
    const tls = { ca: this.ca, servername: this.#lab.config.hostname }
    return { host: address, port, secure: false, requireTLS: true, tls, ...(auth ? { auth } : {}) }
  }

  /** Returns client options for imapflow: implicit TLS, verified against the lab's root. */
  imapflow(auth: Credentials) {
    const { address, tlsPort } = this.server('imap4')
    const tls = { ca: this.ca, servername: this.#lab.config.hostname }
    return { host: address, port: tlsPort, secure: true, tls, auth, logger: false as const }
  }

  /**
   * Resolves with the first delivered message that matches and that no wait has returned yet. It may have arrived before
   * the call.
   * @throws WaitTimeout, which lists the messages that did arrive
   */
  waitForMessage(filter: MessageFilter = {}, options: WaitOptions = {}): Promise<LabMessage> {
    return this.#mail.wait(filter, options)
  }

  /**
   * Resolves with the first delivered message that matches, whether or not a wait has returned it. `waitForMessage` can
   * still return it.
   * @throws WaitTimeout, which lists the messages that did arrive
   */
  receives(filter: MessageFilter = {}, options: WaitOptions = {}): Promise<LabMessage> {
    return new DeliveredMail(this.#arrivals, this.#lab).wait(filter, options)
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
    return new Tenant(name ?? `t${++this.#tenants}`, this, this.#lab, this.#arrivals)
  }

  /**
   * Imports a .eml file, an mbox file, a Maildir or a folder of .eml files into a mailbox or newsgroup, and returns the
   * number of messages. They do not count as delivered, so no wait returns them.
   */
  load(path: string, into: MailboxRef): Promise<number> {
    return this.#mailboxes.load(path, into)
  }

  /** Writes a mailbox or newsgroup to a folder (`eml`, `maildir`) or a file (`mbox`). */
  save(path: string, from: MailboxRef, format: FormatName = 'eml'): Promise<void> {
    return this.#mailboxes.save(path, from, format)
  }

  /** Expunges messages of a mailbox (default: all) as another client would, and returns the UIDs that existed. */
  expunge(from: MailboxRef, uids?: readonly number[]): Promise<readonly number[]> {
    return this.#mailboxes.expunge(from, uids)
  }

  /** Gives a mailbox a new UIDVALIDITY, as a restored backup does, and returns it. Open sessions lose the mailbox. */
  changeUidValidity(of: MailboxRef): Promise<number> {
    return this.#mailboxes.changeUidValidity(of)
  }

  /** Returns the delivered messages that match, in order of arrival. A message to several recipients is listed once. */
  messages(filter: MessageFilter = {}): Promise<LabMessage[]> {
    return this.#mail.list(filter)
  }

  /**
   * Delivers a message to mailboxes, or to newsgroups by their addresses, without SMTP. Takes raw octets, or parts to
   * compose. As by SMTP, a Bcc field reaches only the recipients that it names.
   * @throws DeliveryError if a recipient does not exist or a newsgroup refuses the message; then no mailbox has it
   */
  async deliver(message: Buffer | string | MessageDraft, { to, from = '' }: DeliverOptions): Promise<void> {
    const { directory, clock } = this.#lab
    const recipients = typeof to === 'string' ? [to] : to
    const addresses = recipients.map((name) => (name.includes('@') ? name : `${name}@${directory.domain}`))
    const raw =
      typeof message === 'string' || Buffer.isBuffer(message)
        ? Buffer.from(message as Buffer)
        : await compose({ to: addresses, ...message }, clock.now())
    await this.#lab.deliver({ from, to: recipients, raw })
  }

  /** Returns the articles of a newsgroup, ordered by number. @throws if the group does not exist */
  async articles(newsgroup: string): Promise<LabArticle[]> {
    const folder = await this.#lab.store.findFolder(PUBLIC_OWNER, newsgroup)
    if (!folder) throw new Error(`no newsgroup "${newsgroup}"`)
    const articles = []
    for (const { uid } of await this.#lab.store.list(folder.id)) {
      const raw = await this.#lab.store.read(folder.id, uid)
      if (raw) articles.push(new LabArticle(uid, raw))
    }
    return articles
  }

  /** Returns every recorded connection, including failed handshakes, oldest first. */
  sessions(): readonly SessionRecord[] {
    return this.#lab.sessionLog.list()
  }

  /** The memory that clients make the lab use, in octets, and its limit. */
  get memory(): MemoryUsage {
    return this.#lab.intake.memory.usage
  }

  /** The faults that the lab injects: `lab.faults.add({ when: { verb: 'RCPT' }, do: { reply: '451 4.3.0 later' }, times: 2 })`. */
  get faults(): LabFaults {
    return this.#lab.faults
  }

  /** Deletes messages, session records and added faults. Ports, certificates and accounts stay. */
  async reset(): Promise<void> {
    await this.#lab.reset()
    this.#mail.clear()
  }

  /** Ends every session with its protocol's farewell and closes everything. */
  async stop(): Promise<void> {
    this.#arrivals.close()
    await this.#lab.stop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}

function labServer({ virtualServer, protocol, address, port, tlsPort, certificate }: VirtualServerStatus): LabServer {
  const open = (value: number | undefined, key: string): number => {
    if (value === undefined) throw new Error(`the ${key} of ${virtualServer} is closed`)
    return value
  }
  return {
    name: virtualServer,
    protocol,
    address,
    certificate,
    get port() {
      return open(port, 'port')
    },
    get tlsPort() {
      return open(tlsPort, 'tlsPort')
    },
  }
}
