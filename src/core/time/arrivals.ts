import { clearTimeout, setImmediate, setTimeout } from './real-timers.ts'

/** A message that a client is sending, or is about to send. */
export type Arrival = number

/** In place of an arrival that never began. */
export const NO_ARRIVAL: Arrival = 0

/**
 * The messages that clients are sending, so that a store can write those that arrive together in one transaction. If a message
 * misses one wait, the store does not wait for it again, so a client that stalls delays the others once.
 */
export class Arrivals {
  /** Number of messages that are waited for. */
  #open = 0
  /** Number of waits that timed out, plus 1. An arrival from an earlier round is ignored. */
  #round = 1
  /** Called when no message is left that is waited for. */
  #allArrived: (() => void) | undefined

  /** Notes that a client sends a message, or is about to. Pass the result to `end`. */
  begin(): Arrival {
    this.#open++
    return this.#round
  }

  /** Whether the store waits for a message. It does not if the message has missed a wait, or never began. */
  waitsFor(arrival: Arrival): boolean {
    return arrival === this.#round
  }

  /** Notes that a message has arrived, or will not. Call it once for each arrival. */
  end(arrival: Arrival): void {
    if (arrival === this.#round && --this.#open === 0) this.#allArrived?.()
  }

  /** Waits until the messages that are arriving have reached the store, but not longer than `maxMs`. Undefined if none is arriving. */
  wait(maxMs: number): Promise<void> | undefined {
    if (this.#open === 0) return undefined
    return new Promise((resolve) => {
      const end = (): void => {
        this.#allArrived = undefined
        clearTimeout(timer)
        resolve()
      }
      const timer = setTimeout(() => {
        this.#round++
        this.#open = 0
        end()
      }, maxMs)
      this.#allArrived = () => {
        // The last message reaches the store in this turn of the event loop. Another one may begin meanwhile.
        setImmediate(() => {
          if (this.#open === 0) end()
        })
      }
    })
  }
}
