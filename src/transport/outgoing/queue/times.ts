import type { ConnectorConfig } from '../../../core/config/schema.ts'
import type { Item } from './item.ts'

type Schedule = ConnectorConfig['schedule']

/** Random variation of a pause, as a fraction, so that messages that failed together are not all retried together. */
const JITTER = 0.1

/** Returns when a message that was deferred is tried again; its last attempt is when it is given up. */
export function nextAttempt(item: Item, schedule: Schedule, now: number, random: () => number): number {
  const { retry } = schedule
  const pause = retry[Math.min(item.state.attempts, retry.length) - 1] ?? (retry[0] as number)
  const varied = Math.round(pause * (1 - JITTER + 2 * JITTER * random()))
  return Math.min(now + varied, Math.max(now + 1, givesUpAt(item, schedule)))
}

/** Returns when the lab gives up a message, in milliseconds since the epoch. */
export const givesUpAt = ({ startsAt }: Item, { giveUpAfter }: Schedule): number => startsAt + giveUpAfter

/** Returns when the delay is reported to the sender; undefined if never, or if it was reported already. */
export const warnsAt = ({ startsAt, state }: Item, { delayWarning }: Schedule): number | undefined =>
  delayWarning === 'off' || state.isWarned || state.attempts === 0 ? undefined : startsAt + delayWarning

/** Counts what connectors send, in windows of their `rate`. */
export class SendingRates {
  readonly #windows = new Map<string, { startedAt: number; messages: number }>()

  /** Counts one more message. Returns when it may be sent: now, or when the window ends; then it is not counted. */
  take(connector: string, { rate }: Schedule, now: number): number {
    if (rate === 'off') return now
    const window = this.#windows.get(connector)
    const isOpen = window && now >= window.startedAt && now < window.startedAt + rate.perMs
    if (!isOpen) {
      this.#windows.set(connector, { startedAt: now, messages: 1 })
      return now
    }
    if (window.messages >= rate.messages) return window.startedAt + rate.perMs
    window.messages++
    return now
  }
}
