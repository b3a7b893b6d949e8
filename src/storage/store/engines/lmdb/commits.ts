import type { RootDatabase } from 'lmdb'
import type { Arrivals } from '../../../../core/time/arrivals.ts'
import { performance, setImmediate } from '../../../../core/time/real-timers.ts'
import { StoreError } from '../../errors.ts'
import type { Purpose, Space } from './space.ts'
import { nativeOf } from './tables.ts'
import { type Writes, writeAll } from './writes.ts'

export interface OperationTraits {
  /** Whether it runs alone in its transaction, and so sees the effects of all earlier operations. */
  readonly alone?: boolean
  /** Approximate number of octets that it writes. */
  readonly octets?: number
  /** How many of these stay in the store. Only a store with a size limit counts them. */
  readonly kept?: number
  /** Its use of space, which decides whether it may run on a full disk. Default: `changes`. */
  readonly purpose?: Purpose
  /** Whether it works on a change set whose writes cannot be read in the tables before the commit. Costs less. */
  readonly isBlind?: boolean
}

/** The changes of one LMDB transaction, shared by several operations. */
export interface TransactionChanges<Effect> {
  /** Grows with every write. */
  readonly writes: number
  /** Returns the effects to apply once the writes are on disk, and empties the list. */
  takeEffects(): readonly Effect[]
  /** Writes what the operations collected. */
  finish(): void
}

interface CommitSteps<Effect, D extends TransactionChanges<Effect>> {
  /** Creates the change set of the next transaction. `isBlind`: what it writes cannot be read before the commit. */
  readonly changeSet: (isBlind: boolean) => D
  /** Notes that a transaction is on disk. Called before its effects are applied. */
  readonly durable: (effects: readonly Effect[]) => void
  readonly apply: (effect: Effect) => void
  /** Opens the file again. Called when the environment accepts no more transactions. */
  readonly reopen: () => void
  /** Reads the state in memory again. Called when it may differ from the disk. */
  readonly lost: () => void
}

/** The tables' environment, which `CommitSteps.reopen` may replace. */
type Environment = { readonly env: RootDatabase; readonly writes: Writes }

interface Operation<D> {
  readonly work: (changeSet: D) => unknown
  readonly alone: boolean
  readonly octets: number
  readonly kept: number
  readonly purpose: Purpose
  readonly isBlind: boolean
  /** Whether it is the second attempt after an error `no-space`. */
  readonly isRetry?: boolean
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

type Outcome<Effect> =
  | { readonly value: unknown; readonly effects: readonly Effect[] }
  | { readonly value?: never; readonly effects?: never; readonly error: unknown }

interface WaitLimits {
  readonly least: number
  readonly most: number
}

/** Operations that share a transaction, and the outcome of each once they have run. */
interface Attempt<Effect, D> {
  group: readonly Operation<D>[]
  outcomes?: readonly Outcome<Effect>[]
  /** Id of the LMDB transaction that they wrote. */
  transaction?: number
}

/** Limits of a group, so that a transaction does not block the process for long. */
const MAX_GROUP_OPERATIONS = 500
const MAX_GROUP_OCTETS = 8 << 20
/** Limits of the time that a group waits for messages that are arriving: as long as the last transaction took. */
const WAIT_MS: WaitLimits = { least: 1, most: 4 }
/** How often the store tries to find out whether a transaction is on disk. */
const MAX_CONFIRMATIONS = 10

/**
 * Group commit: operations that arrive while the disk is busy share the next transaction and its flush. An operation's
 * promise resolves when the transaction is on disk and its effects are applied. Effects are applied in the order of the
 * operations. If a commit fails, none of its operations is kept, or all of them are and their promises resolve.
 */
export class Commits<Effect, D extends TransactionChanges<Effect>> {
  readonly #tables: Environment
  readonly #space: Space
  readonly #arrivals: Arrivals
  readonly #steps: CommitSteps<Effect, D>
  readonly #wait: WaitLimits
  /** Longest time that the next group waits for messages that are arriving. */
  #waitMs: number
  #waiting: Operation<D>[] = []
  #running: Promise<void> | undefined
  /** Whether the environment must be opened again: see `#restore`. */
  #isBroken = false
  /** Whether the state in memory may differ from the disk: see `#restore`. */
  #isStale = false

  /** @param arrivals the messages that clients are sending. A transaction waits a moment for them. */
  constructor(
    tables: Environment,
    space: Space,
    arrivals: Arrivals,
    steps: CommitSteps<Effect, D>,
    wait: WaitLimits = WAIT_MS,
  ) {
    this.#tables = tables
    this.#space = space
    this.#arrivals = arrivals
    this.#steps = steps
    this.#wait = wait
    this.#waitMs = wait.least
  }

  /**
   * Runs `work` within a transaction. It must do nothing but read and write the tables, because it is called again in
   * another transaction if the first one fails.
   * @throws StoreError `no-space`, `read-only`, `failed`
   */
  run<T>(
    work: (changeSet: D) => T,
    { alone = false, octets = 0, kept = 0, purpose = 'changes', isBlind = false }: OperationTraits = {},
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const traits = { alone, octets, kept, purpose, isBlind }
      this.#waiting.push({ work, ...traits, resolve: resolve as (value: unknown) => void, reject })
      this.#running ??= this.#drain()
    })
  }

  /** Resolves when no operation is waiting and the tables can be closed. */
  async end(): Promise<void> {
    while (this.#running) await this.#running
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) await this.#commit()
    this.#running = undefined
  }

  /** Whether further operations would belong to the next group. */
  get #isGroupComplete(): boolean {
    const { length } = this.#waiting
    return (
      this.#waiting[0]?.alone === true || length >= MAX_GROUP_OPERATIONS || octetsOf(this.#waiting) >= MAX_GROUP_OCTETS
    )
  }

  /** @param isBlind whether it ends before an operation that is not */
  #nextGroup(limitOctets: number, isBlind = false): Operation<D>[] {
    let octets = 0
    let size = 0
    for (const operation of this.#waiting) {
      octets += operation.octets
      if (isBlind && !operation.isBlind) break
      if (size > 0 && (operation.alone || octets > limitOctets || size >= MAX_GROUP_OPERATIONS)) break
      size++
      if (operation.alone) break
    }
    return this.#waiting.splice(0, size)
  }

  /** Commits the given group, or by default the operations that are waiting when the transaction begins. */
  async #commit(given?: readonly Operation<D>[]): Promise<void> {
    const attempt: Attempt<Effect, D> = { group: given ?? [] }
    try {
      this.#restore()
      // Messages that other sessions store in this turn of the event loop belong to the same group.
      if (!given) {
        await new Promise(setImmediate)
        // And what is arriving, if it does not take longer than a transaction does.
        const arriving = this.#isGroupComplete ? undefined : this.#arrivals.wait(this.#waitMs)
        if (arriving) await arriving
      }
      const isBlind = (given ?? this.#waiting).every((operation) => operation.isBlind)
      const least = given ? octetsOf(given) : (this.#waiting[0]?.octets ?? 0)
      const wanted = Math.min(octetsOf(this.#waiting), MAX_GROUP_OCTETS)
      const room = await this.#space.prepare(Math.max(least, wanted))
      const work = (): void => {
        if (!given) attempt.group = this.#nextGroup(Math.min(room, MAX_GROUP_OCTETS), isBlind)
        this.#work(attempt, isBlind)
      }
      // Another thread begins, writes and flushes the transaction, so a slow disk does not block the process. Only `work`
      // runs in this thread.
      const { env, writes } = this.#tables
      const began = performance.now()
      if (isBlind) await writeAll(env, writes.collect(work))
      else await env.childTransaction(work)
      this.#waitMs = Math.min(Math.max(performance.now() - began, this.#wait.least), this.#wait.most)
    } catch (error) {
      if (attempt.group.length === 0) attempt.group = this.#nextGroup(MAX_GROUP_OCTETS)
      await this.#handleFailure(attempt, error)
      return
    }
    this.#finish(attempt)
  }

  /** Applies the effects of a transaction that is on disk. */
  #finish({ group, outcomes = [] }: Attempt<Effect, D>): void {
    try {
      this.#steps.durable(outcomes.flatMap(({ effects = [] }) => effects))
      outcomes.forEach((outcome, i) => {
        if ('error' in outcome) group[i]?.reject(outcome.error)
        else {
          for (const effect of outcome.effects) this.#steps.apply(effect)
          group[i]?.resolve(outcome.value)
        }
      })
    } catch (error) {
      this.#abandon(group, error)
    }
  }

  /** Rejects operations that may be on disk although the state in memory lacks them. */
  #abandon(group: readonly Operation<D>[], cause: unknown): void {
    this.#rejectAll(group, cause)
    this.#isStale = true
    try {
      this.#restore()
    } catch {
      // The next transaction tries again.
    }
  }

  /** Makes the environment and the state in memory usable again after a failure. @throws if that fails */
  #restore(): void {
    if (this.#isBroken) this.#steps.reopen()
    this.#isBroken = false
    if (this.#isStale) this.#steps.lost()
    this.#isStale = false
  }

  async #handleFailure(attempt: Attempt<Effect, D>, error: unknown): Promise<void> {
    const { group, transaction } = attempt
    const cause = await this.#failed(error)
    const kept = transaction === undefined ? 'no' : await this.#isKept(transaction)
    if (kept === 'yes') this.#finish(attempt)
    else if (kept === 'unknown') this.#abandon(group, cause)
    else await this.#commitEach(group, cause)
  }

  /**
   * Finds out whether a transaction whose commit failed is kept. LMDB writes and flushes its pages, then the page that
   * makes them valid. If only the flush of that page failed, the transaction is visible, and one more commit flushes it.
   */
  async #isKept(transaction: number): Promise<'yes' | 'no' | 'unknown'> {
    for (let attempt = 0; attempt < MAX_CONFIRMATIONS; attempt++) {
      try {
        this.#restore()
        if (nativeOf(this.#tables.env).info().lastTxnId < transaction) return 'no'
        await this.#turn()
        return 'yes'
      } catch {
        // The next attempt opens the file again if that is necessary.
      }
    }
    return 'unknown'
  }

  /** Notes whether the environment is broken. Returns the error that caused the package's "Commit failed". */
  async #failed(error: unknown): Promise<unknown> {
    const cause = await causeOf(error)
    // The add-on releases its lock after it has reported the error.
    await new Promise(setImmediate)
    this.#isBroken ||= !this.#acceptsTransactions()
    return cause
  }

  /** Returns whether a transaction can begin. None can after a failed write of the page that makes a transaction valid. */
  #acceptsTransactions(): boolean {
    let id = 0
    try {
      this.#tables.env.transactionSync(() => {
        id = this.#tables.env.getWriteTxnId()
      })
    } catch {
      return false
    }
    return id > 0
  }

  /** Commits each operation alone: one message may be too large for the free space while the others are not. */
  async #commitEach(group: readonly Operation<D>[], cause: unknown): Promise<void> {
    const [only] = group
    if (group.length > 1 || !only) {
      for (const operation of group) await this.#commit([operation])
    } else if (!only.isRetry && (await this.#freedSpace(cause))) await this.#commit([{ ...only, isRetry: true }])
    else this.#rejectAll(group, cause)
  }

  #rejectAll(group: readonly Operation<D>[], cause: unknown): void {
    for (const { reject } of group) reject(this.#space.explain(cause))
  }

  /**
   * Makes the pages of deleted messages usable after an error `no-space`. LMDB reuses the pages that a transaction freed
   * only when no reader sees the state before it, which takes two more transactions. Returns whether they succeeded.
   */
  async #freedSpace(cause: unknown): Promise<boolean> {
    const known = this.#space.explain(cause)
    if (!(known instanceof StoreError) || known.code !== 'no-space') return false
    try {
      for (let turn = 0; turn < 2; turn++) {
        await this.#turn()
        this.#steps.durable([])
      }
      return true
    } catch {
      return false
    }
  }

  /** Commits a transaction that changes only one small value. */
  async #turn(): Promise<void> {
    const { env } = this.#tables
    try {
      await env.childTransaction(() => env.putSync('turn', Date.now()))
    } catch (error) {
      throw await this.#failed(error)
    }
  }

  #work(attempt: Attempt<Effect, D>, isBlind: boolean): void {
    const changeSet = this.#steps.changeSet(isBlind)
    attempt.outcomes = attempt.group.map(({ work, octets, kept, purpose }): Outcome<Effect> => {
      const before = changeSet.writes
      try {
        this.#space.admit(octets, purpose, kept)
        return { value: work(changeSet), effects: changeSet.takeEffects() }
      } catch (error) {
        // An operation that failed before it wrote anything does not affect the others. Otherwise all are rolled back.
        if (changeSet.writes !== before || !(error instanceof StoreError)) throw error
        return { error }
      }
    })
    changeSet.finish()
    attempt.transaction = isBlind ? this.#space.lastTransaction + 1 : this.#tables.env.getWriteTxnId()
  }
}

const octetsOf = (group: readonly Operation<never>[]): number => group.reduce((sum, { octets }) => sum + octets, 0)

async function causeOf(error: unknown): Promise<unknown> {
  const { commitError } = error as { commitError?: Promise<unknown> }
  if (!commitError) return error
  return commitError.then(
    () => error,
    (cause: unknown) => cause,
  )
}
