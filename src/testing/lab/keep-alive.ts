import { clearInterval, setInterval } from '../../core/time/real-timers.ts'

/** Longest time that a timer of Node.js can measure. */
const MAX_TIMER_MS = 2 ** 31 - 1

/** Keeps the process running, which the ports of a test's lab do not. Returns the function that ends it. */
export function keepAlive(): () => void {
  const timer = setInterval(() => {}, MAX_TIMER_MS)
  return () => clearInterval(timer)
}
