import type { Logger } from 'pino'

/** The start of the next round: after this many milliseconds, or when woken. */
export type Next = number | 'when woken'

export interface RunnerOptions {
  readonly log: Logger
  /** Longest wait after failures, in milliseconds. */
  readonly longestWaitMs: number
  /** Does the pending work and returns when to call it again. */
  readonly round: (signal: AbortSignal) => Promise<Next>
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
  #woken = false
  #interrupt: (stopping: boolean) => void = () => {}

  constructor(options: RunnerOptions) {
    this.#options = options
    this.#running = this.#run()
  }

  /** Starts the next round now, because there may be work. */
  wake(): void {
    this.#woken = true
    this.#interrupt(false)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort()
    this.#interrupt(true)
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    const { log, longestWaitMs, round } = this.#options
    let waitMs = 0
    while (!signal.aborted) {
      this.#woken = false
      try {
        const next = await round(signal)
        waitMs = 0
        if (!this.#woken && !signal.aborted) await this.#rest(next === 'when woken' ? undefined : next, true)
      } catch (error) {
        if (signal.aborted) return
        waitMs = Math.min(Math.max(FIRST_WAIT_MS, waitMs * 2), longestWaitMs)
        log.warn({ err: error, waitMs }, 'round failed; it will be retried')
        await this.#rest(waitMs, false)
      }
    }
  }

  /** Waits until the time is over (undefined: without limit), until stopped, or until woken if `wakeable`. */
  #rest(ms: number | undefined, wakeable: boolean): Promise<void> {
    return new Promise((resolve) => {
      const timer = ms === undefined ? undefined : setTimeout(resolve, ms)
      timer?.unref()
      this.#interrupt = (stopping) => {
        if (!stopping && !wakeable) return
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
