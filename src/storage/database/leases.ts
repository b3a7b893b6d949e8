import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import { clearInterval, clearTimeout, performance, setInterval, setTimeout } from '../../core/time/real-timers.ts'
import type { Database } from './database-types.ts'

/** How often somebody who waits for a lease asks for it, in milliseconds. Usually a notification comes first. */
const ASK_MS = 500

/** How long a lease lasts without a renewal, and how often it is renewed, in milliseconds. */
const LEASE_MS = 8_000
const RENEW_MS = 2_000

/** A right that one holder at a time has in all nodes. It ends by the clock of the database if its node does not renew it. */
export interface Lease {
  readonly key: string
  /** Aborted when another node may have the lease: it was not renewed for so long, or somebody has taken it. */
  readonly signal: AbortSignal
  /** Gives the lease up. Further calls have no effect. Never rejects: without a database, the lease expires. */
  release(): Promise<void>
}

interface Held {
  readonly key: string
  readonly token: string
  readonly controller: AbortController
  /** Ends the signal when the lease is not renewed in time. */
  timer: NodeJS.Timeout
}

const ACQUIRE = `INSERT INTO leases (key, node, token, expires_at)
  VALUES ($1, $2, $3, clock_timestamp() + $4 * interval '1 millisecond')
  ON CONFLICT (key) DO UPDATE SET node = excluded.node, token = excluded.token, expires_at = excluded.expires_at
  WHERE leases.expires_at <= clock_timestamp()
  RETURNING key`
/** Returns the leases that are still held. */
const RENEW = `UPDATE leases SET expires_at = clock_timestamp() + $3 * interval '1 millisecond'
  FROM unnest($1::text[], $2::text[]) AS held (key, token)
  WHERE leases.key = held.key AND leases.token = held.token
  RETURNING leases.token`
const RELEASE = 'DELETE FROM leases WHERE key = $1 AND token = $2'

/** The leases that a node holds, which one timer renews. */
export class Leases implements AsyncDisposable {
  readonly #database: Database
  readonly #log: Logger
  readonly #held = new Map<string, Held>()
  #timer: NodeJS.Timeout | undefined
  #isRenewing = false

  constructor(database: Database, log: Logger) {
    this.#database = database
    this.#log = log
  }

  /** Returns a lease, or undefined if somebody has it. @throws DatabaseError */
  async acquire(key: string): Promise<Lease | undefined> {
    const token = randomUUID()
    const since = performance.now()
    const got = await this.#database.query(ACQUIRE, [key, this.#database.node, token, LEASE_MS])
    if (got.length === 0) return undefined
    const controller = new AbortController()
    const held: Held = { key, token, controller, timer: this.#endAt(controller, since) }
    this.#held.set(token, held)
    this.#timer ??= setInterval(() => void this.#renew(), RENEW_MS).unref()
    return {
      key,
      signal: controller.signal,
      release: () => this.#release(held),
    }
  }

  /** Returns a lease as soon as nobody else has it. @throws DatabaseError */
  async wait(key: string): Promise<Lease> {
    for (;;) {
      const lease = await this.acquire(key)
      if (lease) return lease
      await new Promise<void>((resolve) => {
        const timer = setTimeout(end, ASK_MS)
        const stop = this.#database.listen('leases', (released) => released === key && end())
        function end(): void {
          clearTimeout(timer)
          stop()
          resolve()
        }
      })
    }
  }

  /** Returns the keys that begin with a text and that somebody has, with the node of each. @throws DatabaseError */
  async list(prefix: string): Promise<ReadonlyMap<string, string>> {
    const rows = await this.#database.query<{ readonly key: string; readonly node: string }>(
      'SELECT key, node FROM leases WHERE starts_with(key, $1) AND expires_at > clock_timestamp()',
      [prefix],
    )
    return new Map(rows.map(({ key, node }) => [key, node]))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    await Promise.all(Array.from(this.#held.values(), (held) => this.#release(held)))
  }

  async #renew(): Promise<void> {
    if (this.#isRenewing || this.#held.size === 0) return
    this.#isRenewing = true
    const held = [...this.#held.values()]
    const since = performance.now()
    try {
      const [keys, tokens] = [held.map(({ key }) => key), held.map(({ token }) => token)]
      const rows = await this.#database.query<{ readonly token: string }>(RENEW, [keys, tokens, LEASE_MS])
      const ours = new Set(rows.map(({ token }) => token))
      for (const one of held) {
        if (!ours.has(one.token)) this.#lose(one)
        else {
          clearTimeout(one.timer)
          one.timer = this.#endAt(one.controller, since)
        }
      }
    } catch (err) {
      this.#log.debug({ err }, 'leases could not be renewed')
    } finally {
      this.#isRenewing = false
    }
  }

  #endAt(controller: AbortController, since: number): NodeJS.Timeout {
    return setTimeout(() => controller.abort(), LEASE_MS - (performance.now() - since)).unref()
  }

  #lose(held: Held): void {
    if (!this.#held.delete(held.token)) return
    clearTimeout(held.timer)
    held.controller.abort()
    this.#log.warn({ lease: held.key }, 'another node has taken a lease, because it was not renewed in time')
  }

  async #release(held: Held): Promise<void> {
    if (!this.#held.delete(held.token)) return
    clearTimeout(held.timer)
    held.controller.abort()
    try {
      await this.#database.query(RELEASE, [held.key, held.token])
      this.#database.notify('leases', held.key)
    } catch (err) {
      this.#log.debug({ err, lease: held.key }, 'a lease could not be given up, and expires')
    }
  }
}
