import type { OutputOf } from '../../api/client.ts'

type Statistics = OutputOf<'statistics.get'>
export type Sample = Statistics['now']

/** The samples of the last hour, and the interval that has not ended. */
export interface Hour {
  readonly samples: readonly Sample[]
  readonly now: Sample
}

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** Returns the last hour after an answer that has only what is newer. */
export function withNewer(before: Hour | undefined, { samples, now }: Pick<Statistics, 'samples' | 'now'>): Hour {
  const oldest = Date.parse(now.at) - HOUR_MS
  const all = [...(before?.samples ?? []), ...samples]
  return { samples: all.filter(({ at }) => Date.parse(at) > oldest), now }
}

/** Returns the sum of the counts of some protocols or kinds; without names, of all. */
export const sumOf = (counts: Readonly<Record<string, number>>, names = Object.keys(counts)): number =>
  names.reduce((sum, name) => sum + (counts[name] ?? 0), 0)

/** The beginnings of the last 60 minutes, in milliseconds; the last one has not ended. */
export function minutesOf({ now }: Hour): number[] {
  const last = Math.floor(Date.parse(now.at) / MINUTE_MS) * MINUTE_MS
  return Array.from({ length: 60 }, (_, index) => last - (59 - index) * MINUTE_MS)
}

/** Returns the sum of a count in each of the last 60 minutes. An interval counts in the minute in which it ends. */
export function perMinute(hour: Hour, valueOf: (sample: Sample) => number): number[] {
  const [first = 0] = minutesOf(hour)
  const sums = Array.from({ length: 60 }, () => 0)
  for (const sample of [...hour.samples, hour.now]) {
    const index = Math.floor((Date.parse(sample.at) - first) / MINUTE_MS)
    if (index >= 0) sums[index] = (sums[index] ?? 0) + valueOf(sample)
  }
  return sums
}

/** Returns a round number that is not less than a greatest value: the top of a scale, whose half is round, too. */
export function topOf(greatest: number, least: number): number {
  let top = least
  for (let index = 0; top < greatest; index++) top *= index % 3 === 1 ? 2.5 : 2
  return top
}

/** Returns a power of two, or one and a half of it, that is not less than a size. */
export function topOfOctets(greatest: number): number {
  const power = 2 ** Math.ceil(Math.log2(Math.max(greatest, 1 << 20)))
  return greatest <= power * 0.75 ? power * 0.75 : power
}
