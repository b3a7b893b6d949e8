import { isSliceOver, nextSlice } from '../../core/time/time-slice.ts'
import type { MessageReader } from './message-facts.ts'
import type { IndexedMessage, MessageIndex } from './message-index.ts'

/** Gets each message that arrives. Resolves when it may get the next one. Never rejects. */
type Offer = (message: IndexedMessage) => Promise<void>

/**
 * The messages that arrive, offered to all who wait, one message after the other: so that what one of them reads is read
 * once for all, and that their number does not multiply the messages in memory.
 */
export class Arrivals {
  readonly #index: MessageIndex
  readonly #reader: MessageReader
  /** Whether each reads headers, which are not kept. */
  readonly #offers = new Map<Offer, boolean>()
  #arrived: IndexedMessage[] = []
  #isRunning = false
  #unwatch: (() => void) | undefined

  constructor(index: MessageIndex, reader: MessageReader) {
    this.#index = index
    this.#reader = reader
  }

  /** Offers the messages that arrive from now on. Returns the function that ends this. @param readsHeader whether their headers are read */
  watch(offer: Offer, readsHeader: boolean): () => void {
    this.#offers.set(offer, readsHeader)
    this.#unwatch ??= this.#index.watch(({ type, message }) => {
      if (type !== 'added') return
      this.#arrived.push(message)
      if (!this.#isRunning) void this.#run()
    })
    return () => {
      this.#offers.delete(offer)
      if (this.#offers.size > 0) return
      this.#unwatch?.()
      this.#unwatch = undefined
      this.#arrived = []
    }
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    for (let message = this.#arrived.shift(); message; message = this.#arrived.shift()) {
      const arrived = message
      const offerToAll = (): Promise<void> => this.#offer(arrived)
      const readsHeader = [...this.#offers.values()].includes(true)
      // If it cannot be opened, each of them fails for the same reason.
      await (readsHeader ? this.#reader.use(arrived, offerToAll).catch(offerToAll) : offerToAll())
    }
    this.#isRunning = false
  }

  async #offer(message: IndexedMessage): Promise<void> {
    for (const offer of this.#offers.keys()) {
      await offer(message)
      if (isSliceOver()) await nextSlice()
    }
  }
}
