import { clearTimeout, setTimeout } from '../../core/time/real-timers.ts'
import { Connection, type ConnectionSettings } from './connection.ts'
import { DatabaseError } from './errors.ts'

/** Most queries that share a connection, once all connections are open. */
const MAX_USERS = 16
/** How long a call waits for a connection. */
const WAIT_MS = 10_000

export interface PoolUsage {
  readonly connections: number
  readonly busy: number
  readonly waiting: number
}

interface Member {
  readonly connection: Connection
  users: number
  isAlone: boolean
}

interface Waiter {
  readonly alone: boolean
  readonly take: (member: Member) => void
  readonly fail: (error: DatabaseError) => void
}

interface PoolEvents {
  /** Called when a connection ends by itself or cannot be opened. */
  readonly lost: () => void
  /** Called with each new connection. It is used when this resolves. @throws DatabaseError */
  readonly admit: (connection: Connection) => Promise<void>
}

/** The connections of a node. Queries share them; a transaction has one alone. */
export class Pool {
  readonly #settings: ConnectionSettings
  readonly #most: number
  readonly #lost: () => void
  readonly #admit: (connection: Connection) => Promise<void>
  #members: readonly Member[] = []
  /** Connections that may not be used yet. */
  readonly #entering = new Set<Connection>()
  #opening = 0
  #waiters: readonly Waiter[] = []
  #isClosed = false

  constructor(settings: ConnectionSettings, most: number, { lost, admit }: PoolEvents) {
    this.#settings = settings
    this.#most = most
    this.#lost = lost
    this.#admit = admit
  }

  /** How many connections are open, how many of them are in use, and how many calls wait for one. */
  get usage(): PoolUsage {
    const members = this.#members
    return {
      connections: members.length,
      busy: members.filter(({ users }) => users > 0).length,
      waiting: this.#waiters.length,
    }
  }

  /** Calls `work` with a connection that queries of others share. @throws DatabaseError, and what `work` throws */
  shared<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    return this.#use(false, work)
  }

  /** Calls `work` with a connection that nobody else uses. @throws DatabaseError, and what `work` throws */
  alone<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    return this.#use(true, work)
  }

  /** Ends all connections immediately: the server does not answer any more. */
  drop(): void {
    const members = this.#members
    this.#members = []
    for (const connection of [...members.map((one) => one.connection), ...this.#entering]) connection.destroy()
  }

  /** Fails the calls that wait for a connection. */
  failWaiters(error: DatabaseError): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const waiter of waiters) waiter.fail(error)
  }

  /** Ends all connections after the answers of their queries. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.failWaiters(new DatabaseError('closed', 'the database is closed'))
    await Promise.all(this.#members.map(({ connection }) => connection.end()))
  }

  async #use<T>(alone: boolean, work: (connection: Connection) => Promise<T>): Promise<T> {
    const member = this.#take(alone) ?? (await this.#wait(alone))
    try {
      return await work(member.connection)
    } finally {
      member.users--
      member.isAlone = false
      this.#serve()
    }
  }

  /** Returns a connection that is free now. */
  #take(alone: boolean): Member | undefined {
    let best: Member | undefined
    for (const member of this.#members) {
      if (!member.isAlone && (!best || member.users < best.users)) best = member
    }
    if (!best || (best.users > 0 && !this.#mayShare(alone, best))) return undefined
    best.users++
    best.isAlone = alone
    return best
  }

  #mayShare(alone: boolean, { users }: Member): boolean {
    return !alone && users < MAX_USERS && this.#members.length >= this.#most
  }

  #wait(alone: boolean): Promise<Member> {
    if (this.#isClosed) return Promise.reject(new DatabaseError('closed', 'the database is closed'))
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters = this.#waiters.filter((one) => one !== waiter)
        reject(new DatabaseError('busy', 'no connection to PostgreSQL became free; raise store.pool'))
      }, WAIT_MS)
      const waiter: Waiter = {
        alone,
        take: (member) => {
          clearTimeout(timer)
          resolve(member)
        },
        fail: (error) => {
          clearTimeout(timer)
          reject(error)
        },
      }
      this.#waiters = [...this.#waiters, waiter]
      this.#openMissing()
    })
  }

  /** Gives connections to those who wait, in their order. */
  #serve(): void {
    for (let next = this.#waiters[0]; next; next = this.#waiters[0]) {
      const member = this.#take(next.alone)
      if (!member) break
      this.#waiters = this.#waiters.slice(1)
      next.take(member)
    }
    this.#openMissing()
  }

  #openMissing(): void {
    const room = this.#most - this.#members.length - this.#opening
    const missing = Math.min(this.#waiters.length - this.#opening, room)
    for (let i = 0; i < missing && !this.#isClosed; i++) void this.#open()
  }

  async #open(): Promise<void> {
    this.#opening++
    try {
      const connection = await Connection.open(this.#settings, (lost) => {
        this.#members = this.#members.filter((member) => member.connection !== lost)
        this.#lost()
      })
      if (!this.#isClosed) await this.#enter(connection)
      if (this.#isClosed) return void (await connection.end())
      if (!connection.isLost) this.#members = [...this.#members, { connection, users: 0, isAlone: false }]
    } catch (error) {
      // The others can wait for the connections that exist.
      if (this.#members.length === 0) this.failWaiters(error as DatabaseError)
      this.#lost()
    } finally {
      this.#opening--
      this.#serve()
    }
  }

  async #enter(connection: Connection): Promise<void> {
    this.#entering.add(connection)
    try {
      await this.#admit(connection)
    } catch (error) {
      connection.destroy()
      throw error
    } finally {
      this.#entering.delete(connection)
    }
  }
}
