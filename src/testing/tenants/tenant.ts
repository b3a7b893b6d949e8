import type { TenantScope } from '../../accounts/directory/tenants.ts'
import type { SessionRecord } from '../../core/sessions/types.ts'
import type { Lab } from '../../lab/lab.ts'
import type { MessageDraft } from '../../mail/format/compose.ts'
import { accountOf, PUBLIC_OWNER } from '../../storage/store/folder.ts'
import type { Call } from '../calls/call.ts'
import type { AccessTokenOptions, Credentials } from '../lab/accounts.ts'
import type { Recipients } from '../outgoing/mailing-lab.ts'
import type { Arrivals } from '../received/arrivals.ts'
import type { MessageFilter } from '../received/filter.ts'
import type { LabArticle, LabMessage } from '../received/message.ts'
import { Receiver } from '../received/receiver.ts'
import type { Scope } from '../received/scope.ts'
import type { TestLab } from '../test-lab.ts'
import { type TenantNames, tenantAccount } from './tenant-names.ts'

/** The parts of a lab that a tenant uses. */
interface TenantServices {
  readonly lab: Lab
  readonly arrivals: Arrivals
  readonly names: TenantNames
}

/**
 * A part of a lab for one test: accounts and newsgroups whose names begin with the tenant's name, and the messages to
 * them. Waits of one tenant do not affect another. Many tenants share one lab and its ports.
 */
export class Tenant extends Receiver {
  readonly name: string
  readonly lab: TestLab
  readonly #inner: Lab
  readonly #own: TenantScope

  constructor(name: string, lab: TestLab, { lab: inner, arrivals, names }: TenantServices) {
    const own = inner.tenants.scope(name)
    super(arrivals, inner, scopeOf(own, names))
    this.#own = own
    this.name = name
    this.lab = lab
    this.#inner = inner
  }

  /** Returns the log-on name of an account: `t1-alice` for `alice`, `alice@lab.test` and `t1-alice`. */
  user(name: string): string {
    return tenantAccount(this.name, this.lab.user(name))
  }

  /** Returns the address of an account: `t1-alice@lab.test`. */
  address(name: string): string {
    return `${this.user(name)}@${this.#inner.directory.domain}`
  }

  /** Returns the user name and password of an account. */
  credentials(name: string): Credentials {
    return this.lab.credentials(this.user(name))
  }

  /** Works like `lab.accessToken`, for an account of the tenant. */
  accessToken(options: AccessTokenOptions): Promise<string> {
    return this.lab.accessToken({ ...options, user: this.user(options.user) })
  }

  /** Returns transport options for nodemailer with the credentials of an account. */
  nodemailer(name: string) {
    return this.lab.nodemailer(this.credentials(name))
  }

  /** Returns client options for imapflow with the credentials of an account. */
  imapflow(name: string) {
    return this.lab.imapflow(this.credentials(name))
  }

  /** Works like `lab.deliver`, to accounts of the tenant. */
  deliver(message: Buffer | string | MessageDraft, to: Recipients): Promise<void> {
    return this.lab.deliver(
      message,
      [to].flat().map((name) => this.user(name)),
    )
  }

  /** Creates a newsgroup of the tenant, `t1.general`, and returns its full name. Accounts of others do not see it. */
  async createNewsgroup(name: string): Promise<string> {
    const full = `${this.name}.${name}`
    const newsgroup = {
      description: '',
      posting: 'yes',
      createdAt: this.#inner.clock.now(),
      createdBy: this.name,
      onlyAccounts: `${this.name}-`,
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
    const owners = (await store.listOwners()).filter((owner) => this.#own.ownsAccount(accountOf({ owner }) ?? ''))
    const folders = (await Promise.all(owners.map((owner) => store.listFolders(owner)))).flat()
    const groups = (await store.listFolders(PUBLIC_OWNER)).filter(({ name }) => this.#own.ownsNewsgroup(name))
    for (const { id } of [...folders, ...groups]) await store.deleteFolder(id)
  }

  /** Makes `to` name an account of the tenant. */
  protected resolveFilter(filter: MessageFilter, call: Call): MessageFilter {
    const { to } = filter
    if (typeof to !== 'string') return filter
    const name = this.lab.user(to)
    // Mail to other domains is captured whoever sends it.
    if (name.includes('@')) return filter
    if (to.includes('@') && !this.#own.ownsAccount(name)) {
      throw call.mistake(
        `${to} is no address of tenant ${this.name}, so it can have no mail for it. Write '${name}' or tenant.address('${name}')`,
      )
    }
    return { ...filter, to: to.includes('@') ? to : this.user(name) }
  }
}

/** Returns the part of a lab that its tenant sees. */
function scopeOf(tenant: TenantScope, names: TenantNames): Scope {
  return {
    /** Messages to an account of the tenant, or from one to another domain. */
    ownsMessage: ({ user, envelope, session }: LabMessage) => {
      const owners = user === undefined ? [envelope.from, session?.user ?? ''] : [user]
      return owners.some(tenant.ownsAccount)
    },
    isStray: ({ user, envelope, session }: LabMessage) =>
      user === undefined && !names.isOwned(envelope.from) && !names.isOwned(session?.user ?? ''),
    /** Sessions of its accounts and about them, and those that are about nobody, such as failed handshakes. */
    ownsSession(record: SessionRecord) {
      if (record.user !== undefined) return tenant.ownsAccount(record.user)
      return names.mentions(record, tenant) || !names.isAboutOthers(record, tenant)
    },
  }
}
