import type { Logger } from 'pino'

/** When the next round is due: after so many milliseconds, or when woken. */
export type Next = number | 'when woken'

export interface RunnerOptions {
  readonly log: Logger
  /** Longest wait after failures. */
  readonly longestWaitMs: number
  /** Does what there is to do, and says when it is to be called again. */
  readonly round: (signal: AbortSignal) => Promise<Next>
}

/** First wait after a failure; doubled with each further one. */
const FIRST_WAIT_MS = 1_000

/**
 * Calls rounds until it is stopped: when woken or when the time has come, and again after a growing wait where one
 * failed. A failure is logged, and ends nothing but its round.
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

  /** There may be something to do. */
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
        log.warn({ err: error, waitMs }, 'failed, and is tried again')
        await this.#rest(waitMs, false)
      }
    }
  }

  /** Waits for so long (undefined: for ever), until stopped, or until woken where that counts. */
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
