import { type Driver, type DriverClient, type DriverQuery, loadDriver, type Notification, typesOf } from './driver.ts'
import { connectionError, DatabaseError, databaseError, isStale } from './errors.ts'
import { databaseAddresses, remember, serverOf } from './hosts.ts'

export interface ConnectionSettings {
  /** May list several hosts, of which the one that is not a standby is used. */
  readonly url: string
  /** Instead of the one in the URL. */
  readonly password?: string | undefined
  /** The PostgreSQL schema of the tables. */
  readonly schema: string
  /** The name of this node, which `pg_stat_activity` shows. */
  readonly node: string
}

const CONNECT_TIMEOUT_MS = 5_000

/**
 * Settings of every session. Statements wait for each other's rows and then see them, whatever the default of the server is.
 * A node that is paused in a transaction loses its locks after a while, and a connection that the network lost is ended by
 * the server.
 */
const sessionSettings = [
  `default_transaction_isolation = 'read committed'`,
  `idle_in_transaction_session_timeout = '10s'`,
  `lock_timeout = '8s'`,
  `tcp_keepalives_idle = 10`,
  `tcp_keepalives_interval = 5`,
  `tcp_keepalives_count = 3`,
  `tcp_user_timeout = '20s'`,
]

/** The names under which statements are prepared, the same on every connection. */
const names = new Map<string, string>()

function nameOf(text: string): string {
  let name = names.get(text)
  if (name === undefined) names.set(text, (name = `s${names.size}`))
  return name
}

/** One connection to the server. Queries are sent immediately, and answered in the order in which they were sent. */
export class Connection {
  /** Number of queries that are not answered yet. */
  inFlight = 0
  isLost = false
  readonly #client: DriverClient
  /** Whether `lost` is called when the connection ends. */
  #isKept = false
  readonly #lost: (connection: Connection) => void

  private constructor(client: DriverClient, lost: (connection: Connection) => void) {
    this.#client = client
    this.#lost = lost
    client.on('error', () => this.destroy())
    client.on('end', () => this.destroy())
  }

  /**
   * Connects to the first host of the URL that accepts changes.
   * @param lost is called once when the connection ends without `end`
   * @throws DatabaseError
   */
  static async open(settings: ConnectionSettings, lost: (connection: Connection) => void): Promise<Connection> {
    let failed: DatabaseError | undefined
    for (const url of databaseAddresses(settings.url)) {
      try {
        const connection = await Connection.#openAt({ ...settings, url }, lost)
        remember(settings.url, url)
        return connection
      } catch (error) {
        const { code, message, cause, sqlState } = databaseError(error)
        const text = failed ? `${failed.message}; ${message}` : message
        failed = new DatabaseError(code, text, { cause, ...(sqlState !== undefined && { sqlState }) })
      }
    }
    throw failed as DatabaseError
  }

  static async #openAt(settings: ConnectionSettings, lost: (connection: Connection) => void): Promise<Connection> {
    const driver = await loadDriver()
    const client = createClient(driver, settings)
    const connection = new Connection(client, lost)
    try {
      await client.connect()
      const statements = [...sessionSettings, `search_path = "${settings.schema}"`].map((one) => `SET ${one}`)
      await connection.run(statements.join(';'))
      const [row] = await connection.ask<{ readonly standby: boolean }>('SELECT pg_is_in_recovery() AS standby')
      if (row?.standby) throw new DatabaseError('disconnected', 'it is a standby, which accepts no changes')
      connection.#isKept = true
      return connection
    } catch (error) {
      connection.destroy()
      throw connectionError(error, serverOf(settings.url))
    }
  }

  /** The process that the server names for this connection. */
  get processId(): number | null {
    return this.#client.processID
  }

  /** Sends a query, which is prepared on its first use: pass texts that do not vary. @throws DatabaseError */
  query<Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return this.#send<Row>({ name: nameOf(text), text, values })
  }

  /** Sends a query as `Database.queryBinary`. @throws DatabaseError */
  queryBinary<Row>(text: string, values: readonly unknown[]): Promise<Row[]> {
    return this.#send<Row>({ name: nameOf(text), text, values, rowMode: 'array', binary: true })
  }

  /** Sends a query without preparing it, which also poolers answer. @throws DatabaseError */
  ask<Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return this.#send<Row>({ text, values })
  }

  /** Sends statements without parameters, which are not prepared. @throws DatabaseError */
  async run(text: string): Promise<void> {
    await this.#send(text)
  }

  /**
   * Begins a transaction. `isLong`: all its queries see the same moment, and it may wait between them.
   * @param token a UUID that is committed with it, so that its outcome can be asked for. Undefined: it cannot
   * @throws DatabaseError
   */
  async begin(token: string | undefined, { isLong = false } = {}): Promise<void> {
    const begin = isLong
      ? 'BEGIN ISOLATION LEVEL REPEATABLE READ; SET LOCAL idle_in_transaction_session_timeout = 0'
      : 'BEGIN'
    await this.run(token === undefined ? begin : `${begin}; INSERT INTO commits (token) VALUES ('${token}')`)
  }

  onNotification(listener: (notification: Notification) => void): void {
    this.#client.on('notification', listener)
  }

  /** Ends the connection immediately. Queries that are not answered fail. */
  destroy(): void {
    if (this.isLost) return
    this.isLost = true
    this.#client.connection.stream.destroy()
    if (this.#isKept) this.#lost(this)
  }

  /** Ends the connection after the answers of all queries. */
  async end(): Promise<void> {
    if (this.isLost) return
    this.#isKept = false
    await this.#client.end().catch(() => this.destroy())
    this.isLost = true
  }

  async #send<Row>(query: DriverQuery | string): Promise<Row[]> {
    return (await this.#request(() => this.#client.query(query))).rows as Row[]
  }

  async #request<T>(send: () => Promise<T>): Promise<T> {
    if (this.isLost) throw new DatabaseError('disconnected', 'the connection to PostgreSQL was lost')
    this.inFlight++
    try {
      return await send()
    } catch (cause) {
      const error = databaseError(cause)
      if (error.code === 'disconnected' || isStale(error)) this.destroy()
      throw error
    } finally {
      this.inFlight--
    }
  }
}

const createClient = (driver: Driver, { url, password, node }: ConnectionSettings): DriverClient =>
  new driver.Client({
    connectionString: password === undefined ? url : withPassword(url, password),
    application_name: `sealpost ${node}`.slice(0, 63),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    pipeline: true,
    types: typesOf(driver),
  })

/** As a parameter of the address: it replaces the password of the address, while the address replaces the driver's option. */
const withPassword = (url: string, password: string): string =>
  `${url}${url.includes('?') ? '&' : '?'}password=${encodeURIComponent(password)}`
