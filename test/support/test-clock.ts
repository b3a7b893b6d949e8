import type { Clock } from '../../src/core/time/clock.ts'

/** A clock that stands still until a test moves it. Starts at 2026-11-25 12:00:00 UTC. */
export class TestClock implements Clock {
  ms = Date.UTC(2026, 10, 25, 12)
  now(): number {
    return this.ms
  }
}
