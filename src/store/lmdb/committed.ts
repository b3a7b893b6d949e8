import type { RootDatabase, Transaction } from 'lmdb'
import { StoreError } from '../types.ts'

/** Given to the reads of a table: what state of it they see. */
export interface ReadOptions {
  readonly transaction?: Transaction
}

/** A state of the tables that someone looks at over several turns of the event loop. */
export interface HeldState extends ReadOptions, Disposable {
  /** @throws StoreError `closed` where the store was closed meanwhile */
  check(): void
}

/** A view counts who uses it; the types do not say so. */
type CountedTransaction = Transaction & { use(): void }

/**
 * The tables as the last commit left them that is surely on disk: what is written but not flushed yet could be gone
 * after a loss of power, and the numbers it used would be given again.
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

  /** The same state for as long as it is held. @throws StoreError `closed` */
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

  /** From now on the last commit is seen. */
  renew(): void {
    // Whoever cannot write has no commits to wait for.
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
