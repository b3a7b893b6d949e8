import { syntaxError } from './reply.ts'

const DATE = /^(\d{2}|\d{4})(\d{2})(\d{2})$/
const TIME = /^(\d{2})(\d{2})(\d{2})$/

/**
 * `[yy]yymmdd hhmmss [GMT]` of NEWGROUPS and NEWNEWS, in milliseconds since the epoch; without GMT in the server's own
 * time zone. RFC 3977 section 7.3.2.
 * @throws NntpError 501
 */
export function parseSince(date: string, time: string, zone: string | undefined, nowMs: number): number {
  const day = DATE.exec(date)
  const clock = TIME.exec(time)
  if (!day || !clock) throw syntaxError('not a date and time: yyyymmdd hhmmss')
  if (zone !== undefined && zone.toUpperCase() !== 'GMT') throw syntaxError(`not a time zone: ${zone}`)
  const year = fullYear(day[1] as string, nowMs)
  const parts = [Number(day[2]) - 1, Number(day[3]), Number(clock[1]), Number(clock[2]), Number(clock[3])] as const
  const [month, dayOfMonth, hour, minute, second] = parts
  // RFC 3977 section 7.3.2: a leap second is 60.
  if (month > 11 || dayOfMonth < 1 || dayOfMonth > 31 || hour > 23 || minute > 59 || second > 60) {
    throw syntaxError('no such date or time')
  }
  return zone === undefined
    ? new Date(year, month, dayOfMonth, hour, minute, second).getTime()
    : Date.UTC(year, month, dayOfMonth, hour, minute, second)
}

/** Two digits are of this century unless that lies ahead, then of the one before. RFC 3977 section 7.3.2. */
function fullYear(digits: string, nowMs: number): number {
  if (digits.length === 4) return Number(digits)
  const thisYear = new Date(nowMs).getUTCFullYear()
  const century = thisYear - (thisYear % 100)
  const year = century + Number(digits)
  return year > thisYear ? year - 100 : year
}

/** `yyyymmddhhmmss` in UTC. RFC 3977 section 7.1. */
export const dateStamp = (ms: number): string => new Date(ms).toISOString().replace(/[-:T]|\..*$/g, '')
