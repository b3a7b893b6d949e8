/** The lab has ended: nothing can be changed any more. */
export class LabStopped extends Error {
  override readonly name = 'LabStopped'
  constructor() {
    super('the lab is stopped')
  }
}

/** Changes of a running lab: one after the other, and none once it has begun to end. */
export class Changes {
  #last: Promise<unknown> = Promise.resolve()
  #closed = false

  /** @throws what the change throws; LabStopped where its turn did not come before the end */
  make<T>(change: () => Promise<T>): Promise<T> {
    const made = this.#last.then(() => {
      if (this.#closed) throw new LabStopped()
      return change()
    })
    // Whoever asked for it is told what became of it; the next one does not care.
    this.#last = made.catch(() => {})
    return made
  }

  /** Makes no more. Resolves when the one that is being made is done. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#last
  }
}
