/** Lets one loop sleep until something has happened. A `wake` before `sleep` counts: then it returns immediately. */
export class Wakeup {
  #isAwake = false
  #resolve = (): void => {}

  readonly wake = (): void => {
    this.#isAwake = true
    this.#resolve()
  }

  /** Resolves after the next `wake`. */
  async sleep(): Promise<void> {
    if (!this.#isAwake)
      await new Promise<void>((resolve) => {
        this.#resolve = resolve
      })
    this.#isAwake = false
  }
}
