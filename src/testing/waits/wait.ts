import { clearTimeout, setTimeout } from '../../core/time/real-timers.ts'
import type { Call } from '../calls/call.ts'
import { defaultTimeoutMs } from './time-limit.ts'

/** Limits of a wait. */
export interface WaitOptions {
  /** Milliseconds. Default: 2,000, less if vitest or Jest would end the test before that; 1,500 with mocha. */
  readonly timeout?: number
  /** Ends the wait: it rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

/** Ends a wait. The first call counts. */
export interface Settle<T> {
  resolve(value: T): void
  reject(error: unknown): void
}

/** The description of a wait. */
interface Waited<T> {
  /** Starts to look, and calls `settle` once. Returns the function that stops looking. */
  start(settle: Settle<T>): () => void
  /** Returns the error of a wait that took too long. */
  timedOut(timeoutMs: number): Error | Promise<Error>
}

/** Waits within the limits of `options`. Errors point at the call. @throws what `timedOut` returns; the signal's reason */
export function wait<T>(call: Call, options: WaitOptions = {}, { start, timedOut }: Waited<T>): Promise<T> {
  call.check('waitOptions', options, 'options')
  const { timeout = defaultTimeoutMs(), signal } = options
  return new Promise((resolve, reject) => {
    let isSettled = false
    let stop: (() => void) | undefined
    const settle = (finish: () => void): void => {
      if (isSettled) return
      isSettled = true
      stop?.()
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      finish()
    }
    const fail = (error: unknown): void => settle(() => reject(error))
    const failHere = (error: Error): void => fail(call.at(error))
    const onAbort = (): void => fail(signal?.reason)
    const timer = setTimeout(() => Promise.resolve(timedOut(timeout)).then(failHere, failHere), timeout)
    signal?.addEventListener('abort', onAbort)
    if (signal?.aborted) return onAbort()
    stop = start({ resolve: (value) => settle(() => resolve(value)), reject: fail })
    if (isSettled) stop()
  })
}
