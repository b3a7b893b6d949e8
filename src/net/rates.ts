import type { Clock } from '../common/clock.ts'

/** A limit on how often something may happen. */
export interface RateLimit {
  readonly count: number
  readonly perMs: number
}

/** Sources that are remembered at least before those are forgotten whose time is over. */
const MIN_SOURCES = 1_000

/** Counts what clients do in the last minute, hour or other time of the lab's clock. */
export class Rates {
  readonly #clock: Clock
  /** When each source used its share, oldest first: at most as often as it may. */
  readonly #times = new Map<string, { readonly perMs: number; at: number[] }>()
  #maxSources = MIN_SOURCES

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Counts one more. Returns false, and does not count it, if the source has used its share. */
  take(source: string, { count, perMs }: RateLimit): boolean {
    const now = this.#clock.now()
    if (this.#times.size >= this.#maxSources && !this.#times.has(source)) this.#forget(now)
    const at = (this.#times.get(source)?.at ?? []).filter((time) => isWithin(time, perMs, now))
    const isAllowed = at.length < count
    if (isAllowed) at.push(now)
    this.#times.set(source, { perMs, at })
    return isAllowed
  }

  /** Forgets every source. */
  clear(): void {
    this.#times.clear()
  }

  #forget(now: number): void {
    for (const [source, { perMs, at }] of this.#times) {
      if (!at.some((time) => isWithin(time, perMs, now))) this.#times.delete(source)
    }
    this.#maxSources = Math.max(MIN_SOURCES, 2 * this.#times.size)
  }
}

/** A clock that was put back ends the time, too: it would otherwise last until the clock gets there again. */
const isWithin = (time: number, perMs: number, now: number): boolean => time <= now && now - time < perMs
