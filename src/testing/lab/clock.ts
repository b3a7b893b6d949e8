import { duration } from '../../core/config/schema/values.ts'
import { type Clock, systemClock } from '../../core/time/clock.ts'
import { MovableClock } from '../../core/time/movable-clock.ts'
import { Call } from '../calls/call.ts'

/** A lab's clock, which tests can move. It sets certificate dates, INTERNALDATE and trace fields; timeouts use real time. */
export class LabClock implements Clock {
  readonly #clock: MovableClock

  /** @param base the clock to which this one adds its offset */
  constructor(base: Clock = systemClock) {
    this.#clock = base instanceof MovableClock ? base : new MovableClock(base)
  }

  /** Returns milliseconds since the epoch. */
  now(): number {
    return this.#clock.now()
  }

  /** Whether it stands still. */
  get isFrozen(): boolean {
    return this.#clock.isFrozen
  }

  /**
   * Moves to a moment and runs on from there, unless it is frozen. Resolves once the servers use the certificates that are
   * valid then.
   * @throws TypeError if it is not a moment
   */
  async moveTo(moment: Date | string | number): Promise<void> {
    new Call('clock.moveTo', LabClock.prototype.moveTo).check('moment', moment, 'moment')
    await this.#clock.set({ at: new Date(moment).getTime() })
  }

  /**
   * Moves forward by milliseconds, or by `30s`, `2h`, `40d`. Resolves once the servers use the certificates valid then.
   * @throws TypeError if it is not a duration
   */
  async advance(by: number | string): Promise<void> {
    new Call('clock.advance', LabClock.prototype.advance).check('duration', by, 'by')
    await this.#clock.set({ at: this.#clock.now() + duration.parse(by) })
  }

  /** Stops the clock at the time that it shows. `moveTo` and `advance` move it; `resume` and `reset` let it run again. */
  freeze(): Promise<void> {
    return this.#clock.set({ frozen: true })
  }

  /** Lets a frozen clock run on from the time that it shows. */
  resume(): Promise<void> {
    return this.#clock.set({ frozen: false })
  }

  /** Returns to the present. */
  reset(): Promise<void> {
    return this.#clock.reset()
  }

  /** Calls `listener` after each move, which waits for it. Returns a function that ends the watch. */
  watch(listener: () => Promise<void>): () => void {
    return this.#clock.watch(listener)
  }
}
