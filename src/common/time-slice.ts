/** How long a piece of work may run before it yields to other sessions. */
const SLICE_MS = 20

/** Interrupts long work at intervals, so that other sessions of this process are served in between. */
export class TimeSlice {
  /** Undefined until the first check of a slice. */
  #end: number | undefined

  isOver(): boolean {
    const now = performance.now()
    this.#end ??= now + SLICE_MS
    return now > this.#end
  }

  /** Lets pending events run, then starts the next slice. */
  async yield(): Promise<void> {
    await new Promise(setImmediate)
    this.#end = undefined
  }
}
