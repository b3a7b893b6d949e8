import type { CertificateDatabase } from '../../tls/pki/certificate-store/files.ts'
import type { ChannelCounts, DatabaseState, TopicListener } from './channel.ts'
import type { PoolUsage } from './pool.ts'
import type { Topic } from './topics.ts'

/** Runs queries: the database, or one of its transactions. */
export interface Queries {
  /**
   * Runs a statement with the parameters `$1`, `$2` …, and returns its rows, with numbers for `bigint`. It is prepared by its
   * text, so put values that vary into parameters. If the connection is lost meanwhile, it is run again, but a change is made
   * only once.
   * @throws DatabaseError
   */
  query<Row>(text: string, values?: readonly unknown[]): Promise<readonly Row[]>
}

/** A column of `queryBinary`. Null: it holds null. */
export type Octets = Buffer | null | undefined

export interface TransactionOptions {
  /** All queries see the same moment, and there can be long pauses between them. */
  readonly isLong?: boolean
  /** It adds messages, for which the reserve on the disk is not given up. */
  readonly adds?: boolean
}

/** A statement that changes several tables: `with NAME as (SQL), …`, and a query. */
export interface Change {
  /** Each with its name. */
  readonly parts: readonly string[]
  readonly last: string
}

/** A transaction. */
export interface Transaction extends Queries {
  /**
   * Sends a statement whose result is not needed, without waiting for it. If it fails, the transaction fails with its error
   * after `work` has resolved. So the last statements and the commit take one round trip.
   */
  send(text: string, values?: readonly unknown[]): void
}

/** How a node uses the database. */
export interface DatabaseUsage extends PoolUsage, ChannelCounts {
  /** Transactions that were committed. */
  readonly transactions: number
  /** Statements and transactions that were run again: others got in their way, or the connection was lost. */
  readonly retries: number
}

/** A database that all nodes of a lab share. */
export interface Database extends Queries, CertificateDatabase, AsyncDisposable {
  /** The name of this node. */
  readonly node: string
  /** The PostgreSQL schema of the tables. */
  readonly schema: string
  readonly state: DatabaseState
  /** Whether the disk was full, and has no room for the reserve of the lab yet. */
  readonly isFull: boolean
  /**
   * Identifies the time since which no other node has changed anything; undefined if another one may have. Ask after a request
   * has arrived: what was read since that time is true, apart from what this node has changed itself.
   */
  readonly soleSince: number | undefined
  /** Counts since the start, for metrics. */
  readonly usage: DatabaseUsage
  /** Calls `listener` when the connection is lost and when it is back. Returns a function that stops it. */
  watchState(listener: (state: DatabaseState) => void): () => void
  /**
   * Runs `work` in a transaction, and again if another transaction got in its way (40001, 40P01) or if the connection was lost
   * before the commit. So `work` must be repeatable. If the connection is lost during the commit, the server is asked for the
   * outcome.
   * @throws DatabaseError, and what `work` throws, which rolls the transaction back
   */
  transaction<T>(work: (transaction: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>
  /**
   * Runs one statement as a transaction of its own, in one round trip. It is not tried again.
   * @throws DatabaseError and has changed nothing then, unless the code is `unknown`
   */
  change(change: Change, values: readonly unknown[]): Promise<void>
  /**
   * Runs a query that begins with `select`, and whose columns are `text` or `bytea`. The rows are arrays of columns. Octets that
   * are not UTF-8 are `undefined`: read them with `query`, which takes twice as long, because the server sends them as digits.
   * @throws DatabaseError
   */
  queryBinary<Row extends readonly (string | Octets)[]>(
    text: string,
    values: readonly unknown[],
  ): Promise<readonly Row[]>
  /**
   * Wakes the listeners of the other nodes. Call it after the commit. Calls within some milliseconds go together.
   * @param detail what the listeners get with the key, with the latest call for the key
   * @param part only the nodes that hear this part get it; by default, all do
   */
  notify(topic: Topic, key: string, detail?: string, part?: number): void
  /** As `notify`, for what nobody waits for: calls within a second go together. */
  notifyLater(topic: Topic, key: string, detail?: string): void
  /** Sets which parts this node hears. Resolves when it does: what was notified before may have been missed. */
  hear(parts: ReadonlySet<number>): Promise<void>
  /**
   * Calls `listener` for notifications of other nodes. `undefined` instead of a key: something may have been missed, so read
   * everything. That is the case after a lost connection, and every five seconds. Returns a function that stops it.
   */
  listen(topic: Topic, listener: TopicListener): () => void
}

export interface DatabaseSettings {
  /**
   * `postgres://USER@HOST:PORT/DATABASE`, with the parameters of the package pg, such as `sslmode`. Several `HOST:PORT` with
   * commas between them are a primary server and its replicas.
   */
  readonly url: string
  /** Instead of the one in the URL. */
  readonly password?: string | undefined
  /** Most connections for queries. One more listens for notifications. */
  readonly pool: number
  /** The PostgreSQL schema of the tables, which is created if it does not exist. */
  readonly schema: string
  /** The name of this node. */
  readonly node: string
  /** Whether the tables are used as they are: for commands that only read. Default: they are created and upgraded. */
  readonly isReader?: boolean | undefined
}
