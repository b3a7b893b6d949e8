import { bad } from '../reply.ts'
import type { Cursor } from './cursor.ts'

/** Places in a result, from 1; from the end where negative. RFC 9394 section 3.1. */
export interface PartialRange {
  readonly from: number
  readonly to: number
}

export function partialRange(cursor: Cursor): PartialRange {
  const fromEnd = cursor.take('-')
  const first = cursor.nzNumber()
  cursor.expect(':')
  if (cursor.take('-') !== fromEnd) throw bad('both ends of a partial range count from the same side')
  const last = cursor.nzNumber()
  const [from, to] = first <= last ? [first, last] : [last, first]
  return fromEnd ? { from: -from, to: -to } : { from, to }
}

/** The part of `items` a range names, in their order. */
export function partialOf<T>(items: readonly T[], { from, to }: PartialRange): T[] {
  if (from > 0) return items.slice(from - 1, to)
  return items.slice(Math.max(0, items.length + to), Math.max(0, items.length + from + 1))
}

export const partialForm = ({ from, to }: PartialRange): string => `${from}:${to}`
