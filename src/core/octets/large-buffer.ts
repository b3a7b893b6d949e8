import { getHeapStatistics } from 'node:v8'
import { performance } from '../time/real-timers.ts'
import { collectGarbage } from './collect.ts'

/** Smaller buffers are not worth a look at the memory. */
const LARGE_OCTETS = 8 * 1024 * 1024
/**
 * glibc returns the memory of a freed block to the system only if the block was longer than a threshold, which grows up to
 * 32 MiB with every block that is freed. Longer blocks do not change it. mallopt(3), M_MMAP_THRESHOLD
 */
const RETURNED_OCTETS = 32 * 1024 * 1024 + 4096
/** Buffers that V8 may leave uncollected before the next large one. */
const UNCOLLECTED_OCTETS = getHeapStatistics().heap_size_limit / 8

/** A collection takes some 50 ms of a turn, so that many readers at the same time must not cause one each. */
const COLLECT_EVERY_MS = 500

let collectedAt = 0
/** Octets of the buffers that the last collection left. */
let keptOctets = 0

/**
 * Returns a buffer whose octets are not set, for a message or a large part of it. V8 counts what buffers take, but collects
 * old ones late: with a small heap, those of messages that were read before are collected here first. The pages of a
 * large buffer that are not written to take no memory.
 */
export function largeBuffer(octets: number): Buffer {
  if (octets < LARGE_OCTETS) return Buffer.allocUnsafe(octets)
  const externalOctets = getHeapStatistics().external_memory
  // V8 counts what a collection has freed some time after it.
  keptOctets = Math.min(keptOctets, externalOctets)
  const now = performance.now()
  if (externalOctets - keptOctets > UNCOLLECTED_OCTETS && now - collectedAt > COLLECT_EVERY_MS) {
    collectGarbage('major')
    collectedAt = now
    keptOctets = getHeapStatistics().external_memory
  }
  return Buffer.allocUnsafeSlow(Math.max(octets, RETURNED_OCTETS)).subarray(0, octets)
}
