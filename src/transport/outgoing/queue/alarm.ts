import type { Clock } from '../../../core/time/clock.ts'
import { clearTimeout, setTimeout } from '../../../core/time/real-timers.ts'

/** Shortest time between two calls for a time in the future. */
const MIN_MS = 20
/** Longest time that a timer waits: the clock may stand still or be slow. */
const MAX_MS = 10 * 60_000

/** Calls a function at the earliest of the times that it is set to, by the clock of the lab. May call it too early. */
export class Alarm {
  readonly #clock: Clock
  readonly #ring: () => void
  #timer: NodeJS.Timeout | undefined
  #at = Number.POSITIVE_INFINITY

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock
    this.#ring = ring
  }

  /** @param at milliseconds since the epoch */
  set(at: number): void {
    if (at >= this.#at) return
    this.clear()
    this.#at = at
    const delayMs = at - this.#clock.now()
    this.#timer = setTimeout(this.#ring, delayMs <= 0 ? 0 : Math.min(MAX_MS, Math.max(MIN_MS, delayMs))).unref()
  }

  clear(): void {
    clearTimeout(this.#timer)
    this.#at = Number.POSITIVE_INFINITY
  }
}
