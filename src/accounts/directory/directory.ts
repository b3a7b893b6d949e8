import { randomBytes } from 'node:crypto'
import { type PasswordForm, scramPasswordOf } from '../../core/config/accounts/known-passwords.ts'
import type { ScramPassword } from '../../core/config/accounts/password-hash.ts'
import type { Quota } from '../../core/config/schema/directory.ts'
import type { LabConfig } from '../../core/config/schema.ts'
import { AddedAccounts } from './added-accounts.ts'
import { provenSecret, stateRefusal } from './logon-refusal.ts'
import { addressKey, foldAddress, foldDomain, foldName, parseLogonName, splitAddress, withoutDetail } from './names.ts'
import { HashedPasswords } from './passwords/hashed-passwords.ts'
import { isRightPassword } from './secrets.ts'
import type { Account, AccountChanges, AddedAccount, Directory, NewAccount, Proof, Secret } from './types.ts'

/** The configuration keys that define a directory. */
type DirectoryConfig = Pick<LabConfig, 'domain' | 'directory'>

/** A password that nobody knows. */
const UNKNOWN: Secret = { password: randomBytes(32).toString('base64') }

const withoutPassword = ({ password: _password, passwordHash: _passwordHash, ...account }: Account): Account => account

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
  readonly unknown: 'refuse' | 'capture' | 'create'
  readonly hasReferrals: boolean
  readonly #localDomain: string
  readonly #quota: Quota | undefined
  /** The accounts as they are configured. */
  readonly #configured = new Map<string, Account>()
  readonly #byUser = new Map<string, Account>()
  readonly #byAddress = new Map<string, Account>()
  readonly #added: AddedAccounts
  /** The largest number of passwords that an account has. */
  #secrets: number | undefined
  readonly #hashes = new HashedPasswords(() => this.accounts())

  constructor(config: DirectoryConfig, added: AddedAccounts) {
    this.domain = config.domain
    this.mode = config.directory.mode
    this.unknown = config.directory.unknown
    this.#localDomain = foldDomain(config.domain)
    this.#quota = config.directory.quota
    const { accounts } = config.directory
    this.hasReferrals = accounts.some((account) => account.referral ?? account.mailboxReferrals)
    this.#added = added
    for (const configured of accounts) {
      const { user, addresses, quota = this.#quota, ...others } = configured
      const { certificates: _certificates, preload: _preload, passwordFile: _passwordFile, origin, ...rest } = others
      const file = origin === undefined ? {} : { file: origin.file }
      const account = { ...rest, ...file, user, addresses: addresses ?? [this.#defaultAddress(user)], quota }
      this.#configured.set(foldName(user), this.mode === 'open' ? withoutPassword(account) : account)
      this.#configure(user)
    }
    // The last directory of a lab decides what new accounts get.
    added.use({
      quota: this.#quota,
      addressOf: (user) => this.#defaultAddress(user),
      onChange: (user, what) => this.#follow(user, what),
    })
  }

  find(name: string): Account | undefined {
    const { user, mailbox } = parseLogonName(name)
    if (!VALID_USER.test(user)) return undefined
    const account = this.#lookUp(user)
    // The third part of DOMAIN\user\mailbox must name the user's own mailbox: no user may open another's.
    return mailbox === undefined || this.isSame(this.#lookUp(mailbox), account) ? account : undefined
  }

  async checkPassword(name: string, password: string, isGone = () => false): Promise<Proof | undefined> {
    const account = this.find(name)
    const secret = provenSecret(this.secretsOf(account), (known) => isRightPassword(known, password))
    const isHashRight = await this.#hashes.verify(account, { name: this.canonicalName(name), password }, isGone)
    if (account && secret) return { account, secret }
    return account && (isHashRight || this.mode === 'open') ? { account, secret: { password } } : undefined
  }

  async authenticate(name: string, password: string): Promise<Account | undefined> {
    const proof = await this.checkPassword(name, password)
    return proof?.secret?.name === undefined && proof && stateRefusal(proof) === undefined ? proof.account : undefined
  }

  secretsOf(account: Account | undefined): readonly Secret[] {
    this.#secrets ??= this.accounts().reduce(
      (most, { appPasswords = [] }) => Math.max(most, 1 + appPasswords.length),
      1,
    )
    const own = account ? [{ password: account.password ?? UNKNOWN.password }, ...(account.appPasswords ?? [])] : []
    return [...own, ...Array.from({ length: this.#secrets - own.length }, () => UNKNOWN)]
  }

  knowsPasswords(form: PasswordForm): boolean {
    return this.mode === 'listed' && this.#hashes.knows(form)
  }

  scramPassword(hash: string, account?: Account): ScramPassword | undefined {
    return account ? scramPasswordOf(account, hash) : this.#hashes.scramModel(hash)
  }

  findByAddress(address: string): Account | undefined {
    const { localPart, domain } = splitAddress(address)
    if (!VALID_USER.test(localPart)) return undefined
    const known =
      this.#findByKey(foldAddress(localPart, domain)) ?? this.#findByKey(foldAddress(withoutDetail(localPart), domain))
    if (known) return known
    if (this.mode === 'open' && this.isLocalDomain(domain)) {
      const user = withoutDetail(localPart)
      return this.#findByUser(user) ?? this.#newAccount(user)
    }
    if (this.unknown !== 'create') return undefined
    const user = `${withoutDetail(localPart)}@${domain}`
    return this.#findByUser(user) ?? this.#createdAccount(user)
  }

  canonicalName(name: string): string {
    const { user } = parseLogonName(name)
    const { localPart, domain } = splitAddress(user)
    return foldName(domain !== '' && this.isLocalDomain(domain) ? localPart : user)
  }

  isSame(one: Account | undefined, other: Account | undefined): boolean {
    return one === other || (one !== undefined && other !== undefined && foldName(one.user) === foldName(other.user))
  }

  add(account: NewAccount): AddedAccount | Promise<AddedAccount> {
    const known = this.#findByUser(account.user)
    return known ? { account: known, isNew: false } : this.#added.put(account)
  }

  remove(account: Account): Promise<void> {
    return this.#added.remove(account.user)
  }

  isConfigured(account: Account): boolean {
    return this.#byUser.has(foldName(account.user))
  }

  async change(account: Account, changes: AccountChanges | undefined): Promise<void> {
    const { user } = (await this.add(account)).account
    // A password takes the place of a hash.
    await this.#added.change(user, changes?.password === undefined ? changes : { passwordHash: undefined, ...changes })
  }

  refresh(): Promise<void> | undefined {
    return this.#added.refresh()
  }

  isLocalDomain(domain: string): boolean {
    return domain === this.#localDomain || foldDomain(domain) === this.#localDomain
  }

  accounts(): readonly Account[] {
    const added = this.#added.list().filter((account) => this.#isUsable(account) && !this.isConfigured(account))
    return [...this.#byUser.values(), ...added]
  }

  /** Takes up what was changed on an account that is not, or not only, in the configuration. */
  #follow(user: string, what: 'added' | 'changed' | 'removed'): void {
    const { appPasswords, passwordHash } = this.#added.findByUser(user) ?? {}
    // An open directory adds one at each new log-on, and counting passwords takes longer the more accounts there are.
    if (what !== 'added' || (appPasswords ?? passwordHash) !== undefined) {
      this.#secrets = undefined
      this.#hashes.forget()
    }
    if (this.#configured.has(user)) this.#configure(user)
  }

  /** Makes an account of its configuration and its changes. */
  #configure(user: string): void {
    const account = { ...(this.#configured.get(foldName(user)) as Account), ...this.#added.changesOf(user) }
    this.#byUser.set(foldName(account.user), account)
    for (const address of account.addresses) this.#byAddress.set(addressKey(address), account)
  }

  #findByUser(user: string): Account | undefined {
    return this.#byUser.get(foldName(user)) ?? this.#ifUsable(this.#added.findByUser(user))
  }

  #findByKey(key: string): Account | undefined {
    return this.#byAddress.get(key) ?? this.#ifUsable(this.#added.findByAddress(key))
  }

  #ifUsable(account: Account | undefined): Account | undefined {
    return account && this.#isUsable(account) ? account : undefined
  }

  /** A directory that lists its accounts ignores those that an open directory has kept, which have no password. */
  #isUsable({ password, passwordHash }: Account): boolean {
    return this.mode === 'open' || (password ?? passwordHash) !== undefined
  }

  /** Finds an existing account by user name, by `user@domain`, or by one of its addresses. */
  #findKnown(name: string): Account | undefined {
    const exact = this.#findByUser(name)
    if (exact || !name.includes('@')) return exact
    const { localPart, domain } = splitAddress(name)
    const byAddress = this.#findByKey(foldAddress(localPart, domain))
    return byAddress ?? (this.isLocalDomain(domain) ? this.#findByUser(localPart) : undefined)
  }

  #lookUp(user: string): Account | undefined {
    return this.#findKnown(user) ?? (this.mode === 'open' ? this.#newAccount(user) : undefined)
  }

  /** Returns an account of an open directory. It is not kept until `add`: names come from anyone who connects. */
  #newAccount(name: string): Account {
    const { localPart, domain } = splitAddress(name)
    const user = domain !== '' && this.isLocalDomain(domain) ? localPart : name
    return { user, addresses: [this.#defaultAddress(user)], quota: this.#quota }
  }

  /** Returns the account of an address that nobody has. It is not kept until `add`. */
  #createdAccount(address: string): Account {
    const password = this.mode === 'open' ? {} : { password: address }
    return { user: address, ...password, addresses: [address], quota: this.#quota }
  }

  #defaultAddress(user: string): string {
    return user.includes('@') ? user : `${user}@${this.domain}`
  }
}
