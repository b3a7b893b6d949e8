/** Runs tasks one after the other, in the order of their calls. */
export class OneAtATime {
  #last: Promise<unknown> = Promise.resolve()

  /** Runs a task after all earlier ones. @throws what the task throws; the next task runs even so */
  run<T>(task: () => T | Promise<T>): Promise<T> {
    const result = this.#last.then(task)
    // The caller gets the error.
    this.#last = result.catch(() => {})
    return result
  }
}
