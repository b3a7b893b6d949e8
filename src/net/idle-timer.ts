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
  /** Whether single octets do not restart the timer. */
  #isPaced = false
  #hasProgress = true
  #contentOctets = 0
  #restartedAt = 0

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
    if (!this.#isPaced || this.#hasProgress || this.#isFastEnough()) this.restart()
  }

  restart(): void {
    if (this.#timer) this.#timer.refresh()
    else {
      this.#timer = setTimeout(this.#onTimeout, this.#timeoutMs)
      this.#timer.unref()
    }
    if (!this.#isPaced) return
    this.#hasProgress = false
    this.#contentOctets = 0
    this.#restartedAt = performance.now()
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  #isFastEnough(): boolean {
    const elapsedMs = performance.now() - this.#restartedAt
    return this.#contentOctets > 0 && this.#contentOctets * 1000 >= elapsedMs * MIN_OCTETS_PER_SECOND
  }
}
