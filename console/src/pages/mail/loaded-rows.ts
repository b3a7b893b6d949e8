/** Rows that stay loaded above and below the visible ones. */
const KEPT = 500
/** Beyond this many loaded rows, those far from the visible ones are dropped. */
const MAX_LOADED = 2_000

/**
 * The rows of a list, of which some are loaded. Rows are counted from the newest. Inside, they are kept from the oldest, so
 * that new messages change no position.
 */
export class LoadedRows<T extends { readonly id: string }> {
  #rows: (T | undefined)[] = []
  #positions = new Map<string, number>()

  get length(): number {
    return this.#rows.length
  }

  /** How many are loaded. */
  get loaded(): number {
    return this.#positions.size
  }

  has(id: string): boolean {
    return this.#positions.has(id)
  }

  at(row: number): T | undefined {
    return this.#rows[this.#rows.length - 1 - row]
  }

  /** Returns the row of a message; -1 if it is not loaded. */
  rowOf(id: string): number {
    const position = this.#positions.get(id)
    return position === undefined ? -1 : this.#rows.length - 1 - position
  }

  /** Returns whether some of `count` rows are not loaded. */
  hasGap(first: number, count: number): boolean {
    const end = Math.min(this.#rows.length, first + count)
    for (let row = first; row < end; row++) if (!this.at(row)) return true
    return false
  }

  /** Forgets all rows. The list has another length now. */
  reset(length: number): void {
    this.#rows = Array.from({ length })
    this.#positions = new Map()
  }

  /** Puts messages in place, from row `first` on. */
  put(first: number, items: readonly T[]): void {
    for (const [index, item] of items.entries()) {
      const position = this.#rows.length - 1 - first - index
      if (position < 0) return
      this.#rows[position] = item
      this.#positions.set(item.id, position)
    }
  }

  /** Puts a new message before all others. */
  unshift(message: T): void {
    this.#positions.set(message.id, this.#rows.push(message) - 1)
  }

  /** Changes a message, if it is loaded. */
  change(id: string, change: (item: T) => T): void {
    const position = this.#positions.get(id)
    const message = position === undefined ? undefined : this.#rows[position]
    if (message) this.#rows[position as number] = change(message)
  }

  /** Removes messages that are loaded. */
  remove(ids: ReadonlySet<string>): void {
    if (![...ids].some((id) => this.#positions.has(id))) return
    this.#rows = this.#rows.filter((one) => !one || !ids.has(one.id))
    this.#positions = new Map()
    for (const [position, one] of this.#rows.entries()) if (one) this.#positions.set(one.id, position)
  }

  /** Drops rows far from those between `first` and `last`, if many are loaded, but for those that `isKept` names. */
  trim(first: number, last: number, isKept: (id: string) => boolean): void {
    if (this.#positions.size <= MAX_LOADED) return
    for (const [id, position] of this.#positions) {
      const row = this.#rows.length - 1 - position
      if ((row >= first - KEPT && row <= last + KEPT) || isKept(id)) continue
      this.#rows[position] = undefined
      this.#positions.delete(id)
    }
  }
}
