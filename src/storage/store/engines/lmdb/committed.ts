import type { Transaction } from 'lmdb'
import { StoreError } from '../../errors.ts'
import type { Tables } from './tables.ts'

/** Options of a read: which state of the tables it sees. */
export interface ReadOptions {
  readonly transaction?: Transaction
}

/** A state of the tables that is read over several turns of the event loop. */
export interface HeldState extends ReadOptions, Disposable {
  /** Checks that the state can still be read. @throws StoreError `closed` if the store was closed or its file opened again */
  check(): void
}

/** A read transaction counts its users. The package's types omit this method. */
type CountedTransaction = Transaction & { use(): void }

/** The tables as of the last commit whose effects are applied. */
export class Committed {
  readonly #tables: Tables
  #transaction: CountedTransaction | undefined
  #closed = false
  /** How many times the file was opened again. Transactions from before cannot be used. */
  #openings = 0

  constructor(tables: Tables) {
    this.#tables = tables
    this.renew()
  }

  get isClosed(): boolean {
    return this.#closed
  }

  /** The current state. @throws StoreError `closed` */
  get now(): ReadOptions {
    this.#check()
    return this.#transaction ? { transaction: this.#transaction } : {}
  }

  /** Keeps the current state readable until it is disposed of. @throws StoreError `closed` */
  hold(): HeldState {
    this.#check()
    const transaction = this.#transaction
    const openings = this.#openings
    transaction?.use()
    return {
      ...(transaction && { transaction }),
      check: () => {
        this.#check()
        if (this.#openings !== openings) throw new StoreError('closed', 'the store was opened again after an error')
      },
      [Symbol.dispose]: () => {
        if (!this.#closed && this.#openings === openings) transaction?.done()
      },
    }
  }

  /** Makes the last commit visible. Call it when it is flushed. */
  renew(): void {
    const { env, readOnly } = this.#tables
    // A read-only store makes no commits.
    if (readOnly) return
    this.#transaction?.done()
    env.resetReadTxn()
    this.#transaction = env.useReadTransaction() as CountedTransaction
  }

  /** Opens the file of the tables again. Reads that hold a state end with an error. */
  reopen(): void {
    this.#openings++
    this.#transaction = undefined
    this.#tables.reopen()
    this.renew()
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
