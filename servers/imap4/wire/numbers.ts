import { bad } from '../reply.ts'
import type { Cursor } from './cursor.ts'

/** `*`, the highest number in use. Greater than every number, so that `7:*` is an ascending range. */
export const HIGHEST = Number.POSITIVE_INFINITY

export interface NumberRange {
  readonly from: number
  readonly to: number
}

/** A `sequence-set`: numbers or uids, or the saved result of a SEARCH (`$`, RFC 5182). RFC 9051 section 9. */
export type SequenceSet = 'saved' | readonly NumberRange[]

export function sequenceSet(cursor: Cursor): SequenceSet {
  if (cursor.take('$')) return 'saved'
  return numberRanges(cursor)
}

/** The same without `$`. */
export function numberRanges(cursor: Cursor): NumberRange[] {
  const ranges: NumberRange[] = []
  do {
    const first = sequenceNumber(cursor)
    const last = cursor.take(':') ? sequenceNumber(cursor) : first
    ranges.push(first <= last ? { from: first, to: last } : { from: last, to: first })
  } while (cursor.take(','))
  return ranges
}

/** A set of known uids: no `*` there. RFC 7162 section 7. */
export function knownUids(cursor: Cursor): NumberRange[] {
  const ranges = numberRanges(cursor)
  if (ranges.some(({ to }) => to === HIGHEST)) throw bad('"*" may not stand here')
  return ranges
}

function sequenceNumber(cursor: Cursor): number {
  return cursor.take('*') ? HIGHEST : cursor.nzNumber()
}

/** Ascending numbers as a set, `1:3,7`. */
export function formatNumbers(numbers: readonly number[]): string {
  const parts: string[] = []
  for (let i = 0; i < numbers.length; ) {
    const from = numbers[i] as number
    let to = from
    while (++i < numbers.length && numbers[i] === to + 1) to++
    parts.push(from === to ? `${from}` : `${from}:${to}`)
  }
  return parts.join(',')
}
