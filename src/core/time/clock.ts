import { now } from './real-timers.ts'

/** The lab's current time, which tests can set (`lab.clock`). It is used for dates; timeouts run on real timers. */
export interface Clock {
  /** Returns milliseconds since the epoch. */
  now(): number
}

/** The machine's time. */
export const systemClock: Clock = { now }
