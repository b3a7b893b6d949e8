import { domainToASCII } from 'node:url'
import type { Quota } from '../config/schema/directory.ts'
import type { LabConfig } from '../config/schema.ts'
import { parseLogonName, splitAddress, withoutDetail } from './names.ts'
import { sameSecret } from './secrets.ts'
import type { Account, Directory } from './types.ts'

/** The configuration keys that define a directory. */
export type DirectoryConfig = Pick<LabConfig, 'domain' | 'directory'>

const PLAIN_DOMAIN = /^[A-Za-z0-9.-]+$/
const fold = (text: string): string => text.normalize('NFC').toLowerCase()
/** Folds a domain to its ASCII form, so that a Unicode domain equals its `xn--` form. RFC 5890 section 2.3.2.4. */
const foldDomain = (domain: string): string =>
  PLAIN_DOMAIN.test(domain) ? domain.toLowerCase() : domainToASCII(domain) || domain.toLowerCase()
const foldAddress = (localPart: string, domain: string): string => `${fold(localPart)}@${foldDomain(domain)}`

/** Valid user names. An open directory has an account for each of them. */
const VALID_USER = /^\P{Cc}{1,255}$/u

/** Creates the directory of a lab. Names and addresses are case-insensitive. */
export function createDirectory(config: DirectoryConfig): Directory {
  return new LabDirectory(config)
}

class LabDirectory implements Directory {
  readonly domain: string
  readonly mode: 'listed' | 'open'
  readonly unknown: 'refuse' | 'capture'
  readonly #localDomain: string
  readonly #quota: Quota | undefined
  readonly #byUser = new Map<string, Account>()
  readonly #byAddress = new Map<string, Account>()

  constructor(config: DirectoryConfig) {
    this.domain = config.domain
    this.mode = config.directory.mode
    this.unknown = config.directory.unknown
    this.#localDomain = foldDomain(config.domain)
    this.#quota = config.directory.quota
    for (const { user, password, addresses, quota = this.#quota } of config.directory.accounts) {
      const account = { user, addresses: addresses ?? [this.#defaultAddress(user)], quota }
      this.add(this.mode === 'open' ? account : { ...account, password })
    }
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
    const right = sameSecret(account?.password ?? '', password)
    return right && account?.password !== undefined ? account : undefined
  }

  findByAddress(address: string): Account | undefined {
    const { localPart, domain } = splitAddress(address)
    if (!VALID_USER.test(localPart)) return undefined
    const known =
      this.#byAddress.get(foldAddress(localPart, domain)) ??
      this.#byAddress.get(foldAddress(withoutDetail(localPart), domain))
    if (known || this.mode === 'listed' || !this.isLocalDomain(domain)) return known
    const user = withoutDetail(localPart)
    return this.#byUser.get(fold(user)) ?? this.#newAccount(user)
  }

  canonicalName(name: string): string {
    const { user } = parseLogonName(name)
    const { localPart, domain } = splitAddress(user)
    return fold(domain !== '' && this.isLocalDomain(domain) ? localPart : user)
  }

  isSame(one: Account | undefined, other: Account | undefined): boolean {
    return one === other || (one !== undefined && other !== undefined && fold(one.user) === fold(other.user))
  }

  add(account: Account): { readonly account: Account; readonly isNew: boolean } {
    const known = this.#byUser.get(fold(account.user))
    if (known) return { account: known, isNew: false }
    this.#byUser.set(fold(account.user), account)
    for (const address of account.addresses) this.#byAddress.set(this.#addressKey(address), account)
    return { account, isNew: true }
  }

  remove(account: Account): void {
    this.#byUser.delete(fold(account.user))
    for (const address of account.addresses) this.#byAddress.delete(this.#addressKey(address))
  }

  isLocalDomain(domain: string): boolean {
    return foldDomain(domain) === this.#localDomain
  }

  accounts(): readonly Account[] {
    return [...this.#byUser.values()]
  }

  /** Finds an existing account by user name, by `user@domain`, or by one of its addresses. */
  #known(name: string): Account | undefined {
    const exact = this.#byUser.get(fold(name))
    if (exact || !name.includes('@')) return exact
    const { localPart, domain } = splitAddress(name)
    const byAddress = this.#byAddress.get(foldAddress(localPart, domain))
    return byAddress ?? (this.isLocalDomain(domain) ? this.#byUser.get(fold(localPart)) : undefined)
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

  #addressKey(address: string): string {
    const { localPart, domain } = splitAddress(address)
    return foldAddress(localPart, domain)
  }
}
