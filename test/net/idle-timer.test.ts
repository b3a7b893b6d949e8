import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { IdleTimer } from '../../src/net/idle-timer.ts'

vi.mock('../../src/core/time/real-timers.ts', async (original) => {
  const { lateTimers } = await import('../support/late-timers.ts')
  return lateTimers('setTimeout', 'clearTimeout', 'performance')(original)
})

const TIMEOUT_MS = 10_000

describe('the idle timer', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  /** Lets the client send something every `intervalMs`, and returns how long the timer lets it. */
  function idleAfter(isPaced: boolean, intervalMs: number, send: (timer: IdleTimer) => void): number | 'never' {
    const onTimeout = vi.fn()
    const timer = new IdleTimer(TIMEOUT_MS, onTimeout)
    timer.isPaced = isPaced
    timer.wait()
    for (let elapsedMs = 0; elapsedMs < 100_000; elapsedMs += intervalMs) {
      vi.advanceTimersByTime(intervalMs)
      if (onTimeout.mock.calls.length > 0) return elapsedMs + intervalMs
      send(timer)
      timer.wait()
    }
    timer.stop()
    return 'never'
  }

  it('is restarted by every octet', () => {
    expect(idleAfter(false, 9_000, (timer) => timer.content(1))).toBe('never')
    expect(idleAfter(false, 9_000, () => {})).toBe('never')
    expect(idleAfter(false, 10_000, (timer) => timer.progress())).toBe(10_000)
  })

  describe('while paced', () => {
    it('is restarted by complete lines', () => {
      expect(idleAfter(true, 9_000, (timer) => timer.progress())).toBe('never')
    })

    it('is not restarted by parts of a line', () => {
      expect(idleAfter(true, 1_000, () => {})).toBe(10_000)
    })

    it('is restarted by message content at 500 octets per second, not below', () => {
      expect(idleAfter(true, 1_000, (timer) => timer.content(500))).toBe('never')
      expect(idleAfter(true, 1_000, (timer) => timer.content(499))).toBe(10_000)
    })

    it('is restarted when content that came late catches up', () => {
      let calls = 0
      expect(idleAfter(true, 1_000, (timer) => timer.content(calls++ % 8 === 7 ? 4_000 : 1))).toBe('never')
    })
  })

  it('is no longer paced after a log-on', () => {
    const onTimeout = vi.fn()
    const timer = new IdleTimer(TIMEOUT_MS, onTimeout)
    timer.isPaced = true
    timer.wait()
    vi.advanceTimersByTime(9_000)
    timer.isPaced = false
    timer.wait()
    vi.advanceTimersByTime(9_000)
    expect(onTimeout).not.toHaveBeenCalled()
  })
})
