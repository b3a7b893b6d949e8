import type { Quota } from '../config/schema/directory.ts'
import type { LabConfig } from '../config/schema.ts'
import { AddedAccounts } from './added-accounts.ts'
import { addressKey, fold, foldAddress, foldDomain, parseLogonName, splitAddress, withoutDetail } from './names.ts'
import { isPassword } from './secrets.ts'
import type { Account, Directory, NewAccount } from './types.ts'

/** The configuration keys that define a directory. */
export type DirectoryConfig = Pick<LabConfig, 'domain' | 'directory'>

/** Valid user names. An open directory has an account for each of them. */
const VALID_USER = /^\P{Cc}{1,255}$/u

/**
 * Creates the directory of a lab. Names and addresses are case-insensitive.
 * @param added the accounts that are not in the configuration, which a reload keeps
 */
export function createDirectory(config: DirectoryConfig, added = new AddedAccounts()): Directory {
  return new LabDirectory(config, added)
}

class LabDirectory implements Directory {
  readonly domain: string
  readonly mode: 'listed' | 'open'
  readonly unknown: 'refuse' | 'capture'
  readonly #localDomain: string
  readonly #quota: Quota | undefined
  readonly #byUser = new Map<string, Account>()
  readonly #byAddress = new Map<string, Account>()
  readonly #added: AddedAccounts

  constructor(config: DirectoryConfig, added: AddedAccounts) {
    this.domain = config.domain
    this.mode = config.directory.mode
    this.unknown = config.directory.unknown
    this.#localDomain = foldDomain(config.domain)
    this.#quota = config.directory.quota
    for (const { user, password, addresses, quota = this.#quota } of config.directory.accounts) {
      const account = { user, addresses: addresses ?? [this.#defaultAddress(user)], quota }
      this.#configure(this.mode === 'open' ? account : { ...account, password })
    }
    this.#added = added
    // The last directory of a lab decides what new accounts get.
    added.defaults = { quota: this.#quota, addressOf: (user) => this.#defaultAddress(user) }
  }

  find(name: string): Account | undefined {
    const { user, mailbox } = parseLogonName(name)
    if (!VALID_USER.test(user)) return undefined
    const account = this.#lookUp(user)
    // The third part of DOMAIN\user\mailbox must name the user's own mailbox: no user may open another's.
    return mailbox === undefined || this.isSame(this.#lookUp(mailbox), account) ? account : undefined
  }

  authenticate(name: string, password: string): Account | undefined {
    const account = this.find(name)
    if (this.mode === 'open') return account
    const right = isPassword(account?.password ?? '', password)
    return right && account?.password !== undefined ? account : undefined
  }

  findByAddress(address: string): Account | undefined {
    const { localPart, domain } = splitAddress(address)
    if (!VALID_USER.test(localPart)) return undefined
    const known =
      this.#ofAddress(foldAddress(localPart, domain)) ?? this.#ofAddress(foldAddress(withoutDetail(localPart), domain))
    if (known || this.mode === 'listed' || !this.isLocalDomain(domain)) return known
    const user = withoutDetail(localPart)
    return this.#ofUser(user) ?? this.#newAccount(user)
  }

  canonicalName(name: string): string {
    const { user } = parseLogonName(name)
    const { localPart, domain } = splitAddress(user)
    return fold(domain !== '' && this.isLocalDomain(domain) ? localPart : user)
  }

  isSame(one: Account | undefined, other: Account | undefined): boolean {
    return one === other || (one !== undefined && other !== undefined && fold(one.user) === fold(other.user))
  }

  add(account: NewAccount): { readonly account: Account; readonly isNew: boolean } {
    const known = this.#ofUser(account.user)
    if (known) return { account: known, isNew: false }
    return { account: this.#added.put(account), isNew: true }
  }

  remove(account: Account): void {
    this.#added.remove(account.user)
  }

  isConfigured(account: Account): boolean {
    return this.#byUser.has(fold(account.user))
  }

  setPassword(account: Account, password: string): void {
    this.#added.setPassword(account.user, password)
  }

  isLocalDomain(domain: string): boolean {
    return foldDomain(domain) === this.#localDomain
  }

  accounts(): readonly Account[] {
    const added = this.#added.list().filter((account) => this.#isUsable(account) && !this.isConfigured(account))
    return [...this.#byUser.values(), ...added]
  }

  #configure(account: Account): void {
    this.#byUser.set(fold(account.user), account)
    for (const address of account.addresses) this.#byAddress.set(addressKey(address), account)
  }

  #ofUser(user: string): Account | undefined {
    return this.#byUser.get(fold(user)) ?? this.#usable(this.#added.ofUser(user))
  }

  #ofAddress(key: string): Account | undefined {
    return this.#byAddress.get(key) ?? this.#usable(this.#added.ofAddress(key))
  }

  #usable(account: Account | undefined): Account | undefined {
    return account && this.#isUsable(account) ? account : undefined
  }

  /** Accounts that an open directory has kept have no password; they are none of a directory that lists its accounts. */
  #isUsable({ password }: Account): boolean {
    return this.mode === 'open' || password !== undefined
  }

  /** Finds an existing account by user name, by `user@domain`, or by one of its addresses. */
  #known(name: string): Account | undefined {
    const exact = this.#ofUser(name)
    if (exact || !name.includes('@')) return exact
    const { localPart, domain } = splitAddress(name)
    const byAddress = this.#ofAddress(foldAddress(localPart, domain))
    return byAddress ?? (this.isLocalDomain(domain) ? this.#ofUser(localPart) : undefined)
  }

  #lookUp(user: string): Account | undefined {
    return this.#known(user) ?? (this.mode === 'open' ? this.#newAccount(user) : undefined)
  }

  /** Returns an account of an open directory. It is not kept until `add`: names come from anyone who connects. */
  #newAccount(name: string): Account {
    const { localPart, domain } = splitAddress(name)
    const user = domain !== '' && this.isLocalDomain(domain) ? localPart : name
    return { user, addresses: [this.#defaultAddress(user)], quota: this.#quota }
  }

  #defaultAddress(user: string): string {
    return user.includes('@') ? user : `${user}@${this.domain}`
  }
}
