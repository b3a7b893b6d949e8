import { type Clock, systemClock } from '../common/clock.ts'
import { duration } from '../config/schema/values.ts'
import { Call } from './call.ts'

/** A lab's clock, which tests can move. It sets certificate dates, INTERNALDATE and trace fields; timeouts use real time. */
export class LabClock implements Clock {
  readonly #base: Clock
  readonly #listeners = new Set<() => Promise<void>>()
  #offsetMs = 0

  /** @param base the clock to which this one adds its offset */
  constructor(base: Clock = systemClock) {
    this.#base = base
  }

  /** Returns milliseconds since the epoch. */
  now(): number {
    return this.#base.now() + this.#offsetMs
  }

  /**
   * Moves to a moment and runs on from there. Resolves once the servers use the certificates that are valid then.
   * @throws TypeError if it is not a moment
   */
  async moveTo(moment: Date | string | number): Promise<void> {
    new Call('clock.moveTo', LabClock.prototype.moveTo).check('moment', moment, 'moment')
    await this.#set(new Date(moment).getTime() - this.#base.now())
  }

  /**
   * Moves forward by milliseconds, or by `30s`, `2h`, `40d`. Resolves once the servers use the certificates valid then.
   * @throws TypeError if it is not a duration
   */
  async advance(by: number | string): Promise<void> {
    new Call('clock.advance', LabClock.prototype.advance).check('duration', by, 'by')
    await this.#set(this.#offsetMs + duration.parse(by))
  }

  /** Returns to the present. */
  reset(): Promise<void> {
    return this.#set(0)
  }

  /** Calls `listener` after each move, which waits for it. Returns a function that ends the watch. */
  watch(listener: () => Promise<void>): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async #set(offsetMs: number): Promise<void> {
    this.#offsetMs = offsetMs
    await Promise.all([...this.#listeners].map((listener) => listener()))
  }
}
