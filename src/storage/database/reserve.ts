import type { Logger } from 'pino'
import { clearInterval, setInterval } from '../../core/time/real-timers.ts'
import type { Connection } from './connection.ts'
import { databaseError } from './errors.ts'

/** The tables that keep room on the disk. One after the other is dropped for changes that must not fail. */
const PARTS = ['reserve_1', 'reserve_2', 'reserve_3', 'reserve_4'] as const
/** Rows of a part: each fills a page of 8 KiB. */
const ROWS = 512
const FILLER_OCTETS = 7_900
/** How often a node looks after the reserve, in milliseconds. */
const KEEP_MS = 20_000
/** Looks at a full disk in that time, so that mail is accepted soon after there is room. */
const LOOKS_WHEN_FULL = 10

/** A part is dropped without writing anything but the log, and unlogged: its octets are not in that either. */
const create = (table: string): string =>
  `CREATE UNLOGGED TABLE ${table} (filler text); ALTER TABLE ${table} ALTER COLUMN filler SET STORAGE PLAIN` +
  `; INSERT INTO ${table} SELECT repeat('x', ${FILLER_OCTETS}) FROM generate_series(1, ${ROWS})`

const PRESENT = `SELECT relname AS name, pg_relation_size(oid) > 0 AS is_whole FROM pg_class
  WHERE relnamespace = current_schema()::regnamespace AND relname LIKE 'reserve\\_%' ORDER BY relname`

/** Runs work with a connection of its own. */
type Alone = <T>(work: (connection: Connection) => Promise<T>) => Promise<T>

interface Part {
  readonly name: string
  /** False after a crash of the server, which empties unlogged tables. */
  readonly is_whole: boolean
}

/**
 * Room on the disk of the database, 16 MiB, which is given up when the disk is full. So messages can be deleted, POP3 clients
 * can log on, and nodes go on, although no message fits any more.
 */
export class Reserve implements Disposable {
  readonly #alone: Alone
  readonly #log: Logger
  readonly #everyMs: number
  #timer: NodeJS.Timeout | undefined
  #isFull = false

  /** @param everyMs how often the node looks after the reserve, in milliseconds */
  constructor(alone: Alone, log: Logger, everyMs = KEEP_MS) {
    this.#alone = alone
    this.#everyMs = everyMs
    this.#log = log
  }

  /** Whether the disk was full, and has no room for the reserve yet. */
  get isFull(): boolean {
    return this.#isFull
  }

  /** Begins to look after the reserve. */
  start(): void {
    let [looks, isLooking] = [0, false]
    this.#timer = setInterval(() => {
      if (isLooking || (++looks % LOOKS_WHEN_FULL !== 0 && !this.#isFull)) return
      isLooking = true
      void this.keep().finally(() => {
        isLooking = false
      })
    }, this.#everyMs / LOOKS_WHEN_FULL).unref()
  }

  /** Notes that a message did not fit. */
  noteFull(): void {
    if (!this.#isFull) this.#log.error('the disk of the database is full: no mail is accepted until there is room')
    this.#isFull = true
  }

  /** Gives up a part. Returns whether there was one. */
  async give(): Promise<boolean> {
    this.noteFull()
    return this.#alone(async (connection) => {
      const [part] = await connection.query<Part>(PRESENT)
      if (!part) return false
      await connection.run(`DROP TABLE IF EXISTS ${part.name}`)
      this.#log.warn({ part: part.name }, 'a part of the reserve on the disk of the database was given up')
      return true
    })
  }

  /** Creates the missing parts if there is room for them and as much again. Never rejects. */
  async keep(): Promise<void> {
    let wasGiven = false
    try {
      await this.#alone(async (connection) => {
        const whole = (await connection.query<Part>(PRESENT)).filter(({ is_whole }) => is_whole)
        if (whole.length === PARTS.length && !this.#isFull) return
        wasGiven = whole.length > 0
        await fill(
          connection,
          PARTS.filter((part) => !whole.some(({ name }) => name === part)),
        )
      })
      if (this.#isFull) this.#log.info('the disk of the database has room again')
      this.#isFull = false
    } catch (cause) {
      const error = databaseError(cause)
      if (error.code === 'no-space' && wasGiven) this.noteFull()
      // Another node creates it, the database cannot be reached, or there never was room for it.
      else this.#log.debug({ err: error }, 'the reserve on the disk of the database could not be looked after')
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }
}

/** @throws DatabaseError `no-space` */
async function fill(connection: Connection, missing: readonly string[]): Promise<void> {
  const probes = PARTS.map((part) => `${part}_probe`)
  const statements = [
    ...missing.flatMap((part) => [`DROP TABLE IF EXISTS ${part}`, create(part)]),
    ...probes.map(create),
    ...probes.map((probe) => `DROP TABLE ${probe}`),
  ]
  try {
    await connection.run(`BEGIN; ${statements.join('; ')}; COMMIT`)
  } catch (error) {
    if (!connection.isLost) await connection.run('ROLLBACK')
    throw error
  }
}
