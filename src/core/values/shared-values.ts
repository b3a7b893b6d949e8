import { performance } from 'node:perf_hooks'

/** A change of a value. `value` is undefined if it was removed. */
export interface SharedChange<V> {
  readonly key: string
  readonly value: V | undefined
  readonly previous: V | undefined
}

export interface PutOptions {
  /** The value is forgotten after this time. Default: never. */
  readonly ttlMs?: number
}

/**
 * Values by key that all nodes of a lab share. Reading is synchronous: each node keeps them in memory. A write resolves once
 * the other nodes can read it, and this node has it. Values survive as JSON: an undefined property is lost.
 *
 * Writes throw what the values are kept in throws, such as the temporary error of a database that cannot be reached.
 */
export interface SharedMap<V> {
  readonly size: number
  get(key: string): V | undefined
  has(key: string): boolean
  /** In the order in which the keys were first written. */
  entries(): IterableIterator<[key: string, value: V]>
  values(): IterableIterator<V>
  put(key: string, value: V, options?: PutOptions): Promise<void>
  /** Puts a value if the key has none. Returns whether it did: of several nodes that claim a key, one does. */
  claim(key: string, value: V, options?: PutOptions): Promise<boolean>
  /** Adds to a number, which begins at 0. Returns the sum: no two calls for a key get the same. */
  add(this: SharedMap<number>, key: string, by: number): Promise<number>
  delete(key: string): Promise<void>
  clear(): Promise<void>
  /** Calls `listener` for each change, whichever node made it. Returns the function that removes the listener. */
  watch(listener: (change: SharedChange<V>) => void): () => void
}

/** The values of a lab that are neither mail nor certificates. */
export interface SharedValues extends AsyncDisposable {
  /** Whether other processes can have the same values. */
  readonly isShared: boolean
  /** Returns the values of one kind. Each call with a name returns the same. */
  map<V>(name: string): SharedMap<V>
  /**
   * Resolves once this node has everything that was written before the call, or if that cannot be read. Returns nothing to
   * wait for if it always has.
   */
  refresh(): Promise<void> | undefined
}

interface Known<V> {
  readonly value: V
  /** By `performance.now()`. */
  readonly expiresAt: number
}

/** The part of a map that a node keeps in memory. */
export class KnownValues<V> {
  readonly #known = new Map<string, Known<V>>()
  readonly #listeners = new Set<(change: SharedChange<V>) => void>()

  get size(): number {
    return this.#known.size
  }

  get(key: string): V | undefined {
    const found = this.#known.get(key)
    return found && found.expiresAt > performance.now() ? found.value : undefined
  }

  has(key: string): boolean {
    return this.get(key) !== undefined
  }

  *entries(): IterableIterator<[string, V]> {
    const now = performance.now()
    for (const [key, { value, expiresAt }] of this.#known) if (expiresAt > now) yield [key, value]
  }

  *values(): IterableIterator<V> {
    for (const [, value] of this.entries()) yield value
  }

  watch(listener: (change: SharedChange<V>) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Takes up a value, or its removal. */
  protected apply(key: string, value: V | undefined, ttlMs = Number.POSITIVE_INFINITY): void {
    const previous = this.get(key)
    if (value === undefined) this.#known.delete(key)
    else this.#known.set(key, { value, expiresAt: performance.now() + ttlMs })
    if (value === undefined && previous === undefined) return
    for (const listener of this.#listeners) listener({ key, value, previous })
  }

  /** Forgets values whose time is over. */
  protected forgetExpired(): void {
    const now = performance.now()
    for (const [key, { expiresAt }] of this.#known) if (expiresAt <= now) this.#known.delete(key)
  }
}

/** The values of a lab that is one process. They end with it. Every write has happened when the call returns. */
export class OwnValues implements SharedValues {
  readonly isShared = false
  readonly #maps = new Map<string, OwnMap<unknown>>()

  map<V>(name: string): SharedMap<V> {
    const known = this.#maps.get(name) ?? new OwnMap<unknown>()
    this.#maps.set(name, known)
    return known as OwnMap<V>
  }

  refresh(): undefined {}

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** Between two searches for values whose time is over, a map at least doubles. */
const MIN_SEARCHED = 1_000

class OwnMap<V> extends KnownValues<V> implements SharedMap<V> {
  #searchAt = MIN_SEARCHED

  async put(key: string, value: V, { ttlMs }: PutOptions = {}): Promise<void> {
    if (this.size >= this.#searchAt) {
      this.forgetExpired()
      this.#searchAt = Math.max(MIN_SEARCHED, 2 * this.size)
    }
    this.apply(key, value, ttlMs)
  }

  async claim(key: string, value: V, options?: PutOptions): Promise<boolean> {
    if (this.has(key)) return false
    await this.put(key, value, options)
    return true
  }

  async add(this: OwnMap<number>, key: string, by: number): Promise<number> {
    const sum = (this.get(key) ?? 0) + by
    this.apply(key, sum)
    return sum
  }

  async delete(key: string): Promise<void> {
    this.apply(key, undefined)
  }

  async clear(): Promise<void> {
    for (const [key] of [...this.entries()]) this.apply(key, undefined)
    this.forgetExpired()
  }
}
