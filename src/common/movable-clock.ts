import { type Clock, systemClock } from './clock.ts'

/** A clock that can be moved and stopped. It follows another one. */
export class MovableClock implements Clock {
  readonly #base: Clock
  readonly #listeners = new Set<() => Promise<void>>()
  #offsetMs = 0
  #frozenAt: number | undefined

  /** @param base the clock to which this one adds its offset */
  constructor(base: Clock = systemClock) {
    this.#base = base
  }

  /** Returns milliseconds since the epoch. */
  now(): number {
    return this.#frozenAt ?? this.#base.now() + this.#offsetMs
  }

  /** How far it is ahead of the clock that it follows, in milliseconds. */
  get offsetMs(): number {
    return this.now() - this.#base.now()
  }

  get isFrozen(): boolean {
    return this.#frozenAt !== undefined
  }

  /** Calls `listener` after each move, which waits for it. Returns a function that ends the watch. */
  watch(listener: () => Promise<void>): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * Goes to a time. Resolves once everything that depends on the time has followed.
   * @param at milliseconds since the epoch; default: the time that it shows
   */
  async set({ at = this.now(), frozen = this.isFrozen }: { at?: number; frozen?: boolean }): Promise<void> {
    this.#offsetMs = at - this.#base.now()
    this.#frozenAt = frozen ? at : undefined
    await this.#moved()
  }

  /** Returns to the time of the clock that it follows. */
  async reset(): Promise<void> {
    this.#offsetMs = 0
    this.#frozenAt = undefined
    await this.#moved()
  }

  async #moved(): Promise<void> {
    await Promise.all([...this.#listeners].map((listener) => listener()))
  }
}
