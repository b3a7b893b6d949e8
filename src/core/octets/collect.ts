import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

type Collect = (options: { type: 'minor' | 'major' }) => void

let collect: Collect | undefined

/** Collects garbage: of the young generation only (about 1 ms), or of the whole heap (about 1 ms for each MiB in use). */
export function collectGarbage(type: 'minor' | 'major'): void {
  collect ??= exposedCollector()
  collect?.({ type })
}

/**
 * Returns V8's function to collect garbage. Only new contexts see the option, so the program's own has no `gc` after it.
 * @returns undefined if another thread has just switched the option off, which is one of the process: the next time works
 */
function exposedCollector(): Collect | undefined {
  const own: unknown = runInNewContext('globalThis.gc')
  if (typeof own === 'function') return own as Collect
  setFlagsFromString('--expose-gc')
  const exposed: unknown = runInNewContext('globalThis.gc')
  setFlagsFromString('--no-expose-gc')
  return typeof exposed === 'function' ? (exposed as Collect) : undefined
}
