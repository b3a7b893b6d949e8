import { OwnValues, type SharedMap } from '../values/shared-values.ts'
import { type Clock, systemClock } from './clock.ts'

/** How far the clock was moved, and where it stands if it is stopped. In milliseconds. */
interface Position {
  readonly offsetMs: number
  readonly frozenAt?: number
}

const KEY = 'lab'

/** A clock that can be moved and stopped. It follows another one. */
export class MovableClock implements Clock {
  readonly #base: Clock
  readonly #listeners = new Set<() => Promise<void>>()
  #positions: SharedMap<Position> = new OwnValues().map('clock')
  #position: Position = { offsetMs: 0 }
  #unwatch = this.#positions.watch(({ value }) => this.#follow(value))
  /** Moves that are under way in this process. */
  #moves = 0
  #following: Promise<unknown> = Promise.resolve()
  #report: (error: Error) => void = () => {}

  /** @param base the clock to which this one adds its offset */
  constructor(base: Clock = systemClock) {
    this.#base = base
  }

  /**
   * Moves together with the clocks of other nodes. Each keeps the same distance to the clock of its machine.
   * @param report called when something could not follow a move by another node
   */
  share(positions: SharedMap<Position>, report: (error: Error) => void): void {
    this.#unwatch()
    this.#positions = positions
    this.#report = report
    this.#position = positions.get(KEY) ?? this.#position
    this.#unwatch = positions.watch(({ value }) => this.#follow(value))
  }

  /** Returns milliseconds since the epoch. */
  now(): number {
    return this.#position.frozenAt ?? this.#base.now() + this.#position.offsetMs
  }

  /** How far it is ahead of the clock that it follows, in milliseconds. */
  get offsetMs(): number {
    const { frozenAt, offsetMs } = this.#position
    return frozenAt === undefined ? offsetMs : frozenAt - this.#base.now()
  }

  get isFrozen(): boolean {
    return this.#position.frozenAt !== undefined
  }

  /** Calls `listener` after each move, which waits for it. Returns a function that ends the watch. */
  watch(listener: () => Promise<void>): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * Goes to a time. Resolves once everything in this process that depends on the time has followed.
   * @param at milliseconds since the epoch; default: the time that it shows
   */
  set({ at = this.now(), frozen = this.isFrozen }: { at?: number; frozen?: boolean }): Promise<void> {
    return this.#move({ offsetMs: at - this.#base.now(), ...(frozen ? { frozenAt: at } : {}) })
  }

  /** Returns to the time of the clock that it follows. */
  reset(): Promise<void> {
    return this.#move({ offsetMs: 0 })
  }

  async #move(position: Position): Promise<void> {
    this.#moves++
    try {
      await this.#positions.put(KEY, position)
      await this.#following
    } finally {
      this.#moves--
    }
  }

  #follow(position: Position = { offsetMs: 0 }): void {
    this.#position = position
    this.#following = Promise.all([...this.#listeners].map((listener) => listener()))
    this.#following.catch((error: Error) => {
      // The caller who moves the clock here gets the error.
      if (this.#moves === 0) this.#report(error)
    })
  }
}
