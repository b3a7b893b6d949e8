import type { Quota } from '../../core/config/schema/directory.ts'
import { OwnValues, type SharedMap, type SharedValues } from '../../core/values/shared-values.ts'
import { addressKey, foldName } from './names.ts'
import type { Account, AccountChanges, NewAccount } from './types.ts'

/** The directory that uses the accounts: the defaults that it gives accounts, and its listener for changes. */
interface User {
  readonly quota: Quota | undefined
  readonly addressOf: (user: string) => string
  /** Called after an account was added, changed or removed, also by another node. @param user in the form of `foldName` */
  readonly onChange: (user: string, what: 'added' | 'changed' | 'removed') => void
}

/** Changes as they are kept: JSON has no undefined, which removes what is configured. */
interface KeptChanges {
  readonly set: AccountChanges
  readonly removed: readonly (keyof AccountChanges)[]
}

/**
 * The accounts of a lab that are not in its configuration: those that were created while it runs, and those of an open
 * directory that are used; and what was changed on the others. All of it stays when a reload creates another directory, and
 * all nodes of a lab share it.
 */
export class AddedAccounts {
  readonly #given: SharedMap<NewAccount>
  readonly #changes: SharedMap<KeptChanges>
  readonly #values: SharedValues
  readonly #byUser = new Map<string, Account>()
  readonly #byAddress = new Map<string, Account>()
  #user: User = { quota: undefined, addressOf: (user) => user, onChange: () => {} }

  constructor(values: SharedValues = new OwnValues()) {
    this.#values = values
    this.#given = values.map('accounts')
    this.#changes = values.map('account-changes')
    for (const account of this.#given.values()) this.#index(account)
    this.#given.watch(({ key, value, previous }) => {
      if (previous) this.#unindex(key)
      if (value) this.#index(value)
      this.#user.onChange(key, previous ? (value ? 'changed' : 'removed') : 'added')
    })
    this.#changes.watch(({ key }) => {
      const given = this.#given.get(key)
      this.#unindex(key)
      if (given) this.#index(given)
      this.#user.onChange(key, 'changed')
    })
  }

  /** Gives all accounts to another directory. */
  use(user: User): void {
    this.#user = user
    this.#byUser.clear()
    this.#byAddress.clear()
    for (const account of this.#given.values()) this.#index(account)
  }

  /** Resolves once everything is known that any node has added before the call. Returns nothing to wait for if it is. */
  refresh(): Promise<void> | undefined {
    return this.#values.refresh()
  }

  findByUser(user: string): Account | undefined {
    return this.#byUser.get(foldName(user))
  }

  /** @param key as `addressKey` returns it */
  findByAddress(key: string): Account | undefined {
    return this.#byAddress.get(key)
  }

  list(): readonly Account[] {
    return [...this.#byUser.values()]
  }

  /** Adds an account. Returns the one that has the name, and whether it is this one. */
  async put(account: NewAccount): Promise<{ readonly account: Account; readonly isNew: boolean }> {
    const isNew = await this.#given.claim(foldName(account.user), account)
    return { account: this.findByUser(account.user) ?? this.#complete(account), isNew }
  }

  /** Changes an account, or takes back all changes. */
  async change(user: string, changes: AccountChanges | undefined): Promise<void> {
    if (!changes) return this.#changes.delete(foldName(user))
    const all = { ...this.changesOf(user), ...changes }
    const names = Object.keys(all) as (keyof AccountChanges)[]
    await this.#changes.put(foldName(user), { set: all, removed: names.filter((name) => all[name] === undefined) })
  }

  /** Returns what was changed on an account, one of the configuration or another. */
  changesOf(user: string): AccountChanges {
    const kept = this.#changes.get(foldName(user))
    return kept ? { ...kept.set, ...Object.fromEntries(kept.removed.map((name) => [name, undefined])) } : {}
  }

  async remove(user: string): Promise<void> {
    await this.#changes.delete(foldName(user))
    await this.#given.delete(foldName(user))
  }

  #unindex(key: string): void {
    const known = this.#byUser.get(key)
    this.#byUser.delete(key)
    for (const address of known?.addresses ?? []) {
      if (this.#byAddress.get(addressKey(address)) === known) this.#byAddress.delete(addressKey(address))
    }
  }

  #index(given: NewAccount): void {
    const account = this.#complete(given)
    this.#byUser.set(foldName(account.user), account)
    for (const address of account.addresses) this.#byAddress.set(addressKey(address), account)
  }

  /** Returns an account with its changes, and with what the directory gives it. */
  #complete(base: NewAccount): Account {
    const given = this.#changes.has(foldName(base.user)) ? { ...base, ...this.changesOf(base.user) } : base
    const { user, addresses = [this.#user.addressOf(user)], quota = this.#user.quota } = given
    const isWhole = addresses === given.addresses && quota === given.quota
    return isWhole ? (given as Account) : { ...given, addresses, quota }
  }
}
