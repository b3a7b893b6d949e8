import type { RootDatabase, TransactionFlags } from 'lmdb'
import { StoreError } from '../errors.ts'
import { storeError } from './errors.ts'

/** The sum of LMDB’s flags ABORTABLE, SYNCHRONOUS_COMMIT and NO_SYNC_FLUSH: written in this turn, flushed by `sync`, which blocks nothing. */
const WRITE_NOW_FLUSH_LATER = 0x10003 as TransactionFlags
/** A group is cut here, so that it does not keep the process from other work for long. */
const GROUP_OPERATIONS = 500

/** What one transaction of LMDB is made of, for the operations that share it. */
export interface Draft<Effect> {
  /** Grows with every write. */
  readonly writes: number
  /** What is to be seen once the writes are on disk; empties the list. */
  takeEffects(): readonly Effect[]
  /** Writes what was gathered over the operations. */
  finish(): void
}

interface Operation<D> {
  readonly work: (draft: D) => unknown
  readonly alone: boolean
  /** It failed once for want of room. */
  readonly again?: boolean
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

type Outcome<Effect> =
  | { readonly value: unknown; readonly effects: readonly Effect[] }
  | { readonly value?: never; readonly error: unknown }

/**
 * Group commit: operations that come while the disk is busy share the next transaction, and its one flush. An
 * operation's promise resolves when the disk has it; effects are applied before that, in the order of the operations.
 */
export class Commits<Effect, D extends Draft<Effect>> {
  readonly #env: RootDatabase
  readonly #draft: () => D
  readonly #apply: (effect: Effect) => void
  readonly #lost: () => void
  #waiting: Operation<D>[] = []
  #running: Promise<void> | undefined
  #current: Promise<void> | undefined

  /** `lost` is called when a flush failed: nobody knows then which writes are there, what is in memory has to be read anew. */
  constructor(env: RootDatabase, draft: () => D, apply: (effect: Effect) => void, lost: () => void) {
    this.#env = env
    this.#draft = draft
    this.#apply = apply
    this.#lost = lost
  }

  /**
   * `work` reads and writes within the transaction. It may be called again in another transaction if the first one
   * fails, so it must do nothing else. `alone`: no other operation shares its transaction, so it sees all effects.
   * @throws StoreError `no-space`, `read-only`
   */
  run<T>(work: (draft: D) => T, alone = false): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ work, alone, resolve: resolve as (value: unknown) => void, reject })
      this.#running ??= this.#drain()
    })
  }

  /** Resolves when the transaction that is being written now is on disk, or was refused. */
  current(): Promise<void> {
    return this.#current ?? Promise.resolve()
  }

  /** Resolves when nothing is waiting any more. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running
  }

  async #drain(): Promise<void> {
    // What other connections ask for in this turn of the event loop still joins the group.
    await new Promise(setImmediate)
    while (this.#waiting.length > 0) {
      this.#current = this.#commit(this.#nextGroup())
      await this.#current
    }
    this.#current = undefined
    this.#running = undefined
  }

  #nextGroup(): Operation<D>[] {
    const size = this.#waiting.findIndex(({ alone }) => alone)
    const end = size === -1 ? GROUP_OPERATIONS : Math.max(1, size)
    return this.#waiting.splice(0, Math.min(end, GROUP_OPERATIONS))
  }

  async #commit(group: readonly Operation<D>[]): Promise<void> {
    let outcomes: readonly Outcome<Effect>[]
    try {
      outcomes = this.#write(group)
    } catch (error) {
      await this.#commitEach(group, error)
      return
    }
    try {
      await this.#flush()
    } catch (error) {
      for (const { reject } of group) reject(storeError(error))
      this.#lost()
      return
    }
    outcomes.forEach((outcome, i) => {
      if ('error' in outcome) group[i]?.reject(outcome.error)
      else {
        for (const effect of outcome.effects) this.#apply(effect)
        group[i]?.resolve(outcome.value)
      }
    })
  }

  /** One message may be too large for the room that is left while the others are not. */
  async #commitEach(group: readonly Operation<D>[], cause: unknown): Promise<void> {
    const [only] = group
    if (group.length > 1 || !only) {
      for (const operation of group) await this.#commit([operation])
    } else if (!only.again && (await this.#madeRoom(cause))) await this.#commit([{ ...only, again: true }])
    else only.reject(storeError(cause))
  }

  /** LMDB uses the pages that a transaction freed in the one after the next: where there was no room, two are made. */
  async #madeRoom(cause: unknown): Promise<boolean> {
    const known = storeError(cause)
    if (!(known instanceof StoreError) || known.code !== 'no-space') return false
    try {
      for (let turn = 0; turn < 2; turn++) {
        this.#env.transactionSync(() => this.#env.putSync('turn', Date.now()), WRITE_NOW_FLUSH_LATER)
        await this.#flush()
      }
      return true
    } catch {
      return false
    }
  }

  #write(group: readonly Operation<D>[]): readonly Outcome<Effect>[] {
    return this.#env.transactionSync(() => {
      const draft = this.#draft()
      const outcomes = group.map(({ work }): Outcome<Effect> => {
        const before = draft.writes
        try {
          return { value: work(draft), effects: draft.takeEffects() }
        } catch (error) {
          // Refused before it wrote anything: the others go on. Else the whole transaction is given up.
          if (draft.writes !== before || !(error instanceof StoreError)) throw error
          return { error }
        }
      })
      draft.finish()
      return outcomes
    }, WRITE_NOW_FLUSH_LATER)
  }

  #flush(): Promise<void> {
    return new Promise((resolve, reject) => {
      const env = this.#env as RootDatabase & { sync(done: (error?: Error) => void): void }
      env.sync((error) => (error ? reject(error) : resolve()))
    })
  }
}
