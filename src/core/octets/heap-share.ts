import { getHeapStatistics } from 'node:v8'

/** Octets that one answer may take of the heap, which has several copies of it: 16 MiB of a heap of 1 GiB. */
export const HEAP_SHARE = Math.floor(getHeapStatistics().heap_size_limit / 64)
