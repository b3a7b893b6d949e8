import type { Logger } from 'pino'
import type { Clock } from '../../../../core/time/clock.ts'
import type { Setback } from '../../types.ts'
import type { Folders } from './folders.ts'
import type { PostgresFolder } from './postgres-folder.ts'
import type { Replication } from './replication.ts'

interface SetbacksParts {
  readonly clock: Clock
  readonly log: Logger
  readonly folders: Folders
  readonly replication: Replication
}

/**
 * Deals with a database that has lost changes: a replica without the last ones took over, or a backup was restored while
 * nodes run. Clients have seen uids of the lost messages, so their folders get a new UIDVALIDITY. RFC 9051 section 2.3.1.1.
 */
export class Setbacks {
  readonly #parts: SetbacksParts
  #last: Setback | undefined

  constructor(parts: SetbacksParts) {
    this.#parts = parts
  }

  /** The last loss that this node has found. */
  get last(): Setback | undefined {
    return this.#last
  }

  /** Renews those of the folders whose rows lack changes that this node knows. Call it without their turns. @throws DatabaseError */
  async recover(states: readonly PostgresFolder[]): Promise<void> {
    const { clock, log, folders, replication } = this.#parts
    for (const state of states) {
      const end = await state.turn()
      try {
        // Nothing else moves the position now.
        const known = { ...state.position }
        if (!(await folders.renew(state))) continue
        replication.forget(state)
        const { owner, name } = state.folder
        log.error(
          { owner, folder: name, known },
          'the database has lost changes of a mailbox that were acknowledged: another server took over without them, or a backup was restored; the mailbox gets a new UIDVALIDITY',
        )
        const isSame = this.#last !== undefined && clock.now() - this.#last.at < SAME_MS
        this.#last = { at: clock.now(), folders: (isSame ? (this.#last?.folders ?? 0) : 0) + 1 }
      } finally {
        end()
      }
    }
  }
}

/** Folders that are found within this time count as one loss. */
const SAME_MS = 600_000
