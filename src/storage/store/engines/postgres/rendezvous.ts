import { Wakeup } from '../../../../core/async/wakeup.ts'

/** Passes items from one asynchronous function to a loop in another, without a buffer: `put` waits until the loop asks. */
export class Rendezvous<Item> {
  readonly #waiting: { readonly item: Item; readonly taken: () => void; readonly refused: (error: Error) => void }[] =
    []
  #isEnded = false
  #isAbandoned = false
  #error: { readonly cause: unknown } | undefined
  readonly #wakeup = new Wakeup()

  /** Resolves when the loop asks for what comes next. @throws Error if the loop has ended */
  put(item: Item): Promise<void> {
    if (this.#isAbandoned) return Promise.reject(new Error('the reader has ended'))
    return new Promise((taken, refused) => {
      this.#waiting.push({ item, taken, refused })
      this.#wakeup.wake()
    })
  }

  end(): void {
    this.#isEnded = true
    this.#wakeup.wake()
  }

  fail(cause: unknown): void {
    this.#error = { cause }
    this.#wakeup.wake()
  }

  /** Ends the loop from its side. */
  abandon(): void {
    this.#isAbandoned = true
    for (const { refused } of this.#waiting.splice(0)) refused(new Error('the reader has ended'))
  }

  async *items(): AsyncGenerator<Item, void, void> {
    while (true) {
      const next = this.#waiting[0]
      if (next) {
        yield next.item
        this.#waiting.shift()
        next.taken()
      } else if (this.#error) throw this.#error.cause
      else if (this.#isEnded) return
      else await this.#wakeup.sleep()
    }
  }
}
