import { formatDate, parseZonedDate } from '../../format/dates.ts'
import type { Tags, TestRow } from '../language.ts'
import { anyMatch, MATCHING } from '../match.ts'
import type { Call } from '../run.ts'
import { INDEX } from './header.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

/** Returns `+0130` for 90. */
function zoneText(minutes: number): string {
  const hours = Math.floor(Math.abs(minutes) / 60)
  return `${minutes < 0 ? '-' : '+'}${String(hours).padStart(2, '0')}${String(Math.abs(minutes) % 60).padStart(2, '0')}`
}

/** `local` is the ISO form of the time in its zone, `localMs` the same in milliseconds. RFC 5260 section 4.2 */
const PARTS: Readonly<Record<string, (local: string, zoneMinutes: number, localMs: number) => string>> = {
  year: (local) => local.slice(0, 4),
  month: (local) => local.slice(5, 7),
  day: (local) => local.slice(8, 10),
  date: (local) => local.slice(0, 10),
  julian: (_local, _zone, localMs) => String(Math.floor(localMs / DAY_MS) + 40_587), // the epoch's Modified Julian Day
  hour: (local) => local.slice(11, 13),
  minute: (local) => local.slice(14, 16),
  second: (local) => local.slice(17, 19),
  time: (local) => local.slice(11, 19),
  iso8601: (local, zone) => `${local.slice(0, 19)}${zone === 0 ? 'Z' : zoneText(zone).replace(/..$/, ':$&')}`,
  std11: (_local, zone, localMs) => formatDate(localMs).replace('+0000', zoneText(zone)),
  zone: (_local, zone) => zoneText(zone),
  weekday: (_local, _zone, localMs) => String(new Date(localMs).getUTCDay()),
}

const ZONE: Tags = {
  zone: {
    group: 'zone',
    value: { type: 'string', check: (text) => (/^[+-]\d{4}$/.test(text) ? undefined : 'use a form such as +0100') },
  },
}
const PART = {
  name: 'date part',
  type: 'string',
  check: (part: string): string | undefined =>
    Object.hasOwn(PARTS, part.toLowerCase()) ? undefined : `use ${Object.keys(PARTS).join(', ')}`,
} as const
const KEYS = { name: 'keys', type: 'strings' } as const

/** @param zoneMinutes the zone of the value; used with `:originalzone` */
function matches(call: Call, ms: number, zoneMinutes: number): Promise<boolean> {
  // The local zone of the lab is UTC.
  const [, sign = '+', hours = '0', minutes = '0'] = /^([+-])(\d\d)(\d\d)$/.exec(call.optional('zone') ?? '') ?? []
  const given = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes))
  const zone = call.has('originalzone') ? zoneMinutes : given
  const localMs = ms + zone * MINUTE_MS
  const part = PARTS[call.text('date part').toLowerCase()] as (typeof PARTS)[string]
  const local = new Date(localMs).toISOString()
  return anyMatch(call, [part(local, zone, localMs)], call.texts('keys'))
}

/** RFC 5260 sections 4 and 5. */
export const dateTests: readonly TestRow[] = [
  {
    name: 'date',
    extensions: ['date'],
    tags: { ...MATCHING, ...ZONE, originalzone: { group: 'zone' }, ...INDEX('index') },
    arguments: [{ name: 'header name', type: 'string' }, PART, KEYS],
    test(call) {
      const values = call.run.mail.raws([call.text('header name')])
      const [value] = call.has('index') ? call.indexed(values) : values
      // A date may follow a semicolon, as in Received. RFC 5260 section 4
      const date = value === undefined ? undefined : parseZonedDate(value.slice(value.lastIndexOf(';') + 1))
      return date === undefined ? anyMatch(call, [], call.texts('keys')) : matches(call, date.ms, date.zoneMinutes)
    },
  },
  {
    name: 'currentdate',
    extensions: ['date'],
    tags: { ...MATCHING, ...ZONE },
    arguments: [PART, KEYS],
    test: (call) => matches(call, call.run.environment.nowMs, 0),
  },
]
