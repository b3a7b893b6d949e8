import { type Clock, systemClock } from '../common/clock.ts'
import { duration } from '../config/schema/values.ts'

/** The lab's clock, which test code moves: dates of certificates, INTERNALDATE, trace fields. Time-outs stay on real time. */
export class LabClock implements Clock {
  readonly #base: Clock
  readonly #listeners = new Set<() => Promise<void>>()
  #offsetMs = 0

  /** @param base the clock that this one runs with */
  constructor(base: Clock = systemClock) {
    this.#base = base
  }

  /** Milliseconds since the epoch. */
  now(): number {
    return this.#base.now() + this.#offsetMs
  }

  /** Goes on from this moment. Resolves once the lab wears what is right then. */
  moveTo(moment: Date | string | number): Promise<void> {
    const at = new Date(moment).getTime()
    if (Number.isNaN(at)) throw new Error(`${moment} is no moment; write a Date, or text as 2030-01-01T12:00:00Z`)
    return this.#set(at - this.#base.now())
  }

  /** Moves on by milliseconds, or by `30s`, `2h`, `40d`. Resolves once the lab wears what is right then. */
  advance(by: number | string): Promise<void> {
    return this.#set(this.#offsetMs + duration.parse(by))
  }

  /** Back to the time that it is. */
  reset(): Promise<void> {
    return this.#set(0)
  }

  /** Calls `listener` after each move, which waits for it. Returns the function that ends it. */
  watch(listener: () => Promise<void>): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async #set(offsetMs: number): Promise<void> {
    this.#offsetMs = offsetMs
    await Promise.all([...this.#listeners].map((listener) => listener()))
  }
}
