import { z } from 'zod'
import type { MessageStore } from '../../storage/store/types.ts'
import type { ValueSpace } from '../../storage/store/value-types.ts'

const delivery = z.object({
  /** Sent as `webhook-id`, the same in every attempt. */
  id: z.string(),
  url: z.string(),
  event: z.string(),
  body: z.string(),
  /** How `body` is written. Absent: as it is sent. */
  encoding: z.literal('base64').optional(),
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
  /** The provider whose event it is, with its virtual server: several can send to one URL. Absent: an event of the lab. */
  source: z.string().optional(),
  /** Header fields of the provider. */
  headers: z.record(z.string(), z.string()).optional(),
  /** The signature. Default: that of Standard Webhooks. svix: the same in the fields of Svix. */
  sign: z.enum(['svix', 'none']).optional(),
})

/** An event for one webhook. */
export type Delivery = z.output<typeof delivery>

const SPACE: ValueSpace = { kind: 'webhook' }

/** Keeps pending deliveries in a store, so that they survive a restart if the store does, and other nodes can send them. */
export class PendingDeliveries {
  readonly #store: MessageStore
  readonly #report: (error: Error) => void
  #written: Promise<void> = Promise.resolve()

  /** @param report called when the store refuses a change; the deliveries continue in memory */
  constructor(store: MessageStore, report: (error: Error) => void) {
    this.#store = store
    this.#report = report
  }

  /** Returns the deliveries that wait, the oldest first. @throws StoreError */
  async load(): Promise<Delivery[]> {
    const values = await this.#store.values(SPACE)
    const found = Array.from(values.values(), (value) => delivery.parse(JSON.parse(value.toString())))
    return found.sort((a, b) => a.createdAt - b.createdAt)
  }

  /** Writes a delivery. Resolves when the store has it, or has refused it. */
  put(one: Delivery): Promise<void> {
    return this.#write(one.id, Buffer.from(JSON.stringify(one)))
  }

  remove(id: string): void {
    void this.#write(id, undefined)
  }

  /** Resolves when everything is written. */
  get settled(): Promise<void> {
    return this.#written
  }

  #write(id: string, value: Buffer | undefined): Promise<void> {
    // One after the other, so that the last state of a delivery is the one that stays.
    this.#written = this.#written
      .then(() => this.#store.changeValues({ ...SPACE, names: [id] }, () => new Map([[id, value]])))
      .catch((error: Error) => this.#report(error))
    return this.#written
  }
}
