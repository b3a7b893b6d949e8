import { ApiProblem } from '../problem.ts'

/** A date without a time zone, with or without a time: `2026-11-25`, `2026/11/25 16:40`, `2026-11-25T16:40:00`. */
const LOCAL_DATE = /^(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?)?$/i

/**
 * Parses a date of a search. Returns milliseconds since the epoch; undefined for another form.
 * @param timeZone that of dates without one
 * @throws ApiProblem `bad-request` for an unknown time zone
 */
export function parseSearchDate(value: string, timeZone: string): number | undefined {
  const match = LOCAL_DATE.exec(value)
  if (!match) {
    const parsed = Date.parse(value)
    return Number.isNaN(parsed) ? undefined : parsed
  }
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map((one) => Number(one ?? 0))
  const local = new Date(Date.UTC(year, month - 1, day, hour, minute, second))
  // A day such as February 30 would become one of March.
  if (local.getUTCMonth() !== month - 1 || local.getUTCDate() !== day) return undefined
  return inZone(local.getTime(), timeZone)
}

/** Returns the time at which the clocks of a zone show `local`, which is written as if it were UTC. */
function inZone(local: number, timeZone: string): number {
  if (timeZone === 'UTC') return local
  const guess = local - offsetAt(local, timeZone)
  // Near a change of the clocks the first guess has the offset of the other side.
  return local - offsetAt(guess, timeZone)
}

/** Returns how far the clocks of a zone are ahead of UTC, in milliseconds. */
function offsetAt(time: number, timeZone: string): number {
  const seconds = Math.floor(time / 1000) * 1000
  try {
    const format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
    const parts = new Map(format.formatToParts(seconds).map(({ type, value }) => [type, Number(value)]))
    const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = (
      ['year', 'month', 'day', 'hour', 'minute', 'second'] as const
    ).map((type) => parts.get(type))
    return Date.UTC(year, month - 1, day, hour, minute, second) - seconds
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new ApiProblem('bad-request', `tz: ${timeZone} is not a time zone; write it as tz=Pacific/Auckland`)
  }
}
