import { OneAtATime } from '../core/async/one-at-a-time.ts'

/** Thrown when a stopped lab is asked to change. */
export class LabStopped extends Error {
  override readonly name = 'LabStopped'
  constructor() {
    super('the lab is stopped')
  }
}

/** Runs the changes of a lab one at a time, and refuses new ones once the lab stops. */
export class ChangeQueue {
  readonly #tasks = new OneAtATime()
  #closed = false

  /** Runs a change after all earlier ones. @throws what the change throws; LabStopped if the lab stops before its turn */
  run<T>(change: () => Promise<T>): Promise<T> {
    return this.#tasks.run(() => {
      if (this.#closed) throw new LabStopped()
      return change()
    })
  }

  /** Refuses further changes. Resolves when the current one has finished. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#tasks.run(() => {})
  }
}
