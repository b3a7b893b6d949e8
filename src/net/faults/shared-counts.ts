import { setImmediate } from '../../core/time/real-timers.ts'
import type { SharedMap } from '../../core/values/shared-values.ts'

/** How often faults are due in a lab of several nodes: a fault with `times: 3` happens three times in the whole lab. */
export class SharedCounts {
  readonly #counts: SharedMap<number>
  /** Counts that are not written yet, by key. */
  readonly #later = new Map<string, number>()
  #writing: Promise<void> | undefined

  constructor(counts: SharedMap<number>) {
    this.#counts = counts
  }

  /** Returns a count as this node knows it. */
  get(key: string): number {
    return (this.#counts.get(key) ?? 0) + (this.#later.get(key) ?? 0)
  }

  /** Counts one more. Returns the count; undefined if the database cannot be reached. */
  async next(key: string): Promise<number | undefined> {
    try {
      return await this.#counts.add(key, 1)
    } catch {
      // Without the database the lab refuses what clients ask for anyway, so a fault that needs a count does not happen.
      return undefined
    }
  }

  /** Counts one more soon. What is counted meanwhile is written together. */
  addLater(key: string): void {
    this.#later.set(key, (this.#later.get(key) ?? 0) + 1)
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined
    })
  }

  /** Forgets a count. */
  async delete(key: string): Promise<void> {
    this.#later.delete(key)
    await this.#counts.delete(key)
  }

  /** Forgets all counts. */
  async clear(): Promise<void> {
    this.#later.clear()
    await this.#counts.clear()
  }

  async #write(): Promise<void> {
    // The session goes on first.
    await new Promise((resolve) => setImmediate(resolve))
    for (;;) {
      const [first] = this.#later
      if (!first) return
      const [key, by] = first
      const sum = await this.#counts.add(key, by).catch(() => undefined)
      // It is tried again with the next hit.
      if (sum === undefined) return
      const left = (this.#later.get(key) ?? by) - by
      if (left > 0) this.#later.set(key, left)
      else this.#later.delete(key)
    }
  }
}
