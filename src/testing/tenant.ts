import type { Lab } from '../lab/lab.ts'
import { accountOwner, PUBLIC_OWNER } from '../store/types.ts'
import type { Arrivals } from './arrivals.ts'
import type { MessageDraft } from './compose.ts'
import { DeliveredMail, type WaitOptions } from './delivered-mail.ts'
import type { LabArticle, LabMessage, MessageFilter } from './message.ts'
import type { Credentials, TestLab } from './test-lab.ts'

/** The password of every account. An open directory accepts any. */
const PASSWORD = 'secret'

/**
 * A part of a lab for one test: accounts and newsgroups whose names begin with the tenant's name, and the messages to
 * them. Waits of one tenant do not affect another. Many tenants share one lab and its ports.
 */
export class Tenant {
  readonly name: string
  readonly lab: TestLab
  readonly #inner: Lab
  readonly #mail: DeliveredMail

  constructor(name: string, lab: TestLab, inner: Lab, arrivals: Arrivals) {
    this.name = name
    this.lab = lab
    this.#inner = inner
    this.#mail = new DeliveredMail(arrivals, inner)
  }

  /** Returns the log-on name of an account: `t1-alice`. */
  user(name: string): string {
    return `${this.name}-${name}`
  }

  /** Returns the address of an account: `t1-alice@lab.test`. */
  address(name: string): string {
    return `${this.user(name)}@${this.#inner.directory.domain}`
  }

  credentials(name: string): Credentials {
    return { user: this.user(name), pass: PASSWORD }
  }

  /** Returns transport options for nodemailer with the credentials of an account. */
  nodemailer(name: string) {
    return this.lab.nodemailer(this.credentials(name))
  }

  /** Returns client options for imapflow with the credentials of an account. */
  imapflow(name: string) {
    return this.lab.imapflow(this.credentials(name))
  }

  /** Works like `lab.waitForMessage`, for the tenant's messages. A `to` without `@` names one of its accounts. */
  waitForMessage(filter: MessageFilter = {}, options: WaitOptions = {}): Promise<LabMessage> {
    return this.#mail.wait(this.#own(filter), options)
  }

  /** Works like `lab.receives`, for the tenant's messages. */
  receives(filter: MessageFilter = {}, options: WaitOptions = {}): Promise<LabMessage> {
    return this.lab.receives(this.#own(filter), options)
  }

  /** Works like `lab.messages`, for the tenant's messages. */
  messages(filter: MessageFilter = {}): Promise<LabMessage[]> {
    return this.#mail.list(this.#own(filter))
  }

  /** Works like `lab.deliver`, to accounts of the tenant. */
  deliver(message: Buffer | string | MessageDraft, to: string | readonly string[]): Promise<void> {
    return this.lab.deliver(message, { to: [to].flat().map((name) => this.user(name)) })
  }

  /** Creates a newsgroup of the tenant, `t1.general`, and returns its full name. */
  async createNewsgroup(name: string): Promise<string> {
    const full = `${this.name}.${name}`
    const newsgroup = {
      description: '',
      posting: 'yes',
      createdAt: this.#inner.clock.now(),
      createdBy: this.name,
    } as const
    await this.#inner.store.createFolder(PUBLIC_OWNER, full, { newsgroup })
    return full
  }

  /** Works like `lab.articles`, for a newsgroup of the tenant. */
  articles(name: string): Promise<LabArticle[]> {
    return this.lab.articles(`${this.name}.${name}`)
  }

  /** Deletes the tenant's mailboxes and newsgroups. */
  async clear(): Promise<void> {
    const { store } = this.#inner
    const prefix = accountOwner(`${this.name}-`)
    const owners = (await store.listOwners()).filter((owner) => owner.startsWith(prefix))
    const folders = (await Promise.all(owners.map((owner) => store.listFolders(owner)))).flat()
    const groups = (await store.listFolders(PUBLIC_OWNER)).filter(({ name }) => name.startsWith(`${this.name}.`))
    for (const { id } of [...folders, ...groups]) await store.deleteFolder(id)
  }

  #own(filter: MessageFilter): MessageFilter {
    const { to, matches } = filter
    return {
      ...filter,
      ...(typeof to === 'string' && !to.includes('@') ? { to: this.user(to) } : {}),
      matches: (message) => this.#owns(message) && (matches?.(message) ?? true),
    }
  }

  /** Returns whether a message is to an account of the tenant, or from one to another domain. */
  #owns({ user, envelope, session }: LabMessage): boolean {
    const names = [user ?? envelope.from, ...(user === undefined ? [session?.user ?? ''] : [])]
    return names.some((name) => name.startsWith(`${this.name}-`))
  }
}
