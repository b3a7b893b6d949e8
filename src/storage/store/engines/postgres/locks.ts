import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import { clearInterval, setInterval } from '../../../../core/time/real-timers.ts'
import type { Database } from '../../../database/database-types.ts'
import { StoreError } from '../../errors.ts'
import type { Origin } from '../../origin.ts'
import type { FolderLock } from '../../types.ts'
import type { ChangedFolder } from './change-set.ts'
import type { PostgresFolder } from './postgres-folder.ts'

/** How long a lock lasts without its node. By the clock of the database. */
const LEASE = '30 seconds'
const RENEW_MS = 8_000

/** Deletes messages within the lock with this token. */
type Expunge = (
  state: PostgresFolder,
  uids: readonly number[],
  origin: Origin | undefined,
  token: string,
) => Promise<readonly number[]>

/** Checks that a folder still has the lock with this token. @throws StoreError `lock-lost` */
export function assertLocked({ row }: ChangedFolder, token: string): void {
  if (row.lock_token === token) return
  throw new StoreError('lock-lost', 'the lock of the folder was lost: this node was away for too long')
}

/**
 * The locks of folders that the sessions of this node hold: columns of the folder's row, with an expiry that the node
 * renews. The token changes with the holder, so a node that was away for too long notices it when it deletes.
 */
export class FolderLeases {
  readonly #database: Database
  readonly #expunge: Expunge
  readonly #log: Logger
  readonly #held = new Set<string>()
  readonly #timer: NodeJS.Timeout

  constructor(database: Database, expunge: Expunge, log: Logger) {
    this.#database = database
    this.#expunge = expunge
    this.#log = log
    this.#timer = setInterval(() => void this.#renew(), RENEW_MS).unref()
  }

  /** Returns undefined if somebody has the lock. @throws DatabaseError */
  async lock(state: PostgresFolder): Promise<FolderLock | undefined> {
    const token = randomUUID()
    const rows = await this.#database.transaction((transaction) =>
      transaction.query(
        `update folders set lock_token = $2, lock_node = $3, locked_until = clock_timestamp() + interval '${LEASE}'
         where id = $1 and (lock_token is null or locked_until < clock_timestamp()) returning id`,
        [state.key, token, this.#database.node],
      ),
    )
    if (rows.length === 0) return undefined
    this.#held.add(token)
    return {
      expunge: (uids, origin) => this.#expunge(state, uids, origin, token),
      release: () => this.#release(state, token),
    }
  }

  /** Returns the keys of the folders that any node has locked. @throws DatabaseError */
  async locked(): Promise<readonly number[]> {
    const rows = await this.#database.query<{ id: number }>(
      'select id from folders where lock_token is not null and locked_until > clock_timestamp()',
    )
    return rows.map(({ id }) => id)
  }

  /** Ends the renewal and releases all locks of this node. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    if (this.#held.size === 0) return
    await this.#database
      .query('update folders set lock_token = null, lock_node = null, locked_until = null where lock_token = any($1)', [
        [...this.#held],
      ])
      .catch((error: unknown) => this.#log.debug({ err: error }, 'locks of folders were not released; they expire'))
  }

  async #release(state: PostgresFolder, token: string): Promise<void> {
    if (!this.#held.delete(token)) return
    await this.#database
      .query(
        'update folders set lock_token = null, lock_node = null, locked_until = null where id = $1 and lock_token = $2',
        [state.key, token],
      )
      .catch((error: unknown) => this.#log.debug({ err: error }, 'a lock of a folder was not released; it expires'))
  }

  /** A lock that has not expired is not taken over, so one that is still there is still ours. */
  async #renew(): Promise<void> {
    if (this.#held.size === 0) return
    await this.#database
      .query(`update folders set locked_until = clock_timestamp() + interval '${LEASE}' where lock_token = any($1)`, [
        [...this.#held],
      ])
      .catch((error: unknown) => this.#log.debug({ err: error }, 'the locks of folders were not renewed'))
  }
}
