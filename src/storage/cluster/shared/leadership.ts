import type { Logger } from 'pino'
import { clearInterval, performance, setInterval } from '../../../core/time/real-timers.ts'
import type { Database } from '../../database/database-types.ts'
import type { Lease, Leases } from '../../database/leases.ts'
import type { Leadership, Role } from '../types.ts'

/** How often free roles are looked for, and the pause after work that has failed, in milliseconds. */
const LOOK_MS = 1_000
const PAUSE_MS = 5_000

const PREFIX = 'role:'

interface Candidate {
  readonly leadership: Leadership
  /** While this node leads. */
  lease: Lease | undefined
  running: Promise<void> | undefined
  /** No attempt before this moment, by `performance.now()`. */
  notBefore: number
}

/** The roles that this node would take, and those that it has. A role is a lease. */
export class Candidacies {
  readonly #database: Database
  readonly #leases: Leases
  readonly #log: Logger
  readonly #candidates = new Map<Role, Candidate>()
  readonly #stopping = new AbortController()
  readonly #unlisten: readonly (() => void)[]
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> | undefined

  constructor(database: Database, leases: Leases, log: Logger) {
    this.#database = database
    this.#leases = leases
    this.#log = log
    this.#unlisten = [
      database.listen('leases', (key) => {
        if (key?.startsWith(PREFIX)) void this.#look()
      }),
      database.listen('roles', (key) => {
        for (const [role, { lease, leadership }] of this.#candidates) {
          if (lease && (key === undefined || key === role)) leadership.woken?.()
        }
      }),
    ]
  }

  add(role: Role, leadership: Leadership): void {
    this.#candidates.set(role, { leadership, lease: undefined, running: undefined, notBefore: 0 })
    this.#timer ??= setInterval(() => void this.#look(), LOOK_MS).unref()
    void this.#look()
  }

  isLeading(role: Role): boolean {
    return this.#candidates.get(role)?.lease?.signal.aborted === false
  }

  wake(role: Role): void {
    const candidate = this.#candidates.get(role)
    if (candidate?.lease) candidate.leadership.woken?.()
    else this.#database.notify('roles', role)
  }

  /** Returns the node that leads each role. @throws DatabaseError */
  async leaders(): Promise<ReadonlyMap<Role, string>> {
    const held = await this.#leases.list(PREFIX)
    return new Map(Array.from(held, ([key, node]) => [key.slice(PREFIX.length) as Role, node]))
  }

  /** Ends the work of all roles and gives them up. */
  async resign(): Promise<void> {
    this.#stopping.abort()
    clearInterval(this.#timer)
    for (const stop of this.#unlisten) stop()
    await this.#looking
    await Promise.all(Array.from(this.#candidates.values(), ({ running }) => running))
  }

  /** Takes the roles that nobody has. */
  #look(): Promise<void> {
    this.#looking ??= this.#takeFree()
      .catch((err) => this.#log.debug({ err }, 'free roles could not be looked for'))
      .finally(() => {
        this.#looking = undefined
      })
    return this.#looking
  }

  async #takeFree(): Promise<void> {
    const now = performance.now()
    const open = [...this.#candidates].filter(([, one]) => !one.running && one.notBefore <= now)
    if (open.length === 0 || this.#stopping.signal.aborted) return
    const taken = await this.#leases.list(PREFIX)
    for (const [role, candidate] of open) {
      if (taken.has(PREFIX + role) || candidate.running || this.#stopping.signal.aborted) continue
      const lease = await this.#leases.acquire(PREFIX + role)
      if (lease) candidate.running = this.#run(role, candidate, lease)
    }
  }

  async #run(role: Role, candidate: Candidate, lease: Lease): Promise<void> {
    // Not AbortSignal.any: in Node.js 20 its signal can be garbage-collected while somebody waits for it.
    const controller = new AbortController()
    const { signal } = controller
    for (const [one, reason] of [
      [lease.signal, 'lost'],
      [this.#stopping.signal, 'resigned'],
    ] as const) {
      if (one.aborted) controller.abort(reason)
      one.addEventListener('abort', () => controller.abort(reason), { once: true })
    }
    candidate.lease = lease
    this.#log.info({ role }, `this node does the work for all: ${role}`)
    try {
      await candidate.leadership.run(signal)
      if (!signal.aborted) candidate.notBefore = performance.now() + PAUSE_MS
    } catch (err) {
      this.#log.error({ err, role }, 'the work of a role has failed; it is tried again')
      candidate.notBefore = performance.now() + PAUSE_MS
    } finally {
      candidate.lease = undefined
      candidate.running = undefined
      await lease.release()
    }
  }
}
