import { expect, it } from 'vitest'
import { momentOf, parseCalendar } from '../../console/src/pages/mail/tabs/calendar.ts'

const calendar = (...lines: readonly string[]) =>
  parseCalendar(['BEGIN:VCALENDAR', 'METHOD:REQUEST', ...lines, 'END:VCALENDAR', ''].join('\r\n'))

it('an invitation has its times, people and texts', () => {
  const { method, events } = calendar(
    'BEGIN:VTIMEZONE',
    'TZID:Europe/Berlin',
    'END:VTIMEZONE',
    'BEGIN:VEVENT',
    'SUMMARY:Review\\, second',
    'DTSTART;TZID="Europe/Berlin":20261201T100000',
    'DTEND:20261201T113000Z',
    'ORGANIZER;CN="Carol; Boss":MAILTO:carol@app.test',
    'ATTENDEE;PARTSTAT=ACCEPTED;CN=Ali',
    ' ce:mailto:alice@lab.test',
    'ATTENDEE:mailto:bob@lab.test',
    'BEGIN:VALARM',
    'DESCRIPTION:Reminder',
    'END:VALARM',
    'DESCRIPTION:One\\nTwo',
    'END:VEVENT',
  )
  expect(method).toBe('REQUEST')
  expect(events).toMatchObject([
    {
      kind: 'event',
      summary: 'Review, second',
      start: { value: '2026-12-01T10:00:00', zone: 'Europe/Berlin' },
      end: { value: '2026-12-01T11:30:00Z', zone: undefined },
      organizer: 'Carol; Boss <carol@app.test>',
      attendees: [
        { name: 'Alice <alice@lab.test>', answer: 'ACCEPTED' },
        { name: 'bob@lab.test', answer: '' },
      ],
      description: 'One\nTwo',
    },
  ])
})

it('whole days and tasks are read, and lines that are no properties are skipped', () => {
  const { events } = calendar('BEGIN:VTODO', 'nonsense', 'DTSTART;VALUE=DATE:20261201', 'DUE:20261202', 'END:VTODO')
  expect(events).toMatchObject([{ kind: 'todo', start: { value: '2026-12-01' }, end: { value: '2026-12-02' } }])
  expect(parseCalendar('no calendar')).toEqual({ method: '', events: [] })
})

it('a time in a zone has its moment, also on the days when clocks change', () => {
  const berlin = (value: string) => momentOf({ value, zone: 'Europe/Berlin' })?.toISOString()
  expect(berlin('2026-12-01T10:00:00')).toBe('2026-12-01T09:00:00.000Z')
  expect(berlin('2026-03-29T01:30:00')).toBe('2026-03-29T00:30:00.000Z')
  expect(berlin('2026-03-29T03:30:00')).toBe('2026-03-29T01:30:00.000Z')
  expect(berlin('2026-10-25T03:30:00')).toBe('2026-10-25T02:30:00.000Z')
  expect(momentOf({ value: '2026-12-01T10:00:00', zone: 'W. Europe Standard Time' })).toBeUndefined()
  expect(momentOf({ value: '2026-12-01', zone: undefined })).toBeUndefined()
})
