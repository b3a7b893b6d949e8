/** The flags that the messages of a folder have, kept up to date by telling it of each message's flags as they come and go. */
export class FlagsInUse {
  /** How many messages have a combination. Equal combinations are one array nearly always: see `FlagTable`. */
  readonly #holders = new Map<readonly string[], number>()
  #all: readonly string[] | undefined

  /** Each flag once. A new array whenever there are others. */
  get all(): readonly string[] {
    return (this.#all ??= [...new Set([...this.#holders.keys()].flat())])
  }

  add(flags: readonly string[]): void {
    const holders = this.#holders.get(flags) ?? 0
    this.#holders.set(flags, holders + 1)
    if (holders === 0) this.#all = undefined
  }

  remove(flags: readonly string[]): void {
    const holders = this.#holders.get(flags) ?? 0
    if (holders > 1) this.#holders.set(flags, holders - 1)
    else {
      this.#holders.delete(flags)
      this.#all = undefined
    }
  }
}
