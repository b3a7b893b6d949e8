import { z } from 'zod'
import { coalesce } from '../../common/coalesce.ts'
import type { MessageStore } from '../../store/types.ts'

const delivery = z.object({
  /** Sent as `webhook-id`, the same in every attempt. */
  id: z.string(),
  url: z.string(),
  event: z.string(),
  body: z.string(),
  state: z.enum(['pending', 'delivered', 'failed']),
  /** Attempts that have ended. */
  attempts: z.number(),
  /** Milliseconds since the epoch, by the clock of the machine. */
  createdAt: z.number(),
  nextAttemptAt: z.number(),
  finishedAt: z.number().optional(),
  /** The answer to the last attempt. */
  status: z.number().optional(),
  error: z.string().optional(),
})

/** An event for one webhook. */
export type Delivery = z.output<typeof delivery>

/** The key of the ids of all pending deliveries, and the start of the key of each. */
const STATE_KEY = 'webhooks.pending'

/** Keeps pending deliveries in a store, so that they survive a restart if the store does. */
export class PendingDeliveries {
  readonly #store: MessageStore
  readonly #ids = new Set<string>()
  readonly #report: (error: Error) => void
  #written: Promise<void> = Promise.resolve()
  readonly #writeIds = coalesce(async () => {
    await this.#attempt(this.#store.setState(STATE_KEY, JSON.stringify([...this.#ids])))
  })

  /** @param report called when the store refuses a change; the deliveries continue in memory */
  constructor(store: MessageStore, report: (error: Error) => void) {
    this.#store = store
    this.#report = report
  }

  /** Returns the deliveries that an earlier process has left. */
  async load(): Promise<Delivery[]> {
    const ids = z.array(z.string()).parse(JSON.parse((await this.#store.getState(STATE_KEY)) ?? '[]'))
    const found: Delivery[] = []
    for (const id of ids) {
      const text = await this.#store.getState(`${STATE_KEY}.${id}`)
      if (text !== undefined) found.push(delivery.parse(JSON.parse(text)))
      this.#ids.add(id)
    }
    return found
  }

  put(one: Delivery): void {
    this.#ids.add(one.id)
    this.#write(one.id, JSON.stringify(one))
  }

  remove(id: string): void {
    this.#ids.delete(id)
    this.#write(id, undefined)
  }

  /** Resolves when everything is written. */
  get settled(): Promise<void> {
    return this.#written
  }

  #write(id: string, value: string | undefined): void {
    const written = this.#attempt(this.#store.setState(`${STATE_KEY}.${id}`, value))
    this.#written = Promise.all([this.#written, written]).then(() => {})
    this.#writeIds()
  }

  #attempt(write: Promise<void>): Promise<void> {
    return write.catch((error: Error) => this.#report(error))
  }
}
