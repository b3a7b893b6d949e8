import type { RootDatabase, Transaction } from 'lmdb'
import { StoreError } from '../types.ts'

/** Options of a read: which state of the tables it sees. */
export interface ReadOptions {
  readonly transaction?: Transaction
}

/** A state of the tables that is read over several turns of the event loop. */
export interface HeldState extends ReadOptions, Disposable {
  /** @throws StoreError `closed` if the store was closed meanwhile */
  check(): void
}

/** A read transaction counts its users. The package's types omit this method. */
type CountedTransaction = Transaction & { use(): void }

/**
 * The tables as of the last flushed commit. A commit that is written but not flushed could be lost with the power, and
 * its uids would be used again. So nobody may see it.
 */
export class Committed {
  readonly #env: RootDatabase
  readonly #readOnly: boolean
  #transaction: CountedTransaction | undefined
  #closed = false

  constructor(env: RootDatabase, readOnly: boolean) {
    this.#env = env
    this.#readOnly = readOnly
    this.renew()
  }

  get isClosed(): boolean {
    return this.#closed
  }

  /** @throws StoreError `closed` */
  get now(): ReadOptions {
    this.#check()
    return this.#transaction ? { transaction: this.#transaction } : {}
  }

  /** Keeps the current state readable until it is disposed of. @throws StoreError `closed` */
  hold(): HeldState {
    this.#check()
    const transaction = this.#transaction
    transaction?.use()
    return {
      ...(transaction && { transaction }),
      check: () => this.#check(),
      [Symbol.dispose]: () => {
        if (!this.#closed) transaction?.done()
      },
    }
  }

  /** Makes the last commit visible. Call it after its flush. */
  renew(): void {
    // A read-only store makes no commits.
    if (this.#readOnly) return
    this.#transaction?.done()
    this.#env.resetReadTxn()
    this.#transaction = this.#env.useReadTransaction() as CountedTransaction
  }

  close(): void {
    this.#closed = true
    this.#transaction?.done()
    this.#transaction = undefined
  }

  #check(): void {
    if (this.#closed) throw new StoreError('closed', 'the store is closed')
  }
}
