/** Whoever has much to do lets others in after so long. */
const SLICE_MS = 20

/** Tells a long piece of work when it has had its slice of time, and lets the others of this process in. */
export class TimeSlice {
  /** Undefined: the slice begins with the next look at the time. */
  #end: number | undefined

  isOver(): boolean {
    const now = performance.now()
    this.#end ??= now + SLICE_MS
    return now > this.#end
  }

  /** Others are let in; the next slice begins. */
  async yield(): Promise<void> {
    await new Promise(setImmediate)
    this.#end = undefined
  }
}
