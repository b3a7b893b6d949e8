import type { MessageEntry } from '../../src/store/types.ts'
import { firstIndexFrom } from './entries.ts'
import { bad } from './reply.ts'
import { HIGHEST, type NumberRange } from './wire/numbers.ts'

/** From `from` up to but not including `to`. */
interface IndexRange {
  readonly from: number
  readonly to: number
}

/**
 * The indexes that sequence numbers name, ascending, each once.
 * @throws ImapError for a number that is not in use. RFC 9051 section 9, seq-number
 */
export function indexesOfNumbers(count: number, set: readonly NumberRange[]): number[] {
  return ascending(set.map((range) => numberRange(count, range)))
}

/** The indexes of the messages that uids name; unknown ones are left out. RFC 9051 section 6.4.9. */
export function indexesOfUids(messages: readonly MessageEntry[], set: readonly NumberRange[]): number[] {
  return ascending(set.map((range) => uidRange(messages, range)))
}

function numberRange(count: number, { from, to }: NumberRange): IndexRange {
  const first = Math.min(from, to === HIGHEST ? Math.max(count, 1) : from)
  const last = to === HIGHEST ? count : to
  // `*` in an empty mailbox names nothing; every other number must be in use.
  if (count === 0 && to === HIGHEST && first <= 1) return { from: 0, to: 0 }
  if ((from !== HIGHEST && from > count) || last > count) throw bad(`there are ${count} messages`)
  return { from: Math.min(first, count) - 1, to: last }
}

function uidRange(messages: readonly MessageEntry[], { from, to }: NumberRange): IndexRange {
  const highest = messages.at(-1)?.uid ?? 0
  const last = to === HIGHEST ? highest : to
  // `559:*` names the last message even where its uid is below 559. RFC 9051 section 9, seq-range.
  const first = to === HIGHEST ? Math.min(from, highest) : from
  return { from: firstIndexFrom(messages, first), to: firstIndexFrom(messages, last + 1) }
}

function ascending(ranges: readonly IndexRange[]): number[] {
  const indexes: number[] = []
  const sorted = [...ranges].sort((a, b) => a.from - b.from)
  let next = 0
  for (const { from, to } of sorted) {
    for (let index = Math.max(from, next); index < to; index++) indexes.push(index)
    next = Math.max(next, to)
  }
  return indexes
}
