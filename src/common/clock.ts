/** The lab's sense of time; tests move it (`lab.clock`). Time-outs run on real timers, dates on this. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
}

/** The machine's own time. */
export const systemClock: Clock = { now: () => Date.now() }
