import { parseImapDate, parseImapDateTime } from '../../../src/mail/dates.ts'
import { bad } from '../reply.ts'
import type { Cursor } from './cursor.ts'

const DATE = /"?\d{1,2}-[a-z]{3}-\d{4}"?/iy

/** A quoted `date-time`, as APPEND has it, in milliseconds since the epoch. RFC 9051 section 9. */
export function dateTime(cursor: Cursor): number {
  const ms = parseImapDateTime(cursor.string())
  if (ms === undefined) throw bad('a date-time expected, as "17-Jul-1996 02:44:25 -0700"')
  return ms
}

/** A `date` of SEARCH, quoted or not, as its midnight UTC in milliseconds. RFC 9051 section 9. */
export function date(cursor: Cursor): number {
  const ms = parseImapDate((cursor.match(DATE) ?? '').replaceAll('"', ''))
  if (ms === undefined) throw bad('a date expected, as 1-Feb-2026')
  return ms
}
