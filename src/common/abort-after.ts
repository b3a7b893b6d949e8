/** A signal, and the release of its timer and listener. */
export interface LimitedSignal extends Disposable {
  readonly signal: AbortSignal
}

/**
 * Returns a signal that aborts together with another one, or after a time in milliseconds. In Node.js 20 the signal of
 * `AbortSignal.any([…, AbortSignal.timeout(…)])` can be garbage-collected while a listener waits for it, which then waits
 * for ever.
 */
export function abortAfter(timeoutMs: number, other?: AbortSignal): LimitedSignal {
  const controller = new AbortController()
  const abort = (): void => controller.abort(other?.reason)
  const timer = setTimeout(() => controller.abort(new DOMException('The time is over', 'TimeoutError')), timeoutMs)
  timer.unref()
  if (other?.aborted) abort()
  other?.addEventListener('abort', abort, { once: true })
  return {
    signal: controller.signal,
    [Symbol.dispose](): void {
      clearTimeout(timer)
      other?.removeEventListener('abort', abort)
    },
  }
}
