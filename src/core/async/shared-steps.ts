import type { Steps } from '../time/time-slice.ts'

/** Steps that several sessions may need at the same time. They are done once: whichever session has a slice continues them. */
export class SharedSteps<Key> {
  /** Begins steps, or joins those that another session has begun under the same key. */
  *run(key: Key, begin: () => Steps<void>): Steps<void> {
    const running = this.#running.get(key)?.deref() ?? { steps: begin(), isDone: false }
    this.#running.set(key, new WeakRef(running))
    while (!running.isDone) {
      running.isDone = running.steps.next().done === true
      if (!running.isDone) yield
    }
    this.#running.delete(key)
  }

  /** Weak, so that steps that every session has left are not kept. */
  readonly #running = new Map<Key, WeakRef<Running>>()
}

interface Running {
  readonly steps: Steps<void>
  isDone: boolean
}
