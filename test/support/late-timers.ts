import type * as RealTimers from '../../src/core/time/real-timers.ts'

/**
 * Timers of the lab that fake timers replace, for tests of its own time limits:
 * `vi.mock('…/real-timers.ts', …)`. The file belongs to the isolated ones in
 * vitest.config.ts.
 */
export const lateTimers =
  (...names: readonly (keyof typeof RealTimers)[]) =>
  async (original: () => Promise<unknown>): Promise<typeof RealTimers> => {
    const late = {
      setTimeout: (...args: Parameters<typeof setTimeout>) => globalThis.setTimeout(...args),
      clearTimeout: (timer?: NodeJS.Timeout) => globalThis.clearTimeout(timer),
      setInterval: (...args: Parameters<typeof setInterval>) => globalThis.setInterval(...args),
      clearInterval: (timer?: NodeJS.Timeout) => globalThis.clearInterval(timer),
      performance: { now: () => globalThis.performance.now() },
      now: () => Date.now(),
    }
    const chosen = Object.entries(late).filter(([name]) => names.some((one) => one === name))
    return { ...((await original()) as typeof RealTimers), ...Object.fromEntries(chosen) }
  }
