import { performance } from '../core/time/real-timers.ts'
import { type CountedConnection, clientKey } from './client-addresses.ts'

/** Failures of an address are forgotten this long after the last one. */
const FORGET_MS = 10 * 60_000
/** Addresses remembered. The one that failed least recently is forgotten first. */
const MAX_ADDRESSES = 10_000
/** Each failure doubles the delay, up to this multiple of the first. */
const MAX_FACTOR = 4
/** The longest time that a timer of Node.js can measure. */
const MAX_TIMER_MS = 2 ** 31 - 1

/** Failed log-ons by client address, on all virtual servers of a lab together. */
export class FailedLogons {
  /** In the order of the last failure. */
  readonly #byAddress = new Map<string, { count: number; lastAt: number }>()

  /**
   * Returns a function that counts a failed log-on of one connection, and returns the delay of its reply in milliseconds.
   * The connection counts for its address for that time, so a client gains nothing by disconnecting instead of waiting.
   */
  counter(address: string, firstDelayMs: number | 'off', connection: CountedConnection): () => number {
    if (firstDelayMs === 'off') return () => 0
    const key = clientKey(address)
    let failures = 0
    return () => {
      failures++
      const doublings = Math.max(failures, this.#add(key)) - 1
      const delayMs = Math.min(firstDelayMs * Math.min(2 ** doublings, MAX_FACTOR), MAX_TIMER_MS)
      connection.hold(delayMs)
      return delayMs
    }
  }

  /** Counts a failure. Returns the number of recent failures of this address, including this one. */
  #add(key: string): number {
    const now = performance.now()
    const earlier = this.#byAddress.get(key)
    const count = earlier && now - earlier.lastAt < FORGET_MS ? earlier.count + 1 : 1
    this.#byAddress.delete(key)
    this.#byAddress.set(key, { count, lastAt: now })
    const [oldest] = this.#byAddress.keys()
    if (this.#byAddress.size > MAX_ADDRESSES && oldest !== undefined) this.#byAddress.delete(oldest)
    return count
  }
}
