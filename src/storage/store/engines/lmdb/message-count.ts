import type { StoreEvent } from '../../store-events.ts'
import { checkFits, isCounted } from '../full/limits.ts'
import type { ChangeSet } from './change-set.ts'
import { numbersOf } from './lmdb-folder.ts'
import type { Tables } from './tables.ts'

/** Keeps the number of messages within a limit. */
export class MessageCount {
  readonly #tables: Tables
  readonly #limit: number | undefined
  /** As of the last commit whose effects are applied. Undefined: not counted yet. */
  #messages: number | undefined

  constructor(tables: Tables, limit: number | undefined) {
    this.#tables = tables
    this.#limit = limit
  }

  /** Checks that a transaction may add this many messages. Call it within the transaction. @throws StoreError `no-space` */
  check(changeSet: ChangeSet, messages: number): void {
    if (this.#limit === undefined) return
    this.#messages ??= this.#count()
    const used = { octets: 0, messages: this.#messages + changeSet.growth }
    checkFits(used, { octets: 0, messages }, { messages: this.#limit })
  }

  /** Follows a committed change. */
  apply(event: StoreEvent): void {
    if (this.#messages === undefined || !isCounted(event.folder)) return
    if (event.type === 'appended') this.#messages += event.entries.length
    else if (event.type === 'expunged') this.#messages -= event.uids.length
    else if (event.type === 'folder-deleted') this.#messages = undefined
  }

  /** Counts again at the next check. */
  forget(): void {
    this.#messages = undefined
  }

  #count(): number {
    let messages = 0
    for (const { value } of this.#tables.folders.getRange({})) {
      if (isCounted(value)) messages += numbersOf(this.#tables, value.id)[2]
    }
    return messages
  }
}
