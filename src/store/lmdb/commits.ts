import type { RootDatabase } from 'lmdb'
import { StoreError } from '../types.ts'
import { storeError } from './tables.ts'

export interface OperationTraits {
  /** No other operation shares its transaction, so it sees all effects. */
  readonly alone?: boolean
  /** About what it writes. */
  readonly octets?: number
}

/** What one transaction of LMDB is made of, for the operations that share it. */
export interface Draft<Effect> {
  /** Grows with every write. */
  readonly writes: number
  /** What is to be seen once the writes are on disk; empties the list. */
  takeEffects(): readonly Effect[]
  /** Writes what was gathered over the operations. */
  finish(): void
}

export interface CommitSteps<Effect, D extends Draft<Effect>> {
  /** A draft for the next transaction. */
  readonly draft: () => D
  /** A transaction is on disk; its effects follow. */
  readonly durable: () => void
  readonly apply: (effect: Effect) => void
  /** Nobody knows which writes are there, as after a flush that failed: what is in memory is to be read anew. */
  readonly lost: () => void
}

export interface Operation<D> {
  readonly work: (draft: D) => unknown
  readonly alone: boolean
  readonly octets: number
  /** It failed once for want of room. */
  readonly again?: boolean
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

export type Outcome<Effect> =
  | { readonly value: unknown; readonly effects: readonly Effect[] }
  | { readonly value?: never; readonly error: unknown }

/** A group is cut here, so that it does not keep the process from other work for long. */
const GROUP_OPERATIONS = 500
const GROUP_OCTETS = 8 << 20

/**
 * Group commit: operations that come while the disk is busy share the next transaction, and its one flush. An
 * operation's promise resolves when the disk has it; effects are applied before that, in the order of the operations.
 */
export class Commits<Effect, D extends Draft<Effect>> {
  readonly #env: RootDatabase
  readonly #draft: () => D
  readonly #apply: (effect: Effect) => void
  readonly #durable: () => void
  readonly #lost: () => void
  #waiting: Operation<D>[] = []
  #running: Promise<void> | undefined
  /** The last transaction found no room: see `#write`. */
  #isFull = false
  /** The package still waits for the flush of a transaction that failed. */
  #owesFlush = false
  #lastWritten = 0
  /** What is in memory may not be what is on disk: see `#catchUp`. */
  #isBehind = false

  constructor(env: RootDatabase, { draft, durable, apply, lost }: CommitSteps<Effect, D>) {
    this.#env = env
    this.#draft = draft
    this.#durable = durable
    this.#apply = apply
    this.#lost = lost
  }

  /**
   * `work` reads and writes within the transaction. It may be called again in another transaction if the first one
   * fails, so it must do nothing else.
   * @throws StoreError `no-space`, `read-only`
   */
  run<T>(work: (draft: D) => T, { alone = false, octets = 0 }: OperationTraits = {}): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ work, alone, octets, resolve: resolve as (value: unknown) => void, reject })
      this.#running ??= this.#drain()
    })
  }

  /** Resolves when nothing is waiting any more, and the tables can be closed. */
  async end(): Promise<void> {
    while (this.#running) await this.#running
    // It would do so for ever, unless another one follows.
    if (this.#owesFlush) await this.#env.childTransaction(() => {})
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      if (this.#isFull) await this.#commit(this.#nextGroup())
      else await this.#commit()
    }
    this.#running = undefined
  }

  #nextGroup(): Operation<D>[] {
    let octets = 0
    let size = 0
    for (const operation of this.#waiting) {
      octets += operation.octets
      if (size > 0 && (operation.alone || octets > GROUP_OCTETS || size >= GROUP_OPERATIONS)) break
      size++
      if (operation.alone) break
    }
    return this.#waiting.splice(0, size)
  }

  /** Without a group: of those who wait, as many as may share it, once the transaction has begun. */
  async #commit(given?: readonly Operation<D>[]): Promise<void> {
    const hindrance = this.#catchUp()
    if (hindrance !== undefined) return rejectAll(given ?? this.#nextGroup(), hindrance)
    let group = given ?? []
    let outcomes: readonly Outcome<Effect>[]
    try {
      outcomes = await this.#write(() => {
        if (!given) group = this.#nextGroup()
        return this.#work(group)
      })
      this.#isFull = false
    } catch (error) {
      await this.#refused(group, error)
      return
    }
    try {
      this.#durable()
      outcomes.forEach((outcome, i) => {
        if ('error' in outcome) group[i]?.reject(outcome.error)
        else {
          for (const effect of outcome.effects) this.#apply(effect)
          group[i]?.resolve(outcome.value)
        }
      })
    } catch (error) {
      this.#forsake(group, error)
    }
  }

  /** They may be on disk, but not in what is in memory. */
  #forsake(group: readonly Operation<D>[], cause: unknown): void {
    rejectAll(group, cause)
    this.#isBehind = true
    this.#catchUp()
  }

  /** Reads anew what is in memory where it may be wrong, now or before the next transaction. Returns what forbids it. */
  #catchUp(): unknown {
    if (!this.#isBehind) return undefined
    try {
      this.#lost()
      this.#isBehind = false
      return undefined
    } catch (error) {
      return error
    }
  }

  async #refused(group: readonly Operation<D>[], error: unknown): Promise<void> {
    const cause = await causeOf(error)
    // Written, and then the flush failed: nobody knows what is on disk, and it must not be written twice.
    if (this.#lastWritten > 0 && lastTransaction(this.#env) >= this.#lastWritten) {
      this.#forsake(group, cause)
      return
    }
    this.#isFull = true
    await this.#commitEach(group, cause)
  }

  /** One message may be too large for the room that is left while the others are not. */
  async #commitEach(group: readonly Operation<D>[], cause: unknown): Promise<void> {
    const [only] = group
    if (group.length > 1 || !only) {
      for (const operation of group) await this.#commit([operation])
    } else if (!only.again && this.#madeRoom(cause)) await this.#commit([{ ...only, again: true }])
    else only.reject(storeError(cause))
  }

  /** LMDB uses the pages that a transaction freed once nobody looks at what was before it: where there was no room, two are made. */
  #madeRoom(cause: unknown): boolean {
    const known = storeError(cause)
    if (!(known instanceof StoreError) || known.code !== 'no-space') return false
    try {
      for (let turn = 0; turn < 2; turn++) {
        this.#env.transactionSync(() => this.#env.putSync('turn', Date.now()))
        this.#durable()
      }
      return true
    } catch {
      return false
    }
  }

  /**
   * Another thread begins, writes and flushes the transaction, so the disk keeps nobody waiting but those who wait for
   * it; only `work` is done in this one. That other thread makes noise about a disk that is full: then it is done here.
   */
  async #write(work: () => readonly Outcome<Effect>[]): Promise<readonly Outcome<Effect>[]> {
    this.#lastWritten = 0
    if (this.#isFull) return this.#env.transactionSync(work)
    this.#owesFlush = true
    const outcomes = await this.#env.childTransaction(work)
    this.#owesFlush = false
    return outcomes
  }

  #work(group: readonly Operation<D>[]): readonly Outcome<Effect>[] {
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
    this.#lastWritten = this.#env.getWriteTxnId()
    return outcomes
  }
}

function rejectAll<D>(group: readonly Operation<D>[], cause: unknown): void {
  for (const { reject } of group) reject(storeError(cause))
}

/** The number of the last transaction that was written, flushed or not. */
const lastTransaction = (env: RootDatabase): number => (env.getStats() as { lastTxnId: number }).lastTxnId

/** What lies behind the package's "Commit failed". */
async function causeOf(error: unknown): Promise<unknown> {
  const { commitError } = error as { commitError?: Promise<unknown> }
  return commitError
    ? commitError.then(
        () => error,
        (cause: unknown) => cause,
      )
    : error
}
