import { createHash, randomInt } from 'node:crypto'
import { clearInterval, delay, performance, setInterval, now as wallClock } from '../../core/time/real-timers.ts'
import type { Connection } from './connection.ts'
import { DatabaseError, databaseError } from './errors.ts'

/** How long a node relies on what it saw, by its own clock. */
const LEASE_MS = 1_000
/** How long a node that joins waits for the lease of another one: longer, because clocks differ in speed. */
const WAIT_MS = 1_500
/** How often a node looks: about three times in a lease, and less often while there are others. */
const LOOK_MS = 300
const LOOK_WITH_OTHERS_MS = 2_000
/** A node that nobody has used for so long does not look. */
const UNUSED_MS = 60_000
/** Without looks after a commit whose outcome is unknown: the server may still make it. */
const SUSPENDED_MS = 600_000
const ASK_MS = 20

/** In the table of leases: which node may rely on being the only one that writes. It has no time, which clocks could dispute. */
export const KEY = 'sole-writer'
const LOCK = 'SELECT pg_advisory_lock_shared($1::integer, $2::integer)'
const HOLDER = `SELECT token FROM leases WHERE key = '${KEY}'`
const LOOK = `select (${HOLDER}) as token, exists (
    select from pg_locks
    where locktype = 'advisory' and objsubid = 2 and classid = $1::bigint::oid and objid <> $2::bigint::oid
      and database = (select oid from pg_database where datname = current_database())
  ) as "hasOthers"`
const TAKE = `insert into leases as one (key, node, token, expires_at) values ('${KEY}', $1, $2, 'infinity')
  on conflict (key) do update set node = excluded.node, token = excluded.token`
const GIVE_UP = `DELETE FROM leases WHERE key = '${KEY}' AND token = $1`
const NO_SUCH_TABLE = '42P01'

interface SoleWriterParts {
  readonly schema: string
  readonly node: string
  /** Runs a statement that has the same effect if it is run again. @throws DatabaseError */
  readonly run: <Row>(text: string, values: readonly unknown[]) => Promise<readonly Row[]>
  /** Asks the node that relies on being the only one to stop. */
  readonly interrupt: () => void
}

/**
 * Knows whether this node is the only one that changes the database: then what it has read stays true, and it need not ask
 * again. Every connection that can change something holds a lock with the number of its node, which the server releases when
 * the connection has ended. A row in the table of leases names the node that may rely on being alone.
 *
 * A node relies on it for a second after it asked, once two questions in succession have found its row and no lock of others.
 * A connection that has its lock first reads the row. If it names another node, it waits until that one has removed it, or
 * for longer than its lease, and then removes it. So whoever changes something between two looks of a node has removed the
 * row of that node, or its lock is seen by the second look. And a lease ends before anybody removes the row.
 */
export class SoleWriter {
  readonly #parts: SoleWriterParts
  readonly #lock: readonly [lab: number, node: number]
  #timer: NodeJS.Timeout | undefined
  #lookAt = 0
  #usedAt = Number.NEGATIVE_INFINITY
  #isLooking = false
  /** When the last look began that found this node alone. */
  #aloneAt: Moment | undefined
  /** The beginning of the lease. */
  #leasedAt: Moment | undefined
  /** Whether the row may name this node. */
  #hasRow = false
  /** Identifies the time since which no other node has changed anything. */
  #since = 1
  /** Looks that have begun before are void. */
  #breaks = 0

  constructor(parts: SoleWriterParts) {
    this.#parts = parts
    const lab = createHash('sha256').update(`sealpost writers ${parts.schema}`).digest().readUInt32BE() >>> 1
    this.#lock = [lab, randomInt(2 ** 31)]
  }

  /** Begins to look. Call it when the tables exist. */
  start(): void {
    this.#timer = setInterval(() => void this.#lookIfDue(), LOOK_MS).unref()
  }

  /**
   * Identifies the time since which nobody else has changed anything; undefined if that is not known. Ask after a request has
   * arrived, and before you answer from memory: a process that was paused must not rely on what it knew before.
   */
  get since(): number | undefined {
    const now = currentMoment()
    this.#usedAt = now.running
    const begun = this.#leasedAt
    const isLeased = begun && now.running - begun.running < LEASE_MS && now.wall - begun.wall < LEASE_MS
    return isLeased ? this.#since : undefined
  }

  /** Prepares a connection that can change something. Resolves when no other node relies on being alone. @throws DatabaseError */
  async admit(connection: Connection): Promise<void> {
    await connection.ask(LOCK, this.#lock)
    let holder: string | undefined
    for (let seenAt = performance.now(); ; await delay(ASK_MS)) {
      const token = await holderOf(connection)
      if (token === undefined || token === this.#token) return
      if (token !== holder) {
        holder = token
        seenAt = performance.now()
        this.#parts.interrupt()
      } else if (performance.now() - seenAt > WAIT_MS) await connection.ask(GIVE_UP, [token])
    }
  }

  /** Stops to rely on being alone, and lets another node know that it has. */
  async giveUp(): Promise<void> {
    this.restart()
    this.#lookAt = performance.now() + LOOK_MS
    // If it stays, the other node waits.
    if (this.#hasRow) await this.#parts.run(GIVE_UP, [this.#token]).catch(() => {})
    this.#hasRow = false
  }

  /** Forgets what was seen: another server may answer. */
  restart(): void {
    this.#leasedAt = undefined
    this.#aloneAt = undefined
    this.#breaks++
    this.#since++
  }

  /** Does not rely on being alone for a while, because a change of this node may be made later. */
  suspend(): void {
    this.restart()
    this.#lookAt = performance.now() + SUSPENDED_MS
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.giveUp()
  }

  get #token(): string {
    return String(this.#lock[1])
  }

  async #lookIfDue(): Promise<void> {
    const now = performance.now()
    if (this.#isLooking || now < this.#lookAt || now - this.#usedAt > UNUSED_MS) return
    this.#isLooking = true
    try {
      await this.#look()
    } catch {
      // Then a look is missing, and the lease ends.
    } finally {
      this.#isLooking = false
    }
  }

  async #look(): Promise<void> {
    const { run, node } = this.#parts
    const [begun, breaks] = [currentMoment(), this.#breaks]
    const [row] = await run<{ readonly token: string | null; readonly hasOthers: boolean }>(LOOK, this.#lock)
    if (breaks !== this.#breaks || !row) return
    this.#hasRow = row.token === this.#token
    if (this.#hasRow && !row.hasOthers) {
      this.#leasedAt = this.#aloneAt
      this.#aloneAt = begun
    } else if (row.hasOthers) {
      await this.giveUp()
      this.#lookAt = performance.now() + LOOK_WITH_OTHERS_MS
    } else {
      this.restart()
      this.#hasRow = true
      await run(TAKE, [node, this.#token])
    }
  }
}

/** A time by two clocks: the first one stands still while the machine sleeps, and the second one can be set. */
interface Moment {
  readonly running: number
  readonly wall: number
}

const currentMoment = (): Moment => ({ running: performance.now(), wall: wallClock() })

/** Returns which node may rely on being alone. Before the first start there are no tables, and nobody may. */
async function holderOf(connection: Connection): Promise<string | undefined> {
  try {
    const [row] = await connection.ask<{ readonly token: string }>(HOLDER)
    return row?.token
  } catch (error) {
    if (error instanceof DatabaseError && databaseError(error).sqlState === NO_SUCH_TABLE) return undefined
    throw error
  }
}
