import type { Lab } from '../lab/lab.ts'
import { accountOwner, PUBLIC_OWNER } from '../store/types.ts'
import type { Arrivals } from './arrivals.ts'
import type { MessageDraft } from './compose.ts'
import { DeliveredMail, type WaitOptions } from './delivered-mail.ts'
import type { LabArticle, LabMessage, MessageFilter } from './message.ts'
import type { Credentials, TestLab } from './test-lab.ts'

/** Any password will do in an open directory. */
const PASSWORD = 'secret'

/**
 * A part of a lab that one test has to itself: accounts, newsgroups and messages whose names begin with the tenant's, and
 * a cursor of its own. Many tenants share one lab and its ports.
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

  /** The log-on name of one of its accounts: `t1-alice`. */
  user(name: string): string {
    return `${this.name}-${name}`
  }

  /** `t1-alice@lab.test` */
  address(name: string): string {
    return `${this.user(name)}@${this.#inner.directory.domain}`
  }

  credentials(name: string): Credentials {
    return { user: this.user(name), pass: PASSWORD }
  }

  /** Transport options for nodemailer, logged on as one of its accounts. */
  nodemailer(name: string) {
    return this.lab.nodemailer(this.credentials(name))
  }

  /** Client options for imapflow, likewise. */
  imapflow(name: string) {
    return this.lab.imapflow(this.credentials(name))
  }

  /** As `lab.waitForMessage`, among its own messages. A name without `@` in `to` is one of its accounts. */
  waitForMessage(filter: MessageFilter = {}, options: WaitOptions = {}): Promise<LabMessage> {
    return this.#mail.wait(this.#own(filter), options)
  }

  /** As `lab.receives`, among its own. */
  receives(filter: MessageFilter = {}, options: WaitOptions = {}): Promise<LabMessage> {
    return this.lab.receives(this.#own(filter), options)
  }

  /** As `lab.messages`, of its own. */
  messages(filter: MessageFilter = {}): Promise<LabMessage[]> {
    return this.#mail.list(this.#own(filter))
  }

  /** As `lab.deliver`, to its accounts. */
  deliver(message: Buffer | string | MessageDraft, to: string | readonly string[]): Promise<void> {
    return this.lab.deliver(message, { to: [to].flat().map((name) => this.user(name)) })
  }

  /** Makes a newsgroup of its own, `t1.general`, and gives its name. */
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

  articles(name: string): Promise<LabArticle[]> {
    return this.lab.articles(`${this.name}.${name}`)
  }

  /** Removes its mailboxes and newsgroups. */
  async clear(): Promise<void> {
    const { store } = this.#inner
    const mine = accountOwner(`${this.name}-`)
    const owners = (await store.listOwners()).filter((owner) => owner.startsWith(mine))
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

  /** To one of its accounts, or from one to another domain. */
  #owns({ user, envelope, session }: LabMessage): boolean {
    const names = [user ?? envelope.from, ...(user === undefined ? [session?.user ?? ''] : [])]
    return names.some((name) => name.startsWith(`${this.name}-`))
  }
}
