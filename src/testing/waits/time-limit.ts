import { systemClock } from '../../core/time/clock.ts'

/** Longest wait if a test sets no other, in milliseconds. Less than the time-outs of vitest and Jest, 5,000 ms. */
const DEFAULT_MS = 2_000
/** Mocha's tests time out after 2,000 ms. */
const MOCHA_MS = 1_500
/** A wait is not shortened below this, unless the whole test has less than twice as much. */
const LEAST_MS = 500
/** The share of the remaining time that is left to the test for its report. */
const RESERVE = 0.2

/** The test that runs now. */
interface RunningTest {
  readonly startedAt?: number | null
  readonly timeoutMs?: number | undefined
}

/** Places where runners keep the state of a test. Both are internal, so every value is checked. */
interface RunnerGlobals {
  readonly __vitest_worker__?: {
    readonly current?: {
      readonly type?: string
      readonly concurrent?: boolean
      readonly timeout?: number
      readonly result?: { readonly state?: string; readonly startTime?: number }
    }
  }
}

interface JestState {
  readonly testTimeout?: number
  readonly currentlyRunningTest?: { readonly startedAt?: number | null; readonly timeout?: number } | null
}

function vitestTest(): RunningTest | undefined {
  const test = (globalThis as RunnerGlobals).__vitest_worker__?.current
  // With concurrent tests, the current one may be another.
  if (test?.type !== 'test' || test.concurrent || test.result?.state !== 'run') return undefined
  return { startedAt: test.result.startTime ?? null, timeoutMs: test.timeout }
}

function jestTest(): RunningTest | undefined {
  const key = Object.getOwnPropertySymbols(globalThis).find(({ description }) => description === 'JEST_STATE_SYMBOL')
  const state = key && ((globalThis as Record<symbol, unknown>)[key] as JestState | undefined)
  const test = state?.currentlyRunningTest
  return test ? { startedAt: test.startedAt ?? null, timeoutMs: test.timeout ?? state?.testTimeout } : undefined
}

const runsInMocha = (): boolean => /[\\/]mocha(?:[\\/.]|$)/.test(process.argv[1] ?? '')

/**
 * Returns how long a wait takes at most if the test does not say, in milliseconds: 2,000 or, where the runner shows the
 * time that the test has left, less. Otherwise the runner would end the test before the wait can report what arrived.
 */
export function defaultTimeoutMs(nowMs = systemClock.now()): number {
  const { startedAt, timeoutMs } = vitestTest() ?? jestTest() ?? {}
  if (typeof startedAt !== 'number' || typeof timeoutMs !== 'number') return runsInMocha() ? MOCHA_MS : DEFAULT_MS
  const remaining = (startedAt + timeoutMs - nowMs) * (1 - RESERVE)
  const least = Math.min(LEAST_MS, timeoutMs / 2)
  // No limit is 0 or Infinity.
  return timeoutMs > 0 ? Math.floor(Math.min(DEFAULT_MS, Math.max(remaining, least))) : DEFAULT_MS
}
