import { bad } from '../reply.ts'
import type { Cursor } from './cursor.ts'

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const DATE = /("?)(\d{1,2})-([a-z]{3})-(\d{4})\1/iy
const DATE_TIME = /^([ \d]\d)-([a-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)$/i

const two = (value: number): string => (value < 10 ? `0${value}` : `${value}`)

/** INTERNALDATE: `"17-Jul-1996 02:44:25 +0000"`, always in UTC. RFC 9051 section 9, `date-time`. */
export function formatDateTime(ms: number): string {
  const at = new Date(ms)
  const day = at.getUTCDate()
  const date = `${day < 10 ? ' ' : ''}${day}-${MONTHS[at.getUTCMonth()]}-${String(at.getUTCFullYear()).padStart(4, '0')}`
  return `"${date} ${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())} +0000"`
}

/** A quoted `date-time`, as APPEND has it, in milliseconds since the epoch. */
export function dateTime(cursor: Cursor): number {
  const match = DATE_TIME.exec(cursor.string())
  const month = match ? monthNumber(match[2] as string) : -1
  if (!match || month === -1) throw bad('a date-time expected, as "17-Jul-1996 02:44:25 -0700"')
  const [, day, , year, hour, minute, second, sign, zoneHours, zoneMinutes] = match
  const local = utcDate(Number(year), month, Number(day), Number(hour), Number(minute), Number(second))
  const zoneMs = (Number(zoneHours) * 60 + Number(zoneMinutes)) * 60_000
  return sign === '-' ? local + zoneMs : local - zoneMs
}

/** A `date` of SEARCH, quoted or not, as its midnight in milliseconds. */
export function date(cursor: Cursor): number {
  const text = cursor.match(DATE)
  DATE.lastIndex = 0
  const match = text === undefined ? null : DATE.exec(text)
  const month = match ? monthNumber(match[3] as string) : -1
  if (!match || month === -1) throw bad('a date expected, as 1-Feb-2026')
  return utcDate(Number(match[4]), month, Number(match[2]))
}

function utcDate(year: number, month: number, day: number, hour = 0, minute = 0, second = 0): number {
  const at = new Date(0)
  at.setUTCFullYear(year, month, day)
  at.setUTCHours(hour, minute, second)
  // A 31st of February, or a 25th hour, is no date.
  if (at.getUTCDate() !== day || hour > 23 || minute > 59 || second > 60) throw bad('no such date')
  return at.getTime()
}

function monthNumber(name: string): number {
  return MONTHS.findIndex((month) => month.toLowerCase() === name.toLowerCase())
}
