import type { ResolvedLab } from '../config/resolve.ts'
import { type CertificateInput, certificateChoice } from '../config/schema/certificate.ts'
import type { LabInput, Protocol } from '../config/schema.ts'
import type { Lab } from '../lab/lab.ts'
import type { LabFaults } from '../lab/lab-faults.ts'
import { deliverLocally } from '../lab/local-delivery.ts'
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

/** A log-on as client libraries take it. */
export interface Credentials {
  readonly user: string
  readonly pass: string
}

/** Where a virtual server of a running lab answers. */
export interface LabServer {
  readonly name: string
  readonly protocol: Protocol
  readonly address: string
  /** Clear text, with STARTTLS. @throws where it is closed */
  readonly port: number
  /** Implicit TLS. @throws where it is closed */
  readonly tlsPort: number
  readonly certificate: VirtualServerStatus['certificate']
}

/** What `certificate:` takes in a configuration: `auto`, a friendly name, `{ defect: 'expired' }`, `{ variant: 'p384' }` … */
export type CertificateSetting = CertificateInput

/** Whose mailboxes a message is put into, and from whom. */
export interface DeliverOptions {
  /** User names or addresses. */
  readonly to: string | readonly string[]
  /** The envelope's sender. */
  readonly from?: string
}

/** Reads a configuration, the lab's own where none is given. */
type Resolve = (config?: LabInput | string) => Promise<ResolvedLab>

/** A running lab, as test code uses it. */
export class TestLab implements AsyncDisposable {
  readonly #lab: Lab
  readonly #arrivals: Arrivals
  readonly #mail: DeliveredMail
  readonly #resolve: Resolve

  /** The lab's clock, to be moved. */
  readonly clock: LabClock
  readonly #mailboxes: Mailboxes
  #tenants = 0

  constructor(lab: Lab, arrivals: Arrivals, clock: LabClock, resolve: Resolve) {
    this.#lab = lab
    this.clock = clock
    clock.watch(() => lab.refreshCertificates())
    this.#mailboxes = new Mailboxes(lab.store)
    this.#resolve = resolve
    this.#arrivals = arrivals
    this.#mail = new DeliveredMail(arrivals, lab)
  }

  /** PEM of the lab's root certificate: `tls: { ca: lab.ca }`. */
  get ca(): string {
    return this.#lab.certificateStore.rootPem
  }

  /** The domain of its accounts. */
  get domain(): string {
    return this.#lab.directory.domain
  }

  /** The verbs of `sealpost cert`: obtain, install, replace and retire certificates of the virtual servers. */
  get certificates(): Lab['certificates'] {
    return this.#lab.certificates
  }

  /** The verbs of `sealpost ca`: the lab's own certificate authorities. */
  get authorities(): Lab['authorities'] {
    return this.#lab.authorities
  }

  /** Address of the authorities' HTTP service; undefined where the configuration has none. */
  get authorityServiceUrl(): string | undefined {
    return this.#lab.authorityServiceUrl
  }

  /** A virtual server by protocol (the first one) or by name. @throws when there is none */
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
   * Serves another certificate in handshakes from now on: `await lab.useCertificate({ defect: 'expired' }, 'imap4')`.
   * `await lab.useCertificate('auto')` goes back. Open connections go on, and `reset` keeps the choice.
   * @param which a virtual server by protocol (the first one) or by name; default: all of them
   * @throws PkiError if there is no such certificate; then nothing changes
   */
  useCertificate(certificate: CertificateSetting, which?: Protocol | (string & {})): Promise<void> {
    return this.#lab.useCertificate(
      certificateChoice(certificate),
      which === undefined ? undefined : this.server(which).name,
    )
  }

  /** @deprecated Use `useCertificate`. Removed in the next minor version. */
  wear(certificate: CertificateSetting, which?: Protocol | (string & {})): Promise<void> {
    return this.useCertificate(certificate, which)
  }

  /**
   * Takes another configuration, or the lab's file as it is now: new connections see it at once, ports open and close as
   * it asks, open connections live on. `store` and `certificates` stay as they were at the start.
   * @throws ConfigError, ListenError: then nothing changes
   */
  async reload(config?: LabInput | string): Promise<void> {
    const next = await this.#resolve(config)
    const { store, certificates } = this.#lab.config
    await this.#lab.reload({ ...next, store, certificates })
  }

  /** Transport options for nodemailer: STARTTLS required, verified against the lab's root. */
  nodemailer(auth?: Credentials) {
    const { address, port } = this.server('smtp')
    const tls = { ca: this.ca, servername: this.#lab.config.hostname }
    return { host: address, port, secure: false, requireTLS: true, tls, ...(auth ? { auth } : {}) }
  }

  /** Client options for imapflow: implicit TLS, verified against the lab's root. */
  imapflow(auth: Credentials) {
    const { address, tlsPort } = this.server('imap4')
    const tls = { ca: this.ca, servername: this.#lab.config.hostname }
    return { host: address, port: tlsPort, secure: true, tls, auth, logger: false as const }
  }

  /**
   * Resolves with the first delivered message that fits and that no wait has returned yet, whether it came before the
   * call or comes after it.
   * @throws WaitTimeout telling what did arrive
   */
  waitForMessage(filter: MessageFilter = {}, options: WaitOptions = {}): Promise<LabMessage> {
    return this.#mail.wait(filter, options)
  }

  /**
   * Resolves with the first delivered message that fits, taken by a wait or not, and takes none.
   * @throws WaitTimeout telling what did arrive
   */
  receives(filter: MessageFilter = {}, options: WaitOptions = {}): Promise<LabMessage> {
    return new DeliveredMail(this.#arrivals, this.#lab).wait(filter, options)
  }

  /**
   * A part of the lab for one test, so that several can share it at a time. Needs `directory: { mode: open }` (the default).
   * @param name what its accounts and newsgroups begin with; default: one of its own
   */
  tenant(name?: string): Tenant {
    if (this.#lab.config.directory.mode !== 'open') {
      throw new Error('tenants need accounts made on first use: start the lab with directory: { mode: "open" }')
    }
    return new Tenant(name ?? `t${++this.#tenants}`, this, this.#lab, this.#arrivals)
  }

  /**
   * Puts the messages of a .eml file, an mbox file, a Maildir or a folder of .eml files into a mailbox or newsgroup, and
   * gives their number. They were there before: no wait returns them.
   */
  load(path: string, into: MailboxRef): Promise<number> {
    return this.#mailboxes.load(path, into)
  }

  /** Writes a mailbox or newsgroup to a folder (`eml`, `maildir`) or a file (`mbox`). */
  save(path: string, from: MailboxRef, format: FormatName = 'eml'): Promise<void> {
    return this.#mailboxes.save(path, from, format)
  }

  /** Removes messages of a mailbox as another client would; all where no uids are given. Gives those that were there. */
  expunge(from: MailboxRef, uids?: readonly number[]): Promise<readonly number[]> {
    return this.#mailboxes.expunge(from, uids)
  }

  /** The same messages under another UIDVALIDITY, as after a restored backup; open sessions lose the mailbox. Gives the new value. */
  changeUidValidity(of: MailboxRef): Promise<number> {
    return this.#mailboxes.changeUidValidity(of)
  }

  /** The delivered messages that fit, in order of arrival; one sent to several recipients is listed once. */
  messages(filter: MessageFilter = {}): Promise<LabMessage[]> {
    return this.#mail.list(filter)
  }

  /** Puts a message into mailboxes, or newsgroups by their addresses, without SMTP: raw octets as they are, or made from its parts. */
  async deliver(message: Buffer | string | MessageDraft, { to, from = '' }: DeliverOptions): Promise<void> {
    const { directory, clock } = this.#lab
    const recipients = typeof to === 'string' ? [to] : to
    const addresses = recipients.map((name) => (name.includes('@') ? name : `${name}@${directory.domain}`))
    const raw =
      typeof message === 'string' || Buffer.isBuffer(message)
        ? Buffer.from(message as Buffer)
        : await compose({ to: addresses, ...message }, clock.now())
    await deliverLocally(this.#lab, { from, to: recipients, raw })
  }

  /** The articles of a newsgroup, in number order. @throws when there is no such group */
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

  /** Every connection on record, oldest first, failed handshakes included. */
  sessions(): readonly SessionRecord[] {
    return this.#lab.sessionLog.list()
  }

  /** What goes wrong on purpose: `lab.faults.add({ when: { verb: 'RCPT' }, do: { reply: '451 4.3.0 later' }, times: 2 })`. */
  get faults(): LabFaults {
    return this.#lab.faults
  }

  /** Forgets messages, sessions and faults; ports, certificates and accounts stay. */
  async reset(): Promise<void> {
    await this.#lab.reset()
    this.#mail.clear()
  }

  /** Says good-bye to every session and closes everything. */
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
    if (value === undefined) throw new Error(`${virtualServer} has no ${key}: it is closed`)
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
