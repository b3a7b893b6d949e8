import type { SessionRecorder } from '../core/sessions/types.ts'
import { clearTimeout, setTimeout } from '../core/time/real-timers.ts'
import type { Transport } from './transport.ts'

/** Limits on a client before it logs on. */
export interface LogonLimits {
  /** The time that is left to log on; undefined for no limit. */
  readonly timeoutMs: number | undefined
  /** Counts a failed log-on. Returns how long its reply is delayed. */
  readonly countFailure: () => number
}

/** Limits one client until it has logged on: its time, its rate, and how fast it can try passwords. */
export class LogonGuard {
  readonly #limits: LogonLimits
  readonly #transport: Transport
  readonly #record: SessionRecorder
  #timer: NodeJS.Timeout | undefined

  constructor(limits: LogonLimits, transport: Transport, record: SessionRecorder) {
    this.#limits = limits
    this.#transport = transport
    this.#record = record
    transport.idle.isPaced = true
    if (limits.timeoutMs === undefined) return
    this.#startTimeout(limits.timeoutMs)
  }

  /** Ends all limits: the client has logged on. */
  succeeded(): void {
    this.#transport.idle.isPaced = false
    this.#transport.keepAlive()
    this.cancelTimeout()
  }

  /** Starts the limits again: the session has forgotten who the client is. A time limit that still runs is not extended. */
  forgotten(): void {
    this.#transport.idle.isPaced = true
    if (this.#limits.timeoutMs !== undefined && this.#timer === undefined) this.#startTimeout(this.#limits.timeoutMs)
  }

  /** Ends the time limit alone: the client uses the server without a log-on, or the connection is closed. */
  cancelTimeout(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** Delays the reply to a failed log-on, each one longer than the one before. @throws ConnectionEnded */
  async delayFailure(): Promise<void> {
    const delayMs = this.countFailure()
    if (delayMs > 0) await this.#transport.pause(delayMs)
  }

  /** Counts a failed log-on. Returns how long its reply must be delayed, in milliseconds. */
  countFailure(): number {
    const delayMs = this.#limits.countFailure()
    if (delayMs > 0)
      this.#record.note(`the reply to the failed log-on is delayed by ${delayMs} ms (limits.failedLogonDelay)`)
    return delayMs
  }

  #startTimeout(timeoutMs: number): void {
    this.#timer = setTimeout(() => {
      if (this.#transport.isClosed) return
      this.#record.refused('no log-on within the time limit (limits.logonTimeout)')
      this.#transport.interrupt('log-on timeout')
    }, timeoutMs)
    this.#timer.unref()
  }
}
