import type { EntryList } from '../../../src/storage/store/entries/entry-list.ts'
import { bad } from '../reply.ts'
import type { Cursor } from './cursor.ts'

/** `*`, the highest number in use. Greater than every number, so that `7:*` is an ascending range. */
export const HIGHEST = Number.POSITIVE_INFINITY

/** From `from` to `to`, both included. */
export interface NumberRange {
  readonly from: number
  readonly to: number
}

/** Sequence numbers or uids, or `$`, the saved result of a SEARCH (RFC 5182). RFC 9051 section 9, sequence-set. */
export type SequenceSet = 'saved' | readonly NumberRange[]

/** Reads a sequence set. */
export function sequenceSet(cursor: Cursor): SequenceSet {
  return cursor.take('$') ? 'saved' : numberRanges(cursor)
}

/** Reads a sequence set other than `$`. */
export function numberRanges(cursor: Cursor): NumberRange[] {
  const ranges: NumberRange[] = []
  do {
    const first = sequenceNumber(cursor)
    const last = cursor.take(':') ? sequenceNumber(cursor) : first
    ranges.push(first <= last ? { from: first, to: last } : { from: last, to: first })
  } while (cursor.take(','))
  return ranges
}

/** Reads a set without `*`. RFC 7162 section 7, known-uids. */
export function knownUids(cursor: Cursor): NumberRange[] {
  const ranges = numberRanges(cursor)
  if (ranges.some(({ to }) => to === HIGHEST)) throw bad('"*" is not allowed in a set of known UIDs.')
  return ranges
}

function sequenceNumber(cursor: Cursor): number {
  return cursor.take('*') ? HIGHEST : cursor.nzNumber()
}

/** Returns a function that tells whether a number is in one of the ranges, in logarithmic time: a command may list thousands. */
export function memberOf(ranges: readonly NumberRange[]): (number: number) => boolean {
  const starts: number[] = []
  const ends: number[] = []
  for (const { from, to } of [...ranges].sort((a, b) => a.from - b.from)) {
    const last = ends.length - 1
    if (last >= 0 && from <= (ends[last] as number)) ends[last] = Math.max(ends[last] as number, to)
    else {
      starts.push(from)
      ends.push(to)
    }
  }
  return (number) => {
    let [low, high] = [0, starts.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((starts[middle] as number) <= number) low = middle + 1
      else high = middle
    }
    return low > 0 && number <= (ends[low - 1] as number)
  }
}

/** Writes ascending numbers as a set: `1:3,7`. */
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

/** From `from` up to but not including `to`. */
interface IndexRange {
  readonly from: number
  readonly to: number
}

/**
 * Returns the indexes of sequence numbers, ascending and without repetition.
 * @throws ImapError for a number that is not in use. RFC 9051 section 9, seq-number
 */
export function indexesOfNumbers(count: number, set: readonly NumberRange[]): number[] {
  return joinRanges(set.map((range) => numberRange(count, range)))
}

/** Returns the indexes of uids, ascending. Ignores unknown uids. RFC 9051 section 6.4.9. */
export function indexesOfUids(messages: EntryList, set: readonly NumberRange[]): number[] {
  return joinRanges(set.map((range) => uidRange(messages, range)))
}

function numberRange(count: number, { from, to }: NumberRange): IndexRange {
  const first = Math.min(from, to === HIGHEST ? Math.max(count, 1) : from)
  const last = to === HIGHEST ? count : to
  // In an empty mailbox, `*` matches nothing. Every other number must be in use.
  if (count === 0 && to === HIGHEST && first <= 1) return { from: 0, to: 0 }
  if ((from !== HIGHEST && from > count) || last > count)
    throw bad(`The mailbox has ${count} ${count === 1 ? 'message' : 'messages'}.`)
  return { from: Math.min(first, count) - 1, to: last }
}

function uidRange(messages: EntryList, { from, to }: NumberRange): IndexRange {
  const highest = messages.at(-1)?.uid ?? 0
  const last = to === HIGHEST ? highest : to
  // `559:*` includes the last message even if its uid is below 559. RFC 9051 section 9, seq-range
  const first = to === HIGHEST ? Math.min(from, highest) : from
  return { from: messages.indexFrom(first), to: messages.indexFrom(last + 1) }
}

function joinRanges(ranges: readonly IndexRange[]): number[] {
  const indexes: number[] = []
  const sorted = [...ranges].sort((a, b) => a.from - b.from)
  let next = 0
  for (const { from, to } of sorted) {
    for (let index = Math.max(from, next); index < to; index++) indexes.push(index)
    next = Math.max(next, to)
  }
  return indexes
}

/** A part of a result, counted from 1, or from the end if negative. RFC 9394 section 3.1. */
export interface PartialRange {
  readonly from: number
  readonly to: number
}

/** Reads `1:10` or `-1:-10`. */
export function partialRange(cursor: Cursor): PartialRange {
  const fromEnd = cursor.take('-')
  const first = cursor.nzNumber()
  cursor.expect(':')
  if (cursor.take('-') !== fromEnd) throw bad('Both ends of a partial range must count from the same side.')
  const last = cursor.nzNumber()
  const [from, to] = first <= last ? [first, last] : [last, first]
  return fromEnd ? { from: -from, to: -to } : { from, to }
}

/** Returns the items in a range, in their order. */
export function partialOf<T>(items: readonly T[], { from, to }: PartialRange): T[] {
  if (from > 0) return items.slice(from - 1, to)
  return items.slice(Math.max(0, items.length + to), Math.max(0, items.length + from + 1))
}

export const formatPartial = ({ from, to }: PartialRange): string => `${from}:${to}`
