import { expect, test } from 'vitest'
import { parseSearchDate } from '../../../src/api/messages/search-date.ts'

const read = (value: string, timeZone = 'UTC'): string | undefined => {
  const time = parseSearchDate(value, timeZone)
  return time === undefined ? undefined : new Date(time).toISOString()
}

test.each([
  ['2026-11-25', 'UTC', '2026-11-25T00:00:00.000Z'],
  ['2026/1/5 7:08', 'UTC', '2026-01-05T07:08:00.000Z'],
  ['2026-11-25', 'Pacific/Auckland', '2026-11-24T11:00:00.000Z'],
  ['2026-07-01T12:00:00', 'America/New_York', '2026-07-01T16:00:00.000Z'],
  ['2026-01-01T12:00:00', 'America/New_York', '2026-01-01T17:00:00.000Z'],
  // The clocks go forward at 2:00 on March 8, and back at 2:00 on November 1.
  ['2026-03-08T03:30', 'America/New_York', '2026-03-08T07:30:00.000Z'],
  ['2026-11-01T03:30', 'America/New_York', '2026-11-01T08:30:00.000Z'],
  // A time with a zone of its own keeps it.
  ['2026-11-25T10:00:00+02:00', 'America/New_York', '2026-11-25T08:00:00.000Z'],
  ['2026-11-25t10:00:00.25z', 'America/New_York', '2026-11-25T10:00:00.250Z'],
  ['2026-11-25 10:00-0330', 'UTC', '2026-11-25T13:30:00.000Z'],
  ['2026-12-31T23:59:60Z', 'UTC', '2027-01-01T00:00:00.000Z'],
  // The zero time of Go.
  ['0001-01-01T00:00:00Z', 'UTC', '0001-01-01T00:00:00.000Z'],
])('%s in %s', (value, zone, expected) => expect(read(value, zone)).toBe(expected))

test.each([
  'yesterday-ish',
  '2026-02-30',
  '2026-13-01',
  '1',
  'last-7',
  '2026',
  '2026-11-25T16:75',
  '2026-11-25T24:00',
  '2026-11-25T16:40:61Z',
  '2026-11-25T16:40:00+25:00',
  '2026-11-25Z',
])('%s is not a date', (value) => expect(read(value)).toBeUndefined())

test('an unknown time zone is refused', () => expect(() => read('2026-11-25', 'Mars/Base')).toThrow(/tz: Mars\/Base/))
