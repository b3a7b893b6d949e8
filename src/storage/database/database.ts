import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import { clearInterval, performance, setInterval, setTimeout } from '../../core/time/real-timers.ts'
import type { StoreFiles } from '../../tls/pki/certificate-store/files.ts'
import { attemptTransaction, FORGET_TOKENS, LostCommit, OUTCOME, type Outcome, TOKENS_KEPT_MS } from './attempt.ts'
import { Channel, type DatabaseState, type TopicListener } from './channel.ts'
import type { Connection, ConnectionSettings } from './connection.ts'
import type {
  Change,
  Database,
  DatabaseSettings,
  DatabaseUsage,
  Transaction,
  TransactionOptions,
} from './database-types.ts'
import { connectionError, DatabaseError, databaseError, isStale } from './errors.ts'
import { serverOf } from './hosts.ts'
import { assertCurrent, migrate } from './migrate.ts'
import { Pool } from './pool.ts'
import { Reserve } from './reserve.ts'
import { assertUsable } from './server-check.ts'
import { KEY as SOLE_WRITER, SoleWriter } from './sole-writer.ts'
import type { Topic } from './topics.ts'

/** How long a server that starts is waited for. */
const START_MS = 30_000
/** How long calls wait for a lost connection before they fail. */
const PATIENCE_MS = 2_000
/** How long the outcome of a commit is asked for: less than clients wait for a reply. */
const OUTCOME_MS = 25_000
/** How often a transaction is tried. */
const ATTEMPTS = 10

interface DatabaseOptions {
  readonly log: Logger
  /** How long the outcome of a commit is asked for when the connection is lost, in milliseconds. */
  readonly outcomeMs?: number | undefined
  /** How often the reserve on the disk is looked after, in milliseconds. */
  readonly reserveMs?: number | undefined
}

/**
 * Connects to PostgreSQL and brings the tables to the current version.
 * @throws DatabaseError `refused`, `disconnected`, `newer`; with `isReader`: also `absent`, `older`
 */
export async function openDatabase(
  settings: DatabaseSettings,
  { log, outcomeMs = OUTCOME_MS, reserveMs }: DatabaseOptions,
): Promise<Database> {
  const database = new PostgresDatabase(settings, { log, outcomeMs, reserveMs })
  try {
    await database.open()
    return database
  } catch (error) {
    await database[Symbol.asyncDispose]()
    throw error
  }
}

class PostgresDatabase implements Database {
  readonly node: string
  readonly schema: string
  readonly #settings: ConnectionSettings
  readonly #isReader: boolean
  readonly #log: Logger
  readonly #outcomeMs: number
  readonly #pool: Pool
  readonly #channel: Channel
  readonly #reserve: Reserve
  readonly #soleWriter: SoleWriter
  readonly #stateListeners = new Set<(state: DatabaseState) => void>()
  #lostAt = 0
  #tokenTimer: NodeJS.Timeout | undefined
  #transactions = 0
  #retries = 0
  #isClosing = false
  #isClosed = false

  constructor(
    { pool, isReader = false, ...settings }: DatabaseSettings,
    { log, outcomeMs = OUTCOME_MS, reserveMs }: DatabaseOptions,
  ) {
    this.node = settings.node
    this.schema = settings.schema
    this.#settings = settings
    this.#isReader = isReader
    this.#log = log
    this.#outcomeMs = outcomeMs
    this.#soleWriter = new SoleWriter({
      schema: settings.schema,
      node: settings.node,
      run: (text, values) => this.#repeatable((connection) => connection.query(text, values)),
      interrupt: () => this.#channel.notify('leases', SOLE_WRITER),
    })
    this.#pool = new Pool(settings, pool, {
      lost: () => void this.#channel.check(),
      admit: async (connection) => {
        if (!isReader) await this.#soleWriter.admit(connection)
      },
    })
    this.#reserve = new Reserve((work) => this.#pool.alone(work), log, reserveMs)
    this.#channel = new Channel(settings, { log, stateChanged: (state) => this.#changeState(state) })
  }

  get state(): DatabaseState {
    return this.#channel.state
  }

  get isFull(): boolean {
    return this.#reserve.isFull
  }

  get soleSince(): number | undefined {
    return this.#soleWriter.since
  }

  get usage(): DatabaseUsage {
    const [transactions, retries] = [this.#transactions, this.#retries]
    return { ...this.#pool.usage, ...this.#channel.counts, transactions, retries }
  }

  async open(): Promise<void> {
    await this.#openChannel(Date.now() + START_MS)
    await this.#pool.alone(async (connection) => {
      await assertUsable(connection, this.#channel.processId, this.#settings)
      try {
        await (this.#isReader ? assertCurrent(connection, this.schema) : migrate(connection, this.schema, this.#log))
      } catch (error) {
        const isFromServer = databaseError(error).sqlState !== undefined
        throw isFromServer ? connectionError(error, serverOf(this.#settings.url)) : error
      }
    })
    if (this.#isReader) return
    this.#reserve.start()
    this.listen('leases', (key) => key === SOLE_WRITER && void this.#soleWriter.giveUp())
    this.#soleWriter.start()
    this.#tokenTimer = setInterval(() => void this.#forgetTokens(), TOKENS_KEPT_MS / 10).unref()
  }

  watchState(listener: (state: DatabaseState) => void): () => void {
    const own = (state: DatabaseState) => listener(state)
    this.#stateListeners.add(own)
    return () => this.#stateListeners.delete(own)
  }

  async query<Row>(text: string, values?: readonly unknown[]): Promise<readonly Row[]> {
    if (isRead(text)) return this.#repeatable((connection) => connection.query<Row>(text, values))
    // The server may have carried it out before the connection was lost. The token of a transaction tells.
    return this.transaction((transaction) => transaction.query<Row>(text, values))
  }

  queryBinary<Row>(text: string, values: readonly unknown[]): Promise<readonly Row[]> {
    return this.#repeatable((connection) => connection.queryBinary<Row>(text, values))
  }

  /** Runs a statement that has the same effect if it is run again. */
  async #repeatable<T>(run: (connection: Connection) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      await this.#connected()
      try {
        return await this.#pool.shared(run)
      } catch (cause) {
        const error = databaseError(cause)
        if (!isPassing(error) || attempt >= ATTEMPTS) throw error
        this.#retries++
        if (error.code === 'conflict') await pause(Math.random() * 10 * attempt)
      }
    }
  }

  async transaction<T>(work: (transaction: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T> {
    let hasToken = true
    for (let attempt = 1; ; attempt++) {
      await this.#connected()
      const token = hasToken ? randomUUID() : undefined
      try {
        const result = await this.#pool.alone((connection) => attemptTransaction(connection, work, token, options))
        this.#transactions++
        return result
      } catch (error) {
        if (error instanceof LostCommit) {
          if (await this.#isCommitted(error)) return error.result as T
        } else if (hasToken && error instanceof DatabaseError && error.code === 'no-space') {
          // A full disk may have no room for a token, but take changes that delete.
          hasToken = false
          continue
        } else if (error instanceof DatabaseError && error.code === 'no-space') {
          if (options?.adds) this.#reserve.noteFull()
          else if (await this.#reserve.give()) continue
          throw error
        } else if (!(error instanceof DatabaseError) || !isPassing(error)) throw error
        if (attempt >= ATTEMPTS) throw error instanceof LostCommit ? error.lost : error
        this.#retries++
        await pause(Math.random() * 10 * attempt)
      }
    }
  }

  async change({ parts, last }: Change, values: readonly unknown[]): Promise<void> {
    await this.#connected()
    const token = randomUUID()
    const begunAt = performance.now()
    const all = [...parts, `token as (insert into commits (token) values ($${values.length + 1}))`]
    let isSent = false
    try {
      await this.#pool.alone((connection) => {
        isSent = true
        return connection.query(`with ${all.join(', ')} ${last}`, [...values, token])
      })
    } catch (cause) {
      const error = databaseError(cause)
      if (error.code !== 'disconnected' || !isSent) throw error
      this.#retries++
      if (!(await this.#isCommitted(new LostCommit(token, begunAt, undefined, error)))) throw error
    }
    this.#transactions++
  }

  notify(topic: Topic, key: string, detail?: string, part?: number): void {
    this.#channel.notify(topic, key, detail, part)
  }

  notifyLater(topic: Topic, key: string, detail?: string): void {
    this.#channel.notifyLater(topic, key, detail)
  }

  hear(parts: ReadonlySet<number>): Promise<void> {
    return this.#channel.hear(parts)
  }

  listen(topic: Topic, listener: TopicListener): () => void {
    return this.#channel.listen(topic, listener)
  }

  async certificateFiles(index: string): Promise<StoreFiles> {
    const { databaseFiles } = await import('./certificate-files.ts')
    return databaseFiles(this, index)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosing) return
    this.#isClosing = true
    clearInterval(this.#tokenTimer)
    this.#reserve[Symbol.dispose]()
    await this.#soleWriter.close()
    this.#isClosed = true
    await Promise.all([this.#channel.close(), this.#pool.close()])
  }

  /** Connects to a server that may be starting. */
  async #openChannel(until: number): Promise<void> {
    for (;;) {
      try {
        return await this.#channel.open()
      } catch (error) {
        const isStarting = databaseError(error).sqlState === '57P03'
        if (!isStarting || Date.now() > until) throw error
        await pause(200)
      }
    }
  }

  #changeState(state: DatabaseState): void {
    if (state === 'disconnected') {
      this.#lostAt = performance.now()
      this.#pool.drop()
    }
    this.#soleWriter.restart()
    this.#log.warn(state === 'connected' ? 'connected to PostgreSQL again' : 'lost the connection to PostgreSQL')
    for (const listener of this.#stateListeners) listener(state)
  }

  /** Waits for a lost connection, but not for long. @throws DatabaseError `disconnected`, `closed` */
  async #connected(): Promise<void> {
    while (this.state === 'disconnected' || this.#isClosed) {
      if (this.#isClosed) throw new DatabaseError('closed', 'the database is closed')
      if (performance.now() - this.#lostAt > PATIENCE_MS) {
        throw new DatabaseError('disconnected', `PostgreSQL at ${serverOf(this.#settings.url)} cannot be reached`)
      }
      await pause(20)
    }
  }

  /**
   * Asks the server for the outcome of a transaction: whether its token was committed. The number of a transaction would not
   * do, because a server that crashed can give it to another one. @throws DatabaseError `unknown`
   */
  async #isCommitted({ token, begunAt }: LostCommit): Promise<boolean> {
    const until = Math.min(performance.now() + this.#outcomeMs, begunAt + TOKENS_KEPT_MS / 2)
    while (token !== undefined && performance.now() < until) {
      try {
        const [row] = await this.#repeatable((connection) => connection.query<Outcome>(OUTCOME, [token]))
        if (row) return row.is_committed
      } catch (error) {
        const { code, isTemporary } = databaseError(error)
        if (code === 'closed') throw error
        if (!isTemporary) break
      }
      await pause(50)
    }
    this.#soleWriter.suspend()
    throw new DatabaseError('unknown', 'the connection to PostgreSQL was lost during a commit')
  }

  async #forgetTokens(): Promise<void> {
    await this.#repeatable((connection) => connection.query(FORGET_TOKENS)).catch((error: unknown) => {
      // Tokens that stay are forgotten the next time.
      if (this.state === 'connected' && !this.#isClosed) this.#log.debug({ err: error }, 'old tokens stay')
    })
  }
}

/** Whether a transaction or a repeatable statement with this error is tried again. */
const isPassing = (error: DatabaseError): boolean =>
  error.code === 'conflict' || error.code === 'disconnected' || isStale(error)

const isRead = (text: string): boolean => /^\s*select\b/i.test(text)

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
