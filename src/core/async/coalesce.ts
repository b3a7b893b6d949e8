/**
 * Returns a function that runs an action, one run at a time. Calls during a run lead to one more run after it, however many
 * they are. The action must not reject.
 */
export function coalesce(action: () => Promise<void>): () => void {
  let state: 'idle' | 'running' | 'again' = 'idle'
  const run = async (): Promise<void> => {
    do {
      state = 'running'
      await action()
    } while (stateNow() === 'again')
    state = 'idle'
  }
  const stateNow = (): typeof state => state
  return () => {
    if (state === 'idle') void run()
    else state = 'again'
  }
}
