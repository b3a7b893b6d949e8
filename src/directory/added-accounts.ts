import type { Quota } from '../config/schema/directory.ts'
import { addressKey, fold } from './names.ts'
import type { Account, AccountChanges, NewAccount } from './types.ts'

/** What accounts get that do not say otherwise. */
interface Defaults {
  readonly quota: Quota | undefined
  readonly addressOf: (user: string) => string
}

/**
 * The accounts of a lab that are not in its configuration: those that were created while it runs, and those of an open
 * directory that are used; and what was changed on the others. All of it stays when a reload creates another directory.
 */
export class AddedAccounts {
  readonly #given = new Map<string, NewAccount>()
  readonly #changes = new Map<string, AccountChanges>()
  readonly #byUser = new Map<string, Account>()
  readonly #byAddress = new Map<string, Account>()
  #defaults: Defaults = { quota: undefined, addressOf: (user) => user }

  /** Gives all accounts other defaults. */
  set defaults(defaults: Defaults) {
    this.#defaults = defaults
    this.#byUser.clear()
    this.#byAddress.clear()
    for (const account of this.#given.values()) this.#index(account)
  }

  ofUser(user: string): Account | undefined {
    return this.#byUser.get(fold(user))
  }

  /** @param key as `addressKey` returns it */
  ofAddress(key: string): Account | undefined {
    return this.#byAddress.get(key)
  }

  list(): readonly Account[] {
    return [...this.#byUser.values()]
  }

  put(account: NewAccount): Account {
    this.#given.set(fold(account.user), account)
    return this.#index(account)
  }

  /** Changes an account, or takes back all changes. */
  change(user: string, changes: AccountChanges | undefined): void {
    if (changes) this.#changes.set(fold(user), { ...this.#changes.get(fold(user)), ...changes })
    else this.#changes.delete(fold(user))
    const given = this.#given.get(fold(user))
    if (given) this.#index(given)
  }

  /** Returns what was changed on an account, one of the configuration or another. */
  changesOf(user: string): AccountChanges {
    return this.#changes.get(fold(user)) ?? {}
  }

  remove(user: string): void {
    const found = this.ofUser(user)
    this.#given.delete(fold(user))
    this.#changes.delete(fold(user))
    this.#byUser.delete(fold(user))
    for (const address of found?.addresses ?? []) this.#byAddress.delete(addressKey(address))
  }

  #index(base: NewAccount): Account {
    const given = this.#changes.has(fold(base.user)) ? { ...base, ...this.changesOf(base.user) } : base
    const { user, addresses = [this.#defaults.addressOf(user)], quota = this.#defaults.quota } = given
    const isWhole = addresses === given.addresses && quota === given.quota
    const account = isWhole ? (given as Account) : { ...given, addresses, quota }
    this.#byUser.set(fold(account.user), account)
    for (const address of account.addresses) this.#byAddress.set(addressKey(address), account)
    return account
  }
}
