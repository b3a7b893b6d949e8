import { clearTimeout, setTimeout } from './real-timers.ts'

/** A signal, and the release of its timer and listener. */
interface LimitedSignal extends Disposable {
  readonly signal: AbortSignal
}

/**
 * Returns a signal that aborts together with the first of others, or after a time in milliseconds. In Node.js 20 the signal of
 * `AbortSignal.any([…, AbortSignal.timeout(…)])` can be garbage-collected while a listener waits for it, which then waits
 * for ever.
 */
export function abortAfter(timeoutMs: number, ...others: readonly (AbortSignal | undefined)[]): LimitedSignal {
  const controller = new AbortController()
  const abort = (): void => controller.abort(others.find((other) => other?.aborted)?.reason)
  const timer = setTimeout(() => controller.abort(new DOMException('The time is over', 'TimeoutError')), timeoutMs)
  timer.unref()
  if (others.some((other) => other?.aborted)) abort()
  for (const other of others) other?.addEventListener('abort', abort, { once: true })
  return {
    signal: controller.signal,
    [Symbol.dispose](): void {
      clearTimeout(timer)
      for (const other of others) other?.removeEventListener('abort', abort)
    },
  }
}

/** Resolves when `signal` is aborted; right away if it already is. */
export async function untilAborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
}
