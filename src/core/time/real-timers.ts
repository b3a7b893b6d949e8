import { performance as monotonic } from 'node:perf_hooks'
import * as timers from 'node:timers'
import { promisify } from 'node:util'

/*
 * The timers and clocks as they were when the library was imported. Fake timers of a test replace the global ones and those
 * of `node:timers`, and would stop the servers, the waits and the time limits of every lab of its process.
 */
export const { setTimeout, clearTimeout, setInterval, clearInterval, setImmediate, clearImmediate } = timers
/** Resolves after some milliseconds, as `setTimeout` of `node:timers/promises`. */
export const delay = promisify(setTimeout)
export const performance: Pick<typeof monotonic, 'now' | 'timeOrigin'> = monotonic
/** The machine's time in milliseconds since the epoch. */
export const now = Date.now
