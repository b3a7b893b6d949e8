import type { Unsubscribe } from '../api/lab.ts'
import type { Clock } from '../core/time/clock.ts'

/** The oldest are deleted first. */
const MAX_KEPT = 1000

/** The one-click unsubscribes that arrived at links of the lab, in memory. */
export class Unsubscribes {
  readonly #clock: Clock
  #kept: Unsubscribe[] = []
  #lastId = 0
  readonly #listeners = new Set<(one: Unsubscribe) => void>()

  constructor({ clock }: { readonly clock: Clock }) {
    this.#clock = clock
  }

  /** Returns those that are kept, the oldest first. */
  list(): readonly Unsubscribe[] {
    return this.#kept
  }

  add(facts: Omit<Unsubscribe, 'id' | 'at'>): void {
    const one = { id: String(++this.#lastId), at: this.#clock.now(), ...facts }
    this.#kept = [...this.#kept.slice(1 - MAX_KEPT), one]
    for (const listener of this.#listeners) listener(one)
  }

  /** Calls `listener` for each further one. Returns the function that removes the listener. */
  watch(listener: (one: Unsubscribe) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  clear(): void {
    this.#kept = []
  }
}
