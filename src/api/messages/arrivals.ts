import { addressKey } from '../../accounts/directory/names.ts'
import type { Directory } from '../../accounts/directory/types.ts'
import { isSliceOver, nextSlice } from '../../core/time/time-slice.ts'
import { NamedLists } from '../../core/values/named-lists.ts'
import { accountOf, type Folder } from '../../storage/store/folder.ts'
import type { FactsReader } from './message-facts.ts'
import type { IndexedMessage, MessageIndex } from './message-index.ts'

/** A delivered message in the lists. */
interface Delivered {
  message: IndexedMessage
  readonly names: readonly string[]
  isGone: boolean
}

/** Handles a message that arrives. Resolves when the handler is ready for the next one. Never rejects. */
type Offer = (message: IndexedMessage) => Promise<void>

/** The messages that a wait is offered. */
export interface Watch {
  /** The key of a recipient; undefined: all. */
  readonly name: string | undefined
  /** Whether it reads headers, which are not kept. */
  readonly readsHeader: boolean
}

/** Messages in the lists that are not in memory otherwise. Beyond it, they are found as those that arrived earlier. */
const MAX_LISTED = 20_000

/** Returns the keys of the names that `to` of a wait can be: the recipients who received this copy, and the account. */
export function recipientKeys({ folder, entry }: IndexedMessage, directory: Directory): readonly string[] {
  const account = accountOf(folder)
  const mine = (entry.envelope?.rcptTo ?? []).filter((one) => directory.findByAddress(one)?.user === account)
  return [...new Set([...mine, ...(account === undefined ? [] : [account])].map(addressKey))]
}

/**
 * The delivered messages by recipient, for waits. Offers each new message to all waits before it takes the next one: a message
 * is read once for all waits, and the number of waits does not raise the memory that messages take.
 */
export class Arrivals {
  readonly #index: MessageIndex
  readonly #reader: FactsReader
  readonly #directory: Directory
  #lists = new NamedLists<Delivered>()
  /** By what reads and for which name: the message up to which all that arrived before the lists were returned. */
  #returned = new WeakMap<object, Map<string | undefined, IndexedMessage>>()
  readonly #known = new Map<string, Delivered>()
  /** By the name that they watch. */
  readonly #offers = new Map<string | undefined, Map<Offer, Watch>>()
  #arrived: Delivered[] = []
  #hasBegun = false
  #isRunning = false

  constructor(index: MessageIndex, reader: FactsReader, directory: Directory) {
    this.#index = index
    this.#reader = reader
    this.#directory = directory
  }

  /**
   * Returns the messages, maybe for a recipient, that no wait has returned and that `unread` does not know because they
   * arrived before. Call it before `unread`. @throws StoreError
   */
  async *earlier(
    name: string | undefined,
    reader: object,
    isReturned: (id: string) => boolean,
  ): AsyncGenerator<IndexedMessage, void, void> {
    this.#begin()
    if (this.#index.isHeld) return
    const places = this.#returned.get(reader) ?? new Map<string | undefined, IndexedMessage>()
    this.#returned.set(reader, places)
    const folders = ({ owner }: Folder): boolean => name === undefined || this.#mayReceive(accountOf({ owner }), name)
    const after = places.get(name)
    let isFirst = true
    for await (const batch of this.#index.batches({ folders, tests: [{ has: 'envelope' }], after })) {
      for (const message of batch) {
        if (this.#known.has(message.id)) continue
        if (!isReturned(message.id)) {
          isFirst = false
          yield message
        } else if (isFirst) places.set(name, message)
      }
    }
  }

  #mayReceive(account: string | undefined, name: string): boolean {
    const user = this.#directory.findByAddress(name)?.user
    return account === user || (account !== undefined && addressKey(account) === name)
  }

  /**
   * Returns the messages for a recipient, or all for undefined, that no wait has returned, also those that arrive meanwhile. See
   * `NamedLists`.
   */
  *unread(
    name: string | undefined,
    reader: object,
    isReturned: (id: string) => boolean,
  ): Generator<IndexedMessage, void, void> {
    this.#begin()
    let lists: NamedLists<Delivered> | undefined
    while (lists !== this.#lists) {
      lists = this.#lists
      for (const { message } of lists.unread(name, reader, (one) => isReturned(one.message.id))) {
        const current = this.#index.current(message)
        if (current) yield current
      }
    }
  }

  /** Offers the messages that arrive from now on. Returns the function that ends this. */
  watch(offer: Offer, watch: Watch): () => void {
    this.#begin()
    const { name } = watch
    const others = this.#offers.get(name) ?? new Map<Offer, Watch>()
    this.#offers.set(name, others.set(offer, watch))
    return () => {
      others.delete(offer)
      if (others.size === 0 && this.#offers.get(name) === others) this.#offers.delete(name)
    }
  }

  /** Follows the messages from the first wait on: most labs have none. */
  #begin(): void {
    if (this.#hasBegun) return
    this.#hasBegun = true
    for (const message of this.#index.held()) this.#add(message)
    this.#index.watch(({ type, message }) => {
      if (type === 'added') this.#add(message)
      else if (type === 'deleted') this.#remove(message.id)
      else {
        const known = this.#known.get(message.id)
        if (known) known.message = message
      }
    })
  }

  #add(message: IndexedMessage): void {
    // Only delivered mail has an envelope; saved drafts and sent copies have none.
    if (!message.entry.envelope) return
    if (!this.#index.isHeld && this.#known.size >= MAX_LISTED) this.#forget()
    const one = { message, names: recipientKeys(message, this.#directory), isGone: false }
    this.#known.set(message.id, one)
    this.#lists.add(one)
    if (this.#offersFor(one).next().done) return
    this.#arrived.push(one)
    if (!this.#isRunning) void this.#run()
  }

  #forget(): void {
    this.#lists = new NamedLists()
    this.#known.clear()
    this.#returned = new WeakMap()
  }

  #remove(id: string): void {
    const one = this.#known.get(id)
    if (!one) return
    this.#known.delete(id)
    one.isGone = true
    this.#lists.lose(one)
  }

  *#offersFor({ names }: Delivered): Generator<[Offer, Watch], void, void> {
    for (const name of [undefined, ...names]) yield* this.#offers.get(name) ?? []
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    for (let one = this.#arrived.shift(); one; one = this.#arrived.shift()) {
      const arrived = one
      const message = one.isGone ? undefined : this.#index.current(one.message)
      if (!message) continue
      const offerToAll = (): Promise<void> => this.#offer(arrived, message)
      const readsHeader = Array.from(this.#offersFor(one)).some(([, watch]) => watch.readsHeader)
      // If it cannot be opened, each of them fails for the same reason.
      await (readsHeader ? this.#reader.use(message, offerToAll).catch(offerToAll) : offerToAll())
    }
    this.#isRunning = false
  }

  async #offer(arrived: Delivered, message: IndexedMessage): Promise<void> {
    for (const [offer] of this.#offersFor(arrived)) {
      await offer(message)
      if (isSliceOver()) await nextSlice()
    }
  }
}
