/** Something that is listed under names, until it is gone. */
interface Listed {
  readonly names: readonly string[]
  /** Set before `lose`. */
  readonly isGone: boolean
}

/** A place in a list. */
interface ListPosition {
  generation: number
  next: number
}

/**
 * A list in order of arrival. Readers skip the first items that are of no use to them any more: a wait on the next of ten
 * thousand messages to one recipient takes no longer than on the first.
 */
class NamedList<T extends Listed> {
  #items: T[] = []
  #gone = 0
  /** Counts how often positions have changed. */
  #generation = 0
  readonly #positions = new WeakMap<object, ListPosition>()

  add(item: T): void {
    this.#items.push(item)
  }

  /** Counts an item that is gone. Returns whether others are left. */
  lose(): boolean {
    this.#gone++
    if (this.#gone > this.#items.length / 2) {
      this.#items = this.#items.filter(({ isGone }) => !isGone)
      this.#gone = 0
      this.#generation++
    }
    return this.#items.length > 0
  }

  *unread(reader: object | undefined, isUseless: (item: T) => boolean): Generator<T> {
    const position = this.#positionOf(reader)
    if (position.generation !== this.#generation) Object.assign(position, { generation: this.#generation, next: 0 })
    const isSkipped = (item: T): boolean => item.isGone || isUseless(item)
    for (let first = this.#items[position.next]; first && isSkipped(first); first = this.#items[position.next])
      position.next++
    let items = this.#items
    for (let at = position.next; ; at++) {
      // A list that was cut begins again, so that no item is left out.
      if (items !== this.#items) [items, at] = [this.#items, 0]
      const item = items[at]
      if (!item) return
      if (!isSkipped(item)) yield item
    }
  }

  #positionOf(reader: object | undefined): ListPosition {
    const position = (reader === undefined ? undefined : this.#positions.get(reader)) ?? { generation: 0, next: 0 }
    if (reader !== undefined) this.#positions.set(reader, position)
    return position
  }
}

/** Lists of items by name, such as messages by recipient, for waits: a wait looks only at the items of its name. */
export class NamedLists<T extends Listed> {
  readonly #all = new NamedList<T>()
  readonly #byName = new Map<string, NamedList<T>>()
  /** The listeners for one name, and those for all by undefined. */
  readonly #listeners = new Map<string | undefined, Set<(item: T) => void>>()

  /** Adds an item at the end, and tells those who watch its names. */
  add(item: T): void {
    this.#all.add(item)
    for (const name of item.names) {
      const list = this.#byName.get(name) ?? new NamedList<T>()
      list.add(item)
      this.#byName.set(name, list)
    }
    for (const name of [undefined, ...item.names])
      for (const listener of [...(this.#listeners.get(name) ?? [])]) listener(item)
  }

  /** Removes an item that is gone. */
  lose({ names }: T): void {
    this.#all.lose()
    for (const name of names) if (!this.#byName.get(name)?.lose()) this.#byName.delete(name)
  }

  /**
   * Returns the items of a name, or all for undefined, that are there and not useless, the oldest first. Those that arrive
   * meanwhile come last. Items can come twice.
   * @param reader stands for those to whom a useless item stays useless: its place behind the first ones is kept. Undefined:
   * none is kept
   */
  *unread(name: string | undefined, reader: object | undefined, isUseless: (item: T) => boolean): Generator<T> {
    let list: NamedList<T> | undefined
    // An empty list is replaced by another one when something arrives.
    for (let next = this.#listOf(name); next && next !== list; next = this.#listOf(name)) {
      list = next
      yield* list.unread(reader, isUseless)
    }
  }

  #listOf(name: string | undefined): NamedList<T> | undefined {
    return name === undefined ? this.#all : this.#byName.get(name)
  }

  /** Calls `listener` for each further item of a name, or for all. Returns the function that ends the watch. */
  watch(name: string | undefined, listener: (item: T) => void): () => void {
    const others = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, others.add(listener))
    return () => {
      others.delete(listener)
      if (others.size === 0 && this.#listeners.get(name) === others) this.#listeners.delete(name)
    }
  }
}
