import type { RootDatabase } from 'lmdb'
import { StoreError } from '../types.ts'
import { storeError } from './tables.ts'

export interface OperationTraits {
  /** Whether it needs a transaction of its own, and so sees the effects of all earlier operations. */
  readonly alone?: boolean
  /** Approximate size of what it writes. */
  readonly octets?: number
}

/** The changes of one LMDB transaction, shared by several operations. */
export interface Draft<Effect> {
  /** Grows with every write. */
  readonly writes: number
  /** Returns the effects to apply once the writes are on disk, and empties the list. */
  takeEffects(): readonly Effect[]
  /** Writes what the operations collected. */
  finish(): void
}

export interface CommitSteps<Effect, D extends Draft<Effect>> {
  /** Creates the draft of the next transaction. */
  readonly draft: () => D
  /** Called when a transaction is on disk, before its effects are applied. */
  readonly durable: () => void
  readonly apply: (effect: Effect) => void
  /** Reads the state in memory again. Called when it may differ from the disk, as after a failed flush. */
  readonly lost: () => void
}

export interface Operation<D> {
  readonly work: (draft: D) => unknown
  readonly alone: boolean
  readonly octets: number
  /** Whether it is the second attempt after an error `no-space`. */
  readonly isRetry?: boolean
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

export type Outcome<Effect> =
  | { readonly value: unknown; readonly effects: readonly Effect[] }
  | { readonly value?: never; readonly error: unknown }

/** Limits of a group, so that a transaction does not block the process for long. */
const MAX_GROUP_OPERATIONS = 500
const MAX_GROUP_OCTETS = 8 << 20

/**
 * Group commit: operations that arrive while the disk is busy share the next transaction and its flush. An operation's
 * promise resolves when the transaction is on disk and its effects are applied. Effects are applied in the order of the
 * operations.
 */
export class Commits<Effect, D extends Draft<Effect>> {
  readonly #env: RootDatabase
  readonly #draft: () => D
  readonly #apply: (effect: Effect) => void
  readonly #durable: () => void
  readonly #lost: () => void
  #waiting: Operation<D>[] = []
  #running: Promise<void> | undefined
  /** Whether the disk was full at the last transaction: see `#write`. */
  #isFull = false
  /** Whether the package still waits for the flush of a failed transaction. */
  #owesFlush = false
  /** Id of the LMDB transaction that the current commit wrote; 0 before it. */
  #writtenTransaction = 0
  /** Whether the state in memory may differ from the disk: see `#reload`. */
  #isStale = false

  constructor(env: RootDatabase, { draft, durable, apply, lost }: CommitSteps<Effect, D>) {
    this.#env = env
    this.#draft = draft
    this.#durable = durable
    this.#apply = apply
    this.#lost = lost
  }

  /**
   * Runs `work` within a transaction. It must do nothing but read and write the tables, because it is called again in
   * another transaction if the first one fails.
   * @throws StoreError `no-space`, `read-only`
   */
  run<T>(work: (draft: D) => T, { alone = false, octets = 0 }: OperationTraits = {}): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ work, alone, octets, resolve: resolve as (value: unknown) => void, reject })
      this.#running ??= this.#drain()
    })
  }

  /** Resolves when no operation is waiting and the tables can be closed. */
  async end(): Promise<void> {
    while (this.#running) await this.#running
    // The package would wait for ever without another transaction.
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
      if (size > 0 && (operation.alone || octets > MAX_GROUP_OCTETS || size >= MAX_GROUP_OPERATIONS)) break
      size++
      if (operation.alone) break
    }
    return this.#waiting.splice(0, size)
  }

  /** Commits the given group, or by default the operations that are waiting when the transaction begins. */
  async #commit(given?: readonly Operation<D>[]): Promise<void> {
    const obstacle = this.#reload()
    if (obstacle !== undefined) return rejectAll(given ?? this.#nextGroup(), obstacle)
    let group = given ?? []
    let outcomes: readonly Outcome<Effect>[]
    try {
      outcomes = await this.#write(() => {
        if (!given) group = this.#nextGroup()
        return this.#work(group)
      })
      this.#isFull = false
    } catch (error) {
      await this.#handleFailure(group, error)
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
      this.#abandon(group, error)
    }
  }

  /** Rejects operations of which nobody knows whether they are on disk. The state in memory may lack them. */
  #abandon(group: readonly Operation<D>[], cause: unknown): void {
    rejectAll(group, cause)
    this.#isStale = true
    this.#reload()
  }

  /** Reads the state in memory again if it is stale. Returns the error if that fails; the next transaction tries again. */
  #reload(): unknown {
    if (!this.#isStale) return undefined
    try {
      this.#lost()
      this.#isStale = false
      return undefined
    } catch (error) {
      return error
    }
  }

  async #handleFailure(group: readonly Operation<D>[], error: unknown): Promise<void> {
    const cause = await causeOf(error)
    // The transaction was written and its flush failed. It may be on disk, so it must not be written again.
    if (this.#writtenTransaction > 0 && lastTransaction(this.#env) >= this.#writtenTransaction) {
      this.#abandon(group, cause)
      return
    }
    this.#isFull = true
    await this.#commitEach(group, cause)
  }

  /** Commits each operation alone: one message may be too large for the free space while the others are not. */
  async #commitEach(group: readonly Operation<D>[], cause: unknown): Promise<void> {
    const [only] = group
    if (group.length > 1 || !only) {
      for (const operation of group) await this.#commit([operation])
    } else if (!only.isRetry && this.#freedSpace(cause)) await this.#commit([{ ...only, isRetry: true }])
    else only.reject(storeError(cause))
  }

  /**
   * Makes the pages of deleted messages usable after an error `no-space`. LMDB reuses the pages that a transaction freed
   * only when no reader sees the state before it, which takes two more transactions. Returns whether they succeeded.
   */
  #freedSpace(cause: unknown): boolean {
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
   * Writes a transaction. Another thread begins, writes and flushes it, and only `work` runs in this one, so that a slow
   * disk does not block the process. When the disk is full, everything runs in this thread, because the other one prints
   * every error.
   */
  async #write(work: () => readonly Outcome<Effect>[]): Promise<readonly Outcome<Effect>[]> {
    this.#writtenTransaction = 0
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
        // An operation that failed before it wrote anything does not affect the others. Otherwise all are rolled back.
        if (draft.writes !== before || !(error instanceof StoreError)) throw error
        return { error }
      }
    })
    draft.finish()
    this.#writtenTransaction = this.#env.getWriteTxnId()
    return outcomes
  }
}

function rejectAll<D>(group: readonly Operation<D>[], cause: unknown): void {
  for (const { reject } of group) reject(storeError(cause))
}

/** Returns the id of the last transaction that was written, flushed or not. */
const lastTransaction = (env: RootDatabase): number => (env.getStats() as { lastTxnId: number }).lastTxnId

/** Returns the error that caused the package's "Commit failed". */
async function causeOf(error: unknown): Promise<unknown> {
  const { commitError } = error as { commitError?: Promise<unknown> }
  return commitError
    ? commitError.then(
        () => error,
        (cause: unknown) => cause,
      )
    : error
}
