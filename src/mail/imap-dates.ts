import { formatTime, MONTHS, monthIndexOf, zoneOf } from './dates.ts'

const DATE = /^(\d{1,2})-([A-Za-z]{3})-(\d{4})$/
const DATE_TIME = /^([ \d]\d)-([A-Za-z]{3})-(\d{4}) (\d{2}):(\d{2}):(\d{2}) ([+-]\d{4})$/

/** `1-Feb-1994` as its midnight UTC, milliseconds since the epoch. RFC 9051 section 9, `date-text`. */
export function parseImapDate(text: string): number | undefined {
  const [matched, day = '', month = '', year = ''] = DATE.exec(text) ?? []
  return matched === undefined ? undefined : midnight(year, month, day)
}

/** `" 7-Feb-1994 22:43:04 -0800"` without its quotes, as milliseconds since the epoch. RFC 9051 section 9, `date-time`. */
export function parseImapDateTime(text: string): number | undefined {
  const [matched, day = '', month = '', year = '', hour, minute, second, zone] = DATE_TIME.exec(text) ?? []
  const start = matched === undefined ? undefined : midnight(year, month, day)
  if (start === undefined || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return undefined
  return start + ((Number(hour) * 60 + Number(minute) - zoneOf(zone)) * 60 + Number(second)) * 1000
}

function midnight(year: string, month: string, day: string): number | undefined {
  const monthIndex = monthIndexOf(month)
  const ms = Date.UTC(Number(year), monthIndex, Number(day))
  return monthIndex >= 0 && new Date(ms).getUTCDate() === Number(day) ? ms : undefined
}

/** ` 7-Feb-1994 22:43:04 +0000`, without quotes: INTERNALDATE. RFC 9051 section 9, `date-time`. */
export function formatImapDateTime(ms: number): string {
  const date = new Date(ms)
  return `${formatImapDate(ms).padStart(11)} ${formatTime(date)} +0000`
}

/** `7-Feb-1994`. */
export function formatImapDate(ms: number): string {
  const date = new Date(ms)
  return `${date.getUTCDate()}-${MONTHS[date.getUTCMonth()]}-${String(date.getUTCFullYear()).padStart(4, '0')}`
}
