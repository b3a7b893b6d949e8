/**
 * Returns a function that runs an action, one run at a time. A call never shares a run that has begun before it: calls during a
 * run share the next one.
 */
export function sharedCalls(action: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> = Promise.resolve()
  let next: Promise<void> | undefined
  return () => {
    next ??= running.then(() => {
      next = undefined
      const run = action()
      running = run.catch(() => {})
      return run
    })
    return next
  }
}
