import { clearTimeout, performance, setTimeout } from '../core/time/real-timers.ts'

/**
 * Least rate of message content before log-on, as Postfix's `smtpd_min_data_rate`. A lower rate, averaged since the timer
 * last restarted, does not restart it.
 */
const MIN_OCTETS_PER_SECOND = 500

/** Reports a client that keeps the server waiting for too long. */
export class IdleTimer {
  readonly #timeoutMs: number
  readonly #onTimeout: () => void
  #timer: NodeJS.Timeout | undefined
  #isStopped = false
  /** Whether single octets do not restart the timer. */
  #isPaced = false
  #hasProgress = true
  #contentOctets = 0
  #restartedAt = 0
  readonly #check = (): void => {
    const leftMs = this.#restartedAt + this.#timeoutMs - performance.now()
    if (leftMs > 0) return this.#start(leftMs)
    this.#timer = undefined
    this.#onTimeout()
  }

  constructor(timeoutMs: number, onTimeout: () => void) {
    this.#timeoutMs = timeoutMs
    this.#onTimeout = onTimeout
  }

  /**
   * While paced, only complete lines and messages restart the timer, and message content at a minimum rate. A client that
   * sends one octet from time to time cannot keep its connection.
   */
  set isPaced(isPaced: boolean) {
    this.#isPaced = isPaced
    this.#hasProgress = true
  }

  /** Reports a complete line, literal or message. */
  progress(): void {
    this.#hasProgress = true
  }

  /** Reports received octets of a message. */
  content(octets: number): void {
    this.#contentOctets += octets
  }

  /** Starts the timer. Call it when the server begins to wait for octets of the client. */
  wait(): void {
    const now = performance.now()
    if (!this.#isPaced || this.#hasProgress || this.#isFastEnough(now)) this.#restart(now)
  }

  restart(): void {
    this.#restart(performance.now())
  }

  /** Ends the timer for good. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#isStopped = true
  }

  /** Only notes the moment if the timer of Node.js runs: setting that takes longer, and every command restarts this one. */
  #restart(now: number): void {
    this.#restartedAt = now
    this.#hasProgress = false
    this.#contentOctets = 0
    if (!this.#timer) this.#start(this.#timeoutMs)
  }

  #start(ms: number): void {
    if (this.#isStopped) return
    this.#timer = setTimeout(this.#check, ms)
    this.#timer.unref()
  }

  #isFastEnough(now: number): boolean {
    const elapsedMs = now - this.#restartedAt
    return this.#contentOctets > 0 && this.#contentOctets * 1000 >= elapsedMs * MIN_OCTETS_PER_SECOND
  }
}
