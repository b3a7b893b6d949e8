import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { MemoryBudget } from '../../core/octets/memory-budget.ts'
import { systemClock } from '../../core/time/clock.ts'
import { clearInterval, setInterval } from '../../core/time/real-timers.ts'
import type { Tally, Traffic } from './traffic.ts'

/** Values by protocol, or by kind of message. Those that are 0 are left out. */
type Counts = Readonly<Record<string, number>>

/** The events of one interval, and the state at its end. */
export interface StatisticsSample {
  /** End of the interval, milliseconds since the epoch, by the clock of the machine. */
  readonly at: number
  /** By protocol. */
  readonly connections: Counts
  readonly completedHandshakes: Counts
  readonly failedHandshakes: Counts
  readonly refusedSessions: Counts
  /** By kind: mail, captured, news. */
  readonly messages: Counts
  /** Messages that were deleted because the store was full, by kind. */
  readonly droppedMessages: Counts
  /** At the end of the interval, by protocol. */
  readonly openConnections: Counts
  readonly memory: { readonly residentOctets: number; readonly heapOctets: number; readonly clientOctets: number }
  readonly eventLoopDelay: { readonly meanMs: number; readonly maxMs: number }
}

const INTERVAL_MS = 10_000
/** One hour. */
const KEPT_SAMPLES = 360
/** How often the delay of the event loop is measured. Each measurement wakes an idle process. */
const DELAY_RESOLUTION_MS = 50
const NANOSECONDS_PER_MS = 1e6

/** Samples of the traffic and the load of the last hour. They exist before anyone looks at them. */
export class Statistics implements Disposable {
  readonly intervalMs = INTERVAL_MS
  readonly #traffic: Traffic
  readonly #memory: MemoryBudget
  readonly #delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS })
  readonly #timer: NodeJS.Timeout
  readonly #samples: StatisticsSample[] = []
  /** The counts at the end of the last interval. */
  #before: ReturnType<typeof countsOf>

  constructor(traffic: Traffic, memory: MemoryBudget) {
    this.#traffic = traffic
    this.#memory = memory
    this.#before = countsOf(traffic)
    this.#delay.enable()
    this.#timer = setInterval(() => this.#endInterval(), INTERVAL_MS).unref()
  }

  /** The samples of the intervals that have ended, the oldest first. */
  get samples(): readonly StatisticsSample[] {
    return this.#samples
  }

  /** Returns a sample of the interval that has not ended. */
  current(): StatisticsSample {
    const counts = countsOf(this.#traffic)
    const { rss: residentOctets, heapUsed: heapOctets } = process.memoryUsage()
    const clientOctets = this.#memory.usage.used
    return {
      at: systemClock.now(),
      connections: difference(counts.connections, this.#before.connections),
      completedHandshakes: difference(counts.completedHandshakes, this.#before.completedHandshakes),
      failedHandshakes: difference(counts.failedHandshakes, this.#before.failedHandshakes),
      refusedSessions: difference(counts.refusedSessions, this.#before.refusedSessions),
      messages: difference(counts.messages, this.#before.messages),
      droppedMessages: difference(counts.droppedMessages, this.#before.droppedMessages),
      openConnections: difference(sumBy(this.#traffic.openConnections, 'protocol'), {}),
      memory: { residentOctets, heapOctets, clientOctets },
      eventLoopDelay: { meanMs: delayMs(this.#delay.mean), maxMs: delayMs(this.#delay.max) },
    }
  }

  #endInterval(): void {
    this.#samples.push(this.current())
    if (this.#samples.length > KEPT_SAMPLES) this.#samples.shift()
    this.#before = countsOf(this.#traffic)
    this.#delay.reset()
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    this.#delay.disable()
  }
}

const countsOf = ({ connections, handshakes, refused, messages, dropped }: Traffic) => ({
  connections: sumBy(connections, 'protocol'),
  completedHandshakes: sumBy(handshakes, 'protocol', 'completed'),
  failedHandshakes: sumBy(handshakes, 'protocol', 'failed'),
  refusedSessions: sumBy(refused, 'protocol'),
  messages: sumBy(messages, 'kind'),
  droppedMessages: sumBy(dropped, 'kind'),
})

/** Adds the values of a tally by one of its labels, all or those with an outcome. */
function sumBy(tally: Tally, label: string, outcome?: string): Counts {
  const sums: Record<string, number> = {}
  for (const { labels, value } of tally.samples) {
    if (outcome !== undefined && labels.outcome !== outcome) continue
    const key = String(labels[label])
    sums[key] = (sums[key] ?? 0) + value
  }
  return sums
}

const difference = (now: Counts, before: Counts): Counts =>
  Object.fromEntries(
    Object.entries(now)
      .map(([key, value]) => [key, value - (before[key] ?? 0)] as const)
      .filter(([, value]) => value !== 0),
  )

/** The monitor measures the time between its ticks. NaN: there was none. */
const delayMs = (nanoseconds: number): number =>
  Number.isNaN(nanoseconds)
    ? 0
    : Math.max(0, Math.round((nanoseconds / NANOSECONDS_PER_MS - DELAY_RESOLUTION_MS) * 100) / 100)
