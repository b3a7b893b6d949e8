import { browserNow, labNow } from '../state/clock.ts'
import { language } from '../state/preferences.ts'

const SECOND = 1_000
const [MINUTE, HOUR, DAY] = [60 * SECOND, 3_600 * SECOND, 86_400 * SECOND]

/** Returns a date and time with its zone. */
export const wholeTime = (at: number | string): string =>
  new Date(at).toLocaleString(language.value, {
    weekday: 'short',
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZoneName: 'short',
  })

/** Returns the zone that times are shown in, and its distance from UTC: `Europe/Berlin`, `GMT+1`. */
export function timeZone(): { readonly zone: string; readonly offset: string } {
  const format = new Intl.DateTimeFormat('en', { timeZoneName: 'shortOffset' })
  const offset = format.formatToParts(new Date()).find(({ type }) => type === 'timeZoneName')?.value ?? ''
  return { zone: format.resolvedOptions().timeZone, offset: offset.replace(/^GMT/, 'UTC') }
}

/** Returns a time of today as such, another day of this year as a date, and others with their year. */
export function shortTime(at: number | string, present = browserNow.value): string {
  const date = new Date(at)
  const today = new Date(present)
  const isToday = date.toDateString() === today.toDateString()
  if (isToday) return date.toLocaleTimeString(language.value, { hour: '2-digit', minute: '2-digit' })
  const isThisYear = date.getFullYear() === today.getFullYear()
  return date.toLocaleDateString(
    language.value,
    isThisYear ? { month: 'short', day: 'numeric' } : { dateStyle: 'medium' },
  )
}

/** Returns whole minutes, hours or days: a certificate with 396 days and some hours has 396 days left. */
function relative(at: number, present: number): string {
  const format = new Intl.RelativeTimeFormat(language.value, { numeric: 'auto', style: 'short' })
  const distance = at - present
  const size = Math.abs(distance)
  if (size < MINUTE) return format.format(0, 'second')
  if (size < HOUR) return format.format(Math.trunc(distance / MINUTE), 'minute')
  if (size < DAY) return format.format(Math.trunc(distance / HOUR), 'hour')
  return format.format(Math.trunc(distance / DAY), 'day')
}

interface RelativeTimeProps {
  readonly at: number | string
  readonly short?: boolean
  /** The time is one of the machine, which the clock of the lab does not move. */
  readonly ofMachine?: boolean
}

/** A time of the lab as `5 min. ago`, or, with `short`, as `12:04`. The tooltip has all of it, with the zone. */
export function RelativeTime({ at, short = false, ofMachine = false }: RelativeTimeProps) {
  const ms = typeof at === 'number' ? at : Date.parse(at)
  const present = ofMachine ? browserNow.value : labNow.value
  return (
    <time dateTime={new Date(ms).toISOString()} title={wholeTime(ms)}>
      {short ? shortTime(ms, present) : relative(ms, present)}
    </time>
  )
}
