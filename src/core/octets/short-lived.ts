import { collectGarbage } from './collect.ts'

/**
 * Octets after which buffers that nobody needs any more are freed. V8 begins to mark its whole heap (about 100 ms of CPU
 * time in a lab) once 64 MiB of buffers were allocated since the last time.
 */
const FREE_EVERY_OCTETS = 8 * 1024 * 1024
/** Smaller buffers fill V8's heap soon enough, so that it collects them itself. */
const COUNTED_OCTETS = 4096

let octetsSinceFreed = 0

/**
 * Counts the octets of a buffer that is needed for a moment only, such as what was read from a socket or a file, and frees
 * earlier ones from time to time. Such a buffer is outside V8's heap and takes next to nothing in it. V8 collects its young
 * generation when that part of the heap is full, which is too late here: messages of 100 KB fill 64 MiB of buffers first.
 */
export function countShortLived(octets: number): void {
  if (octets < COUNTED_OCTETS) return
  octetsSinceFreed += octets
  if (octetsSinceFreed < FREE_EVERY_OCTETS) return
  octetsSinceFreed = 0
  collectGarbage('minor')
}
