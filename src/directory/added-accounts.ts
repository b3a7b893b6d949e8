import type { Quota } from '../config/schema/directory.ts'
import { addressKey, fold } from './names.ts'
import type { Account, NewAccount } from './types.ts'

/** What accounts get that do not say otherwise. */
interface Defaults {
  readonly quota: Quota | undefined
  readonly addressOf: (user: string) => string
}

/**
 * The accounts of a lab that are not in its configuration: those that were created while it runs, and those of an open
 * directory that are used. They stay when a reload creates another directory.
 */
export class AddedAccounts {
  readonly #given = new Map<string, NewAccount>()
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

  setPassword(user: string, password: string): void {
    const given = this.#given.get(fold(user))
    if (given) this.put({ ...given, password })
  }

  remove(user: string): void {
    const found = this.ofUser(user)
    this.#given.delete(fold(user))
    this.#byUser.delete(fold(user))
    for (const address of found?.addresses ?? []) this.#byAddress.delete(addressKey(address))
  }

  #index(given: NewAccount): Account {
    const { user, addresses = [this.#defaults.addressOf(user)], quota = this.#defaults.quota } = given
    const isWhole = addresses === given.addresses && quota === given.quota
    const account = isWhole ? (given as Account) : { ...given, addresses, quota }
    this.#byUser.set(fold(account.user), account)
    for (const address of account.addresses) this.#byAddress.set(addressKey(address), account)
    return account
  }
}
