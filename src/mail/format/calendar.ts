/** A date or time of an event. */
export interface EventTime {
  /** As it is written there: `2026-12-01T10:00:00`, or `2026-12-01` for a whole day. */
  readonly local: string
  /** `UTC`, or a zone such as `Europe/Berlin`. Undefined for a whole day, and for a time in the reader's own zone. */
  readonly timeZone: string | undefined
  /** The moment. Undefined without a zone, and for a zone that the IANA does not list. */
  readonly at: Date | undefined
}

/** The organizer of an event. */
export interface EventPerson {
  /** Empty if it has none. */
  readonly name: string
  /** An e-mail address, or another URI. */
  readonly address: string
}

/** An attendee of an event. RFC 5545 section 3.8.4.1 */
export interface EventAttendee extends EventPerson {
  /** `REQ-PARTICIPANT` (the default), `OPT-PARTICIPANT`, `CHAIR` … RFC 5545 section 3.2.16 */
  readonly role: string
  /** `NEEDS-ACTION` (the default), `ACCEPTED`, `DECLINED`, `TENTATIVE` … RFC 5545 section 3.2.12 */
  readonly status: string
}

/** The first event of a calendar object. Texts are empty if it has none. RFC 5545 section 3.6.1 */
export interface CalendarEvent {
  /** `REQUEST`, `CANCEL`, `REPLY` … in capitals; undefined if it has none. RFC 5546 section 1.4 */
  readonly method: string | undefined
  readonly uid: string
  readonly sequence: number
  /** `CONFIRMED`, `CANCELLED` … */
  readonly status: string
  readonly summary: string
  readonly description: string
  readonly location: string
  readonly start: EventTime | undefined
  /** Computed from DURATION if DTEND is missing. */
  readonly end: EventTime | undefined
  readonly organizer: EventPerson | undefined
  readonly attendees: readonly EventAttendee[]
  /** The rule of a repeated event, such as `FREQ=WEEKLY;COUNT=4`; empty if it is not repeated. */
  readonly recurrence: string
}

interface Property {
  readonly name: string
  readonly params: ReadonlyMap<string, string>
  readonly value: string
}

/** Returns the first event of an iCalendar text; undefined if it has none. */
export function eventOf(calendar: string): CalendarEvent | undefined {
  let method: string | undefined
  let found: Property[] | undefined
  const open: string[] = []
  for (const property of propertiesOf(calendar)) {
    const { name, value } = property
    // Components can be nested as deeply as a text is long.
    const path = open.length > 2 ? '' : open.join('/')
    if (name === 'BEGIN') {
      open.push(value.trim().toUpperCase())
      if (found === undefined && open.length === 2 && open.join('/') === 'VCALENDAR/VEVENT') found = []
      else if (open.at(-1) === 'VEVENT') open.splice(-1, 1, 'another VEVENT')
    } else if (name === 'END') open.pop()
    else if (name === 'METHOD' && path === 'VCALENDAR') method = value.trim().toUpperCase()
    else if (path === 'VCALENDAR/VEVENT') found?.push(property)
  }
  return found && eventWith(found, method)
}

function eventWith(properties: readonly Property[], method: string | undefined): CalendarEvent {
  const first = (name: string): Property | undefined => properties.find((one) => one.name === name)
  const text = (name: string): string => unescapeText(first(name)?.value ?? '')
  const start = timeOf(first('DTSTART'))
  const organizer = first('ORGANIZER')
  return {
    method,
    uid: text('UID'),
    sequence: Number(first('SEQUENCE')?.value ?? 0) || 0,
    status: text('STATUS').toUpperCase(),
    summary: text('SUMMARY'),
    description: text('DESCRIPTION'),
    location: text('LOCATION'),
    start,
    end: timeOf(first('DTEND')) ?? afterDuration(start, first('DURATION')?.value),
    organizer: organizer && personOf(organizer),
    attendees: properties
      .filter(({ name }) => name === 'ATTENDEE')
      .map((one) => ({
        ...personOf(one),
        role: one.params.get('ROLE')?.toUpperCase() ?? 'REQ-PARTICIPANT',
        status: one.params.get('PARTSTAT')?.toUpperCase() ?? 'NEEDS-ACTION',
      })),
    recurrence: first('RRULE')?.value.trim() ?? '',
  }
}

/** `NAME;PARAM=value;PARAM="value, value":value` */
const CONTENT_LINE = /^([\w-]+)((?:;[\w-]+=(?:"[^"]*"|[^";:,]*)(?:,(?:"[^"]*"|[^";:,]*))*)*):(.*)$/s
const PARAM = /;([\w-]+)=((?:"[^"]*"|[^";:])*)/g

function* propertiesOf(calendar: string): Generator<Property, void, void> {
  // RFC 5545 section 3.1: a line that begins with white space continues the one before.
  for (const line of calendar.replace(/\r?\n[ \t]/g, '').split(/\r?\n/)) {
    const [, name, params = '', value = ''] = CONTENT_LINE.exec(line) ?? []
    if (name === undefined) continue
    yield {
      name: name.toUpperCase(),
      params: new Map(
        Array.from(params.matchAll(PARAM), ([, key = '', written = '']) => [
          key.toUpperCase(),
          paramText(written.replaceAll('"', '')),
        ]),
      ),
      value,
    }
  }
}

/** Decodes the value of a parameter. RFC 6868 section 3.1 */
const paramText = (written: string): string =>
  written.replace(/\^(['n^])/g, (_, one: string) => (one === 'n' ? '\n' : one === "'" ? '"' : '^'))

/** RFC 5545 section 3.3.11 */
const unescapeText = (value: string): string =>
  value.replace(/\\([\\;,nN])/g, (_, one: string) => (one.toLowerCase() === 'n' ? '\n' : one))

const personOf = ({ params, value }: Property): EventPerson => ({
  name: params.get('CN') ?? '',
  address: value.trim().replace(/^mailto:/i, ''),
})

/** RFC 5545 sections 3.3.4 and 3.3.5 */
const TIME = /^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?$/

function timeOf(property: Property | undefined): EventTime | undefined {
  const [whole, year, month, day, hours, minutes, seconds, isUtc] = TIME.exec(property?.value.trim() ?? '') ?? []
  if (whole === undefined) return undefined
  const date = `${year}-${month}-${day}`
  if (hours === undefined) return { local: date, timeZone: undefined, at: undefined }
  const local = `${date}T${hours}:${minutes}:${seconds}`
  const timeZone = isUtc ? 'UTC' : property?.params.get('TZID')
  return { local, timeZone, at: momentOf(local, timeZone) }
}

/** Returns the moment of a local time; undefined for an unknown zone and for a time that does not exist. */
function momentOf(local: string, timeZone: string | undefined): Date | undefined {
  const asUtc = Date.parse(`${local}Z`)
  const zone = timeZone === undefined || Number.isNaN(asUtc) ? undefined : formatOf(timeZone)
  if (!zone) return undefined
  // A year with less or more than four digits is not formatted as ISO 8601 has it.
  const offsetAt = (time: number): number =>
    Number.isNaN(time) ? Number.NaN : Date.parse(`${zone.format(time).replace(' ', 'T')}Z`) - time
  // The first offset is a guess. The second look-up corrects it if the zone changes its offset in between.
  const at = asUtc - offsetAt(asUtc - offsetAt(asUtc))
  return Number.isNaN(at) ? undefined : new Date(at)
}

function formatOf(timeZone: string): Intl.DateTimeFormat | undefined {
  try {
    // The dates and times of Sweden are those of ISO 8601.
    return new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' })
  } catch (error) {
    // Outlook has names of its own: `W. Europe Standard Time`.
    if (error instanceof RangeError) return undefined
    throw error
  }
}

/** RFC 5545 section 3.3.6 */
const DURATION = /^\+?P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/

const AFTER_YEAR_9999 = Date.UTC(10_000)

function afterDuration(start: EventTime | undefined, duration = ''): EventTime | undefined {
  const [whole, ...counts] = DURATION.exec(duration.trim()) ?? []
  if (!start || whole === undefined) return undefined
  const units = [604_800, 86_400, 3_600, 60, 1]
  const seconds = counts.reduce((sum, count, index) => sum + Number(count ?? 0) * (units[index] ?? 0), 0)
  const isDay = start.local.length === 10
  const end = new Date(Date.parse(isDay ? start.local : `${start.local}Z`) + seconds * 1000)
  if (!(end.getTime() < AFTER_YEAR_9999)) return undefined
  const local = end.toISOString().slice(0, isDay ? 10 : 19)
  return { local, timeZone: start.timeZone, at: momentOf(local, start.timeZone) }
}
