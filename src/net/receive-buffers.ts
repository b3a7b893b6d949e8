import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * Octets after which the buffers that sockets read into are freed. V8 begins to mark its whole heap (about 100 ms of CPU
 * time in a lab) once 64 MiB of buffers were allocated since the last time.
 */
const FREE_EVERY_OCTETS = 8 * 1024 * 1024

/** Collects the young generation only, to which these buffers belong: about 1 ms. */
type CollectYoung = (options: { type: 'minor' }) => void

let octetsSinceFreed = 0
let collect: CollectYoung | undefined

/**
 * Counts octets that a socket has read, and frees the buffers of earlier reads from time to time. A read makes a buffer
 * outside V8's heap and next to nothing in it. V8 collects its young generation when that part of the heap is full, which
 * is too late here: messages of 100 KB fill 64 MiB of buffers first.
 */
export function countReceived(octets: number): void {
  octetsSinceFreed += octets
  if (octetsSinceFreed < FREE_EVERY_OCTETS) return
  octetsSinceFreed = 0
  collect ??= exposedCollector()
  collect?.({ type: 'minor' })
}

/**
 * Returns V8's function to collect garbage. Only new contexts see the option, so the program's own has no `gc` after it.
 * @returns undefined if another thread has just switched the option off, which is one of the process: the next time works
 */
function exposedCollector(): CollectYoung | undefined {
  const own: unknown = runInNewContext('globalThis.gc')
  if (typeof own === 'function') return own as CollectYoung
  setFlagsFromString('--expose-gc')
  const exposed: unknown = runInNewContext('globalThis.gc')
  setFlagsFromString('--no-expose-gc')
  return typeof exposed === 'function' ? (exposed as CollectYoung) : undefined
}
