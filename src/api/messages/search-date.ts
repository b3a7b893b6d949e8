import { ApiProblem } from '../problem.ts'

/**
 * A date, also with a time, also with a time zone: `2026-11-25`, `2026/11/25 16:40`, `2026-11-25T16:40:00.5+01:00`. The last
 * one is a time of RFC 3339 section 5.6; here, its seconds and the colon of its zone are optional.
 */
const DATE = /^(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(\.\d+)?)?(Z|[-+]\d{2}:?\d{2})?)?$/i

/**
 * Parses a date of a search. Returns milliseconds since the epoch; undefined for another form.
 * @param timeZone that of dates without one
 * @throws ApiProblem `bad-request` for an unknown time zone
 */
export function parseSearchDate(value: string, timeZone: string): number | undefined {
  const match = DATE.exec(value)
  if (!match) return undefined
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, fraction = 0] = match
    .slice(1, 8)
    .map((one) => Number(one ?? 0))
  // Date.UTC would read the years 0 to 99 as those of the 20th century.
  const local = new Date(0)
  local.setUTCFullYear(year, month - 1, day)
  // A day such as February 30 would become one of March.
  if (local.getUTCMonth() !== month - 1 || local.getUTCDate() !== day) return undefined
  // 60 is a leap second.
  if (hour > 23 || minute > 59 || second > 60) return undefined
  local.setUTCHours(hour, minute, second, Math.trunc(fraction * 1000))
  const zone = match[8]
  if (zone === undefined) return utcOfZonedTime(local.getTime(), timeZone)
  const ahead = aheadOf(zone)
  return ahead === undefined ? undefined : local.getTime() - ahead
}

/** Parses the parameter `since` of a list. Returns milliseconds since the epoch. @throws ApiProblem `bad-request` */
export function parseSince(since: string): number {
  const time = parseSearchDate(since, 'UTC')
  if (time !== undefined) return time
  throw new ApiProblem('bad-request', `since: ${since} is not a time; write it as 2026-11-25T16:40:00Z`)
}

/** Returns how far a zone such as `+01:00` is ahead of UTC, in milliseconds; undefined if there is no such zone. */
function aheadOf(zone: string): number | undefined {
  if (/^z$/i.test(zone)) return 0
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(-2))]
  if (hours > 23 || minutes > 59) return undefined
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000
}

/** Returns the time at which the clocks of a zone show `local`, which is written as if it were UTC. */
function utcOfZonedTime(local: number, timeZone: string): number {
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
