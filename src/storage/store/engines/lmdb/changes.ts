import type { Logger } from 'pino'
import { uidSteps } from '../../entries/uid-order.ts'
import { StoreError } from '../../errors.ts'
import type { StoreEvent } from '../../store-events.ts'
import type { Bodies } from './bodies.ts'
import type { ChangeSet } from './change-set.ts'
import type { Commits, OperationTraits } from './commits.ts'
import type { Tables } from './tables.ts'

/** For changes of folders. Each runs alone in its transaction, because it must see the effects of all earlier changes. */
export const ALONE: OperationTraits = { alone: true }
/** For changes that free space, which a full disk must not prevent. */
export const FREES: OperationTraits = { purpose: 'frees' }

/** Octets that an entry writes besides its message, in a folder of many messages. */
export const ENTRY_OCTETS = 512
const MAX_OCTETS = 4 << 20
/** Octets that an entry writes in the worst case, in which no two messages share a page. */
const SCATTERED_OCTETS = 12 << 10
/** Messages per transaction on a full disk, so that each fits into the reserve. */
const STEP = 32

/** A message takes whole pages of this size, unless it is small. */
const PAGE_OCTETS = 4096

/** Returns the traits of an operation that adds messages: approximately how much it writes, and how much of this stays. */
export function additionOf(raws: readonly object[], entries: number): OperationTraits {
  let octets = SCATTERED_OCTETS * entries
  let kept = ENTRY_OCTETS * entries
  for (const raw of raws) {
    if (!Buffer.isBuffer(raw)) continue
    octets += raw.length + (raw.length >> 4)
    kept += Math.ceil(raw.length / PAGE_OCTETS) * PAGE_OCTETS
  }
  return { octets, kept, purpose: 'adds', isBlind: raws.every((raw) => Buffer.isBuffer(raw)) }
}

/** The changes of an LMDB store, as operations of its commits. */
export class Changes {
  readonly #tables: Tables
  readonly #bodies: Bodies
  readonly #commits: Commits<StoreEvent, ChangeSet>
  readonly #log: Logger
  readonly #checkOpen: () => void

  /** @param checkOpen throws if the store is closed */
  constructor(
    tables: Tables,
    bodies: Bodies,
    commits: Commits<StoreEvent, ChangeSet>,
    log: Logger,
    checkOpen: () => void,
  ) {
    this.#tables = tables
    this.#bodies = bodies
    this.#commits = commits
    this.#log = log
    this.#checkOpen = checkOpen
  }

  /** Runs `work` in a transaction. @throws StoreError `closed`, `read-only`, and what `work` and the commit throw */
  async run<T>(work: (changeSet: ChangeSet) => T, traits?: OperationTraits): Promise<T> {
    this.checkWritable()
    return this.#commits.run(work, traits)
  }

  /** Writes to a table that has no effects in memory. */
  put(write: () => void): Promise<void> {
    return this.run((changeSet) => {
      changeSet.writes++
      write()
    })
  }

  /**
   * Marks, moves or deletes messages in transactions that other sessions do not wait for long. On a full disk, they are
   * smaller still. Returns the results in uid order.
   */
  async inSteps<T>(
    uids: readonly number[],
    work: (changeSet: ChangeSet, uids: readonly number[]) => T,
    isBlind = false,
  ): Promise<readonly T[]> {
    const results: T[] = []
    for (const step of uidSteps(uids)) {
      const octets = Math.min(step.length * ENTRY_OCTETS, MAX_OCTETS)
      try {
        results.push(await this.run((changeSet) => work(changeSet, step), { ...FREES, octets, isBlind }))
      } catch (error) {
        if (!(error instanceof StoreError) || error.code !== 'no-space') throw error
        for (const few of uidSteps(step, STEP)) results.push(await this.run((changeSet) => work(changeSet, few), FREES))
      }
    }
    return results
  }

  /** Removes octets of deleted messages that were still being read, and of incomplete messages. */
  async removeDoomed(): Promise<void> {
    try {
      this.checkWritable()
      if (this.#tables.doomed.getCount() === 0) return
      await this.run((changeSet) => {
        changeSet.writes++
        this.#bodies.removeDoomed()
      }, FREES)
    } catch (err) {
      if (err instanceof StoreError && (err.code === 'closed' || err.code === 'read-only')) return
      // A full disk may prevent it. The next start tries again.
      this.#log.warn({ err }, 'octets without a message are kept until the next start')
    }
  }

  /** Checks that the store can be changed. @throws StoreError `closed`, `read-only` */
  checkWritable(): void {
    this.#checkOpen()
    if (this.#tables.readOnly) throw new StoreError('read-only', 'the store is read-only: its folder is not writable')
  }
}
