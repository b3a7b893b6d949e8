const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const

/** Minutes east of UTC. Unknown zones and the single letters count as 0. RFC 5322 section 4.3. */
const ZONES: ReadonlyMap<string, number> = new Map([
  ['EDT', -240],
  ['EST', -300],
  ['CDT', -300],
  ['CST', -360],
  ['MDT', -360],
  ['MST', -420],
  ['PDT', -420],
  ['PST', -480],
])

/** A point in time and the zone in which it was written. */
interface ZonedDate {
  /** Milliseconds since the epoch. */
  readonly ms: number
  readonly zoneMinutes: number
}

const TIME = String.raw`(\d{1,2})\s*:\s*(\d{1,2})(?:\s*:\s*(\d{1,2})(?:\.\d+)?)?`
const ZONE = String.raw`(?:\s*([+-]\d{4}|[A-Za-z]+))?`
const DAY_NAME = String.raw`(?:[A-Za-z]+\.?\s*,?\s*)?`

/** RFC 5322 section 3.3, with the obsolete forms of section 4.3 and with hyphens, which some programs write. */
const MAIL_DATE = new RegExp(
  String.raw`^${DAY_NAME}(\d{1,2})(?:\s+|\s*-\s*)([A-Za-z]{3})[A-Za-z]*\.?(?:\s+|\s*-\s*|\s*,\s*)(\d{2,4})(?:\s+${TIME}${ZONE})?`,
)
/** The format of C's asctime, with or without a zone: `Fri Aug 30 11:25:31 EST 2002`. */
const ASCTIME = new RegExp(
  String.raw`^${DAY_NAME}([A-Za-z]{3})[A-Za-z]*\s+(\d{1,2}),?\s+${TIME}${ZONE}\s+(\d{4})(?:\s+([+-]\d{4}))?`,
)

/** Longer values are cut, because the expressions above take quadratic time in runs of spaces or letters. */
const MAX_VALUE_CHARS = 512
const MAX_DATE_CHARS = 100

/** Parses a Date field's value, with comments and obsolete forms. Returns undefined if it is not a date. RFC 5322 sections 3.3, 4.3. */
export function parseZonedDate(value: string): ZonedDate | undefined {
  const given = value.slice(0, MAX_VALUE_CHARS)
  const text = (given.includes('(') ? withoutComments(given) : given).trim().slice(0, MAX_DATE_CHARS)
  const mail = MAIL_DATE.exec(text)
  if (mail) return zonedDate(mail[3], mail[2], mail[1], mail.slice(4, 7), mail[7])
  const asctime = ASCTIME.exec(text)
  return asctime
    ? zonedDate(asctime[7], asctime[1], asctime[2], asctime.slice(3, 6), asctime[8] ?? asctime[6])
    : undefined
}

/** Parses a date like `parseZonedDate`, and returns it without the zone. */
export function parseDate(value: string): Date | undefined {
  const zoned = parseZonedDate(value)
  return zoned && new Date(zoned.ms)
}

/** Returns midnight UTC of the day as written, in milliseconds since the epoch. SENTON ignores the zone. RFC 9051 section 6.4.4. */
export function dayAsWritten({ ms, zoneMinutes }: ZonedDate): number {
  const local = ms + zoneMinutes * 60_000
  return local - (((local % 86_400_000) + 86_400_000) % 86_400_000)
}

const withoutComments = (value: string): string => {
  let text = value
  for (let before = ''; before !== text; ) {
    before = text
    text = text.replace(/\([^()]*\)/g, ' ')
  }
  return text
}

type Digits = string | undefined

function zonedDate(
  year: Digits,
  month: Digits,
  day: Digits,
  time: readonly Digits[],
  zone: Digits,
): ZonedDate | undefined {
  const monthIndex = monthIndexOf(month ?? '')
  const [hour = 0, minute = 0, second = 0] = time.map((digits) => Number(digits ?? 0))
  const dayNumber = Number(day)
  if (monthIndex < 0 || dayNumber < 1 || dayNumber > 31 || hour > 24 || minute > 59 || second > 60) return undefined
  const zoneMinutes = zoneOf(zone)
  const fullYear = yearOf(year ?? '')
  if (fullYear < 1900) return undefined // RFC 5322 section 3.3
  const ms = Date.UTC(fullYear, monthIndex, dayNumber, hour, minute, second) - zoneMinutes * 60_000
  return { ms, zoneMinutes }
}

const LOWER_MONTHS: readonly string[] = MONTHS.map((name) => name.toLowerCase())

/** Returns 0 to 11 for a month's name of three letters in any case, otherwise -1. */
const monthIndexOf = (name: string): number => LOWER_MONTHS.indexOf(name.toLowerCase())

/** Returns the year: two digits are 1950 to 2049, three digits count from 1900. RFC 5322 section 4.3. */
function yearOf(digits: string): number {
  const year = Number(digits)
  if (digits.length === 2) return year < 50 ? year + 2000 : year + 1900
  return digits.length === 3 ? year + 1900 : year
}

/** Returns the minutes east of UTC of `+0130`, `EST` …, or 0 if the zone is unknown. */
function zoneOf(zone: string | undefined): number {
  const offset = /^([+-])(\d{2})(\d{2})$/.exec(zone ?? '')
  if (!offset) return ZONES.get((zone ?? '').toUpperCase()) ?? 0
  const minutes = Number(offset[2]) * 60 + Number(offset[3])
  return offset[1] === '-' ? -minutes : minutes
}

const TWO_DIGITS = Array.from({ length: 100 }, (_, value) => String(value).padStart(2, '0'))

/** Formats a number from 0 to 99. */
const twoDigits = (value: number): string => TWO_DIGITS[value] as string

/** Formats milliseconds since the epoch as `Fri, 30 Aug 2002 15:25:31 +0000`. RFC 5322 section 3.3. */
export function formatDate(ms: number): string {
  const date = new Date(ms)
  const day = `${DAYS[date.getUTCDay()]}, ${twoDigits(date.getUTCDate())} ${MONTHS[date.getUTCMonth()]}`
  return `${day} ${String(date.getUTCFullYear()).padStart(4, '0')} ${formatTime(date)} +0000`
}

/** Formats the time of day as `15:25:31`, in UTC. */
const formatTime = (date: Date): string =>
  `${twoDigits(date.getUTCHours())}:${twoDigits(date.getUTCMinutes())}:${twoDigits(date.getUTCSeconds())}`

const DATE = /^(\d{1,2})-([A-Za-z]{3})-(\d{4})$/
const DATE_TIME = /^([ \d]\d)-([A-Za-z]{3})-(\d{4}) (\d{2}):(\d{2}):(\d{2}) ([+-]\d{4})$/

/** Parses `1-Feb-1994`. Returns its midnight UTC in milliseconds since the epoch. RFC 9051 section 9, `date-text`. */
export function parseImapDate(text: string): number | undefined {
  const [matched, day = '', month = '', year = ''] = DATE.exec(text) ?? []
  return matched === undefined ? undefined : midnight(year, month, day)
}

/** Parses ` 7-Feb-1994 22:43:04 -0800`, without quotes, to milliseconds since the epoch. RFC 9051 section 9, `date-time`. */
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

/** Formats an INTERNALDATE as ` 7-Feb-1994 22:43:04 +0000`, without quotes. RFC 9051 section 9, `date-time`. */
export function formatImapDateTime(ms: number): string {
  const date = new Date(ms)
  return `${formatImapDate(ms).padStart(11)} ${formatTime(date)} +0000`
}

/** Formats milliseconds since the epoch as `7-Feb-1994`, in UTC. */
export function formatImapDate(ms: number): string {
  const date = new Date(ms)
  return `${date.getUTCDate()}-${MONTHS[date.getUTCMonth()]}-${String(date.getUTCFullYear()).padStart(4, '0')}`
}
