/** A calendar object, as far as people read it. RFC 5545, RFC 5546. */
interface CalendarObject {
  /** REQUEST, REPLY, CANCEL … */
  readonly method: string
  readonly events: readonly CalendarEvent[]
}

export interface CalendarTime {
  /** Date and time as `2026-11-25T16:40:00`, with `Z` for UTC; only a date for whole days. */
  readonly value: string
  /** TZID. */
  readonly zone: string | undefined
}

export interface CalendarEvent {
  readonly kind: 'event' | 'todo'
  readonly summary: string
  readonly start: CalendarTime | undefined
  readonly end: CalendarTime | undefined
  readonly location: string
  readonly description: string
  readonly status: string
  readonly rule: string
  /** The occurrence of a repeated event that this one replaces. RFC 5545 section 3.8.4.4. */
  readonly occurrence: CalendarTime | undefined
  /** Counts the changes by the organizer. RFC 5545 section 3.8.7.4. */
  readonly sequence: number
  readonly organizer: string
  readonly attendees: readonly { readonly name: string; readonly answer: string }[]
}

interface Property {
  readonly name: string
  readonly params: ReadonlyMap<string, string>
  readonly value: string
}

/** Reads a calendar object. Lines that are not properties are skipped. */
export function parseCalendar(text: string): CalendarObject {
  // RFC 5545 section 3.1
  const lines = text.replaceAll(/\r?\n[ \t]/g, '').split(/\r?\n/)
  const events: CalendarEvent[] = []
  let method = ''
  let current: Property[] | undefined
  let kind = ''
  let inner = 0
  for (const property of lines.flatMap(propertyIn)) {
    const { name, value } = property
    const component = value.toUpperCase()
    if (name === 'BEGIN' && !current && (component === 'VEVENT' || component === 'VTODO')) {
      current = []
      kind = component
    } else if (name === 'BEGIN' && current) inner++
    else if (name === 'END' && current && inner > 0) inner--
    else if (name === 'END' && current && component === kind) {
      events.push(eventOf(current, kind === 'VTODO' ? 'todo' : 'event'))
      current = undefined
    } else if (current && inner === 0) current.push(property)
    else if (name === 'METHOD') method = component
  }
  return { method, events }
}

function propertyIn(line: string): Property[] {
  const [whole, name = '', params = ''] =
    /^([A-Za-z0-9-]+)((?:;[A-Za-z0-9-]+=(?:"[^"]*"|[^";:,]*)(?:,(?:"[^"]*"|[^";:,]*))*)*):/.exec(line) ?? []
  if (whole === undefined) return []
  const found = [...params.matchAll(/;([A-Za-z0-9-]+)=("[^"]*"|[^";:]*)/g)].map(
    ([, key = '', value = '']) => [key.toUpperCase(), value.replaceAll('"', '')] as const,
  )
  return [{ name: name.toUpperCase(), params: new Map(found), value: line.slice(whole.length) }]
}

function eventOf(properties: readonly Property[], kind: CalendarEvent['kind']): CalendarEvent {
  const find = (name: string): Property | undefined => properties.find((one) => one.name === name)
  const text = (name: string): string => unescaped(find(name)?.value ?? '')
  const time = (name: string): CalendarTime | undefined => {
    const found = find(name)
    return found && { value: isoTime(found.value), zone: found.params.get('TZID') }
  }
  return {
    kind,
    summary: text('SUMMARY'),
    start: time('DTSTART'),
    end: time('DTEND') ?? time('DUE'),
    location: text('LOCATION'),
    description: text('DESCRIPTION'),
    status: text('STATUS'),
    rule: text('RRULE'),
    occurrence: time('RECURRENCE-ID'),
    sequence: Number(find('SEQUENCE')?.value) || 0,
    organizer: personOf(find('ORGANIZER')),
    attendees: properties
      .filter(({ name }) => name === 'ATTENDEE')
      .map((one) => ({ name: personOf(one), answer: one.params.get('PARTSTAT') ?? '' })),
  }
}

/** Returns the moment of a time. Undefined for a whole day, for local time, and for a zone that the browser does not know. */
export function momentOf({ value, zone }: CalendarTime): Date | undefined {
  if (!value.includes('T')) return undefined
  if (value.endsWith('Z')) return new Date(value)
  if (zone === undefined) return undefined
  const wanted = Date.parse(`${value}Z`)
  try {
    const clock = new Intl.DateTimeFormat('sv', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' })
    const shown = (ms: number): number => Date.parse(`${clock.format(ms).replace(' ', 'T')}Z`)
    // The second step is for a moment whose offset differs from the one that the first step assumed.
    const near = 2 * wanted - shown(wanted)
    return new Date(near + wanted - shown(near))
  } catch {
    return undefined
  }
}

/** RFC 5545 section 3.3.11. */
const unescaped = (value: string): string =>
  value.replaceAll(/\\([nN,;\\])/g, (_, letter: string) => (letter.toLowerCase() === 'n' ? '\n' : letter))

/** `20261125T164000Z` as `2026-11-25T16:40:00Z`. */
const isoTime = (value: string): string =>
  value.replace(/^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?$/, (_, y, m, d, h, min, s, z) =>
    h === undefined ? `${y}-${m}-${d}` : `${y}-${m}-${d}T${h}:${min}:${s}${z}`,
  )

function personOf(property: Property | undefined): string {
  const address = (property?.value ?? '').replace(/^mailto:/i, '')
  const name = property?.params.get('CN')
  return name && name !== address ? `${name} <${address}>` : address
}
