import type { LabChange } from '../api/lab.ts'

/** The changes of a running lab, for the parts that report them further. */
export class ChangeFeed {
  readonly #listeners = new Set<(change: LabChange) => void>()

  /** Calls `listener` for each change. Returns the function that removes the listener. */
  watch(listener: (change: LabChange) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Calls the listeners. */
  report(change: LabChange): void {
    for (const listener of this.#listeners) listener(change)
  }
}
