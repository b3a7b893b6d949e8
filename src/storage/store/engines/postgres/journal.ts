import { randomInt } from 'node:crypto'
import { performance } from '../../../../core/time/real-timers.ts'
import type { Database } from '../../../database/database-types.ts'

/** How long the rows of the journal are kept. */
const KEPT_MS = 600_000
/** A node that did not look for so long compares all folders. */
const MAX_GAP_MS = KEPT_MS / 2

/** The changes since the last look. */
interface Look {
  /** The version of the folders as a whole. */
  readonly version: number
  /** The keys of the folders that other nodes have changed. Undefined: any may have changed. */
  readonly changed: readonly number[] | undefined
}

interface Row {
  /** Identifies the table of changes: a backup that is restored has another one. */
  readonly source: string
  readonly seen: string
  readonly xmin: string
  readonly version: number
  /** Null: no folder has changed. */
  readonly changed: string | null
}

/** Transactions that one look finds. With more, any folder may have changed. */
const MOST = 10_000
/**
 * Reads what is committed now, and was not at the last look. Transactions are not committed in the order of their numbers, so
 * it compares two snapshots. One statement, so that it sees one moment. With the limit, the server always uses the index.
 */
const LOOK = `
  select 'changes'::regclass::oid::text as source, s.seen::text, pg_snapshot_xmin(s.seen)::text as xmin, l.version, (
    select case when count(*) < ${MOST} then string_agg(array_to_string(c.folders, ','), ',') else 'any' end
    from (
      select folders from changes
      where transaction >= pg_snapshot_xmin($1::pg_snapshot) and writer <> $2
        and not pg_visible_in_snapshot(transaction, $1::pg_snapshot)
      order by transaction limit ${MOST}
    ) c
  ) as changed
  from (select pg_current_snapshot() as seen) s cross join lab l`
/** A copy of a database may contain numbers that this server has not reached. */
const FORGET = `
  delete from changes where transaction < $1::xid8 or transaction >= pg_snapshot_xmax(pg_current_snapshot())`

/** The journal of all nodes: which folders each transaction has changed. Its methods @throws DatabaseError */
export class Journal {
  /** Identifies the transactions of this node. */
  writer = randomInt(2 ** 47)
  readonly #database: Database
  #source: string | undefined
  #seen: string | undefined
  #restarts = 0
  #seenAt = 0
  /** The oldest transaction that was running at some earlier times. */
  readonly #marks: { readonly at: number; readonly xmin: string }[] = []
  #xmin: string | undefined

  constructor(database: Database) {
    this.#database = database
  }

  /** Looks for changes and passes them to `take`. What `take` fails to take is found again. Call it one after the other. */
  async look(take: (found: Look) => Promise<void>): Promise<void> {
    const at = performance.now()
    const before = at - this.#seenAt < MAX_GAP_MS ? this.#seen : undefined
    const restarts = this.#restarts
    const [row] = await this.#database.query<Row>(LOOK, [before ?? null, this.writer])
    if (!row) return
    const { source, seen, xmin, version, changed } = row
    const isAny = before === undefined || changed === 'any' || source !== this.#source
    await take({ version, changed: isAny ? undefined : (changed?.split(',').map(Number) ?? []) })
    if (restarts !== this.#restarts) return
    this.#source = source
    this.#seen = seen
    this.#seenAt = at
    this.#xmin = xmin
  }

  /** Whether the next look compares all folders. */
  get isLost(): boolean {
    return this.#seen === undefined
  }

  /** Lets the next look find any folder: another server may answer, or the same one after a crash. */
  restart(): void {
    this.#seen = undefined
    this.#restarts++
  }

  /** Finds also what this node has changed so far: a commit whose outcome is unknown may be made later. */
  renameWriter(): void {
    this.writer = randomInt(2 ** 47)
    this.restart()
  }

  /** Removes old rows. */
  async sweep(): Promise<void> {
    const now = performance.now()
    if (this.#xmin !== undefined) this.#marks.push({ at: now, xmin: this.#xmin })
    const last = this.#marks.findLastIndex(({ at }) => at < now - KEPT_MS)
    const [mark] = last < 0 ? [] : this.#marks.splice(0, last + 1).slice(-1)
    await this.#database.query(FORGET, [mark?.xmin ?? '0'])
  }
}
