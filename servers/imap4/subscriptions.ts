import type { Owner } from '../../src/storage/store/folder.ts'
import type { MessageStore } from '../../src/storage/store/types.ts'
import type { ValueSpace } from '../../src/storage/store/value-types.ts'
import { isCaptured, isPublic } from './mailbox-names.ts'

/**
 * The mailboxes that an account is subscribed to. Newsgroups and captured mail are subscribed until the account unsubscribes,
 * because many clients show only subscribed mailboxes. RFC 9051 section 6.3.7
 */
export class Subscriptions {
  /** Names that the store has, whether or not such mailboxes exist. */
  readonly names = new Set<string>()
  /** Newsgroups and captured mail that the account does not want. */
  readonly #unwanted = new Set<string>()

  /** Reads those of an account. */
  static async of(store: MessageStore, owner: Owner): Promise<Subscriptions> {
    const subscriptions = new Subscriptions()
    await subscriptions.load(store, owner)
    return subscriptions
  }

  /** Adds those of an account. */
  async load(store: MessageStore, owner: Owner): Promise<void> {
    for (const name of await store.subscriptions(owner)) this.names.add(name)
    for (const name of (await store.values(unsubscribedSpace(owner))).keys()) this.#unwanted.add(name)
  }

  /** Returns whether an existing mailbox is subscribed. */
  has(name: string): boolean {
    return this.names.has(name) || (isOfLab(name) && !this.#unwanted.has(name))
  }

  /** Notes a change that `changeSubscription` has made. */
  note(name: string, isSubscribed: boolean): void {
    this.names[isSubscribed ? 'add' : 'delete'](name)
    this.#unwanted[isSubscribed ? 'delete' : 'add'](name)
  }
}

/** Subscribes to a name, or unsubscribes. RFC 9051 sections 6.3.7 and 6.3.8. */
export async function changeSubscription(
  store: MessageStore,
  owner: Owner,
  name: string,
  isSubscribed: boolean,
): Promise<void> {
  await store.setSubscribed(owner, name, isSubscribed)
  if (!isOfLab(name)) return
  await store.changeValues(unsubscribedSpace(owner), () => new Map([[name, isSubscribed ? undefined : UNWANTED]]))
}

const UNWANTED = Buffer.from('1')
const unsubscribedSpace = (reader: Owner): ValueSpace => ({ kind: 'unsubscribed', reader })
const isOfLab = (name: string): boolean => isPublic(name) || isCaptured(name)
