/** The lab's sense of time; tests move it (`lab.clock`). Time-outs run on real timers, dates on this. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
}

export const systemClock: Clock = { now: () => Date.now() }
