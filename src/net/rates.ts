import type { Clock } from '../core/time/clock.ts'
import { performance } from '../core/time/real-timers.ts'

/** A limit on how often something may happen. */
interface RateLimit {
  readonly count: number
  readonly perMs: number
}

/** Sources that are remembered at least before those are forgotten whose time is over. */
const MIN_SOURCES = 1_000

/** A moment by the lab's clock and by a clock that nobody can move. Both in milliseconds. */
interface Moment {
  readonly at: number
  readonly realAt: number
}

/**
 * Counts the events of each source in a sliding period. The period ends by the lab's clock or by real time, whichever comes
 * first, because the lab's clock can be stopped.
 */
export class Rates {
  readonly #clock: Clock
  /** The counted events of each source, oldest first: at most as many as its limit. */
  readonly #times = new Map<string, { readonly perMs: number; moments: Moment[] }>()
  #maxSources = MIN_SOURCES

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Counts one more. Returns false, and does not count it, if the source has reached its limit. */
  take(source: string, { count, perMs }: RateLimit): boolean {
    const now = { at: this.#clock.now(), realAt: performance.now() }
    if (this.#times.size >= this.#maxSources && !this.#times.has(source)) this.#forget(now)
    const moments = (this.#times.get(source)?.moments ?? []).filter((moment) => isWithin(moment, perMs, now))
    const isAllowed = moments.length < count
    if (isAllowed) moments.push(now)
    this.#times.set(source, { perMs, moments })
    return isAllowed
  }

  /** Forgets every source. */
  clear(): void {
    this.#times.clear()
  }

  #forget(now: Moment): void {
    for (const [source, { perMs, moments }] of this.#times) {
      if (!moments.some((moment) => isWithin(moment, perMs, now))) this.#times.delete(source)
    }
    this.#maxSources = Math.max(MIN_SOURCES, 2 * this.#times.size)
  }
}

/** A clock that was put back ends the time, too: it would otherwise last until the clock gets there again. */
const isWithin = ({ at, realAt }: Moment, perMs: number, now: Moment): boolean =>
  at <= now.at && now.at - at < perMs && now.realAt - realAt < perMs
