import type { Logger } from 'pino'
import type { Clock } from '../../../core/time/clock.ts'
import { clearTimeout, setTimeout } from '../../../core/time/real-timers.ts'

/** The start of the next round: after this many milliseconds, or when woken. */
export type Next = number | 'when woken'

/** The state of a runner, and the end of its last round. Times are milliseconds since the epoch. */
export interface RunnerStatus {
  /** waiting: for work, or for the next round. retrying: waits after a failure. */
  readonly state: 'running' | 'waiting' | 'retrying'
  /** The end of the last round that succeeded. */
  readonly succeededAt?: number
  /** Why the last round failed, and when. Absent if it succeeded. */
  readonly failure?: { readonly at: number; readonly message: string }
  /** When the next round begins, unless it is woken before. */
  readonly nextAt?: number
}

interface RunnerOptions {
  readonly log: Logger
  readonly clock: Clock
  /** Longest wait after failures, in milliseconds. */
  readonly longestWaitMs: number
  /** Does the pending work and returns when to call it again. */
  readonly round: (signal: AbortSignal) => Promise<Next>
  /** Called after each round. */
  readonly onRound: (status: RunnerStatus) => void
}

/** Wait after the first failure. Doubles with every further failure. */
const FIRST_WAIT_MS = 1_000

/**
 * Calls rounds until it is disposed: when woken, when the next one is due, and after a growing wait if one failed. A failure
 * is logged and ends only its round.
 */
export class Runner implements AsyncDisposable {
  readonly #options: RunnerOptions
  readonly #stopping = new AbortController()
  readonly #running: Promise<void>
  #status: RunnerStatus = { state: 'running' }
  #woken = false
  /** @param always also ends the wait after a failure */
  #interrupt: (always: boolean) => void = () => {}

  constructor(options: RunnerOptions) {
    this.#options = options
    this.#running = this.#run()
  }

  get status(): RunnerStatus {
    return this.#status
  }

  /** Starts the next round now, because there may be work. */
  wake(): void {
    this.#woken = true
    this.#interrupt(false)
  }

  /** Starts the next round now, also if the last one failed. */
  retry(): void {
    this.#woken = true
    this.#interrupt(true)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort()
    this.#interrupt(true)
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    const { log, clock, longestWaitMs, round, onRound } = this.#options
    let waitMs = 0
    while (!signal.aborted) {
      this.#woken = false
      const { nextAt: _, ...before } = this.#status
      this.#status = { ...before, state: 'running' }
      try {
        const next = await round(signal)
        waitMs = 0
        const succeededAt = clock.now()
        const nextAt = next === 'when woken' ? {} : { nextAt: succeededAt + next }
        this.#status = { state: 'waiting', succeededAt, ...nextAt }
        onRound(this.#status)
        if (!this.#woken && !signal.aborted) await this.#rest(next === 'when woken' ? undefined : next, true)
      } catch (error) {
        if (signal.aborted) return
        waitMs = Math.min(Math.max(FIRST_WAIT_MS, waitMs * 2), longestWaitMs)
        const at = clock.now()
        const failure = { at, message: (error as Error).message }
        this.#status = { ...this.#status, state: 'retrying', failure, nextAt: at + waitMs }
        onRound(this.#status)
        log.warn({ err: error, waitMs }, 'round failed; it will be retried')
        await this.#rest(waitMs, false)
      }
    }
  }

  /** Waits until the time is over (undefined: without limit), until stopped or retried, or until woken if `wakeable`. */
  #rest(ms: number | undefined, wakeable: boolean): Promise<void> {
    return new Promise((resolve) => {
      const timer = ms === undefined ? undefined : setTimeout(resolve, ms)
      timer?.unref()
      this.#interrupt = (always) => {
        if (!always && !wakeable) return
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
