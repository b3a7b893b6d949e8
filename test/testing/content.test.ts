import { describe, expect, test } from 'vitest'
import { HttpLab } from '../servers/http/client.ts'

const http = HttpLab.ofTests()
let count = 0

/** Delivers a message, and returns it as the library and as the HTTP API have it. */
async function both(header: string, body: string) {
  const subject = `message ${++count}`
  const lines = [
    `Subject: ${subject}`,
    'From: shop@example.com',
    'To: alice@lab.test',
    'MIME-Version: 1.0',
    header,
    '',
    body,
  ]
  await http.lab.deliver(Buffer.from(lines.join('\n').replaceAll('\n', '\r\n')), 'alice')
  const mail = await http.lab.waitForMessage({ subject })
  const { body: found } = await http.request('wait', { json: { subject } })
  return { mail, shown: (await http.request(`messages/${found.id}`)).body }
}

const part = (type: string, text: string): string => `--m\nContent-Type: ${type}\n\n${text}\n`

describe('links', () => {
  test('have at most 500 characters of text', async () => {
    const html = `<a href="https://shop.test/">${'a'.repeat(499)}<b>${'b'.repeat(499)}</b></a>`
    const { mail } = await both('Content-Type: text/html', html)
    expect(mail.links.map(({ text }) => text)).toEqual([`${'a'.repeat(499)}b`])
  })

  test('have the words of the anchor and their place, in the library and over HTTP', async () => {
    const html = `<p>Hi</p>
<a href="https://shop.test/"><img src="cid:logo" alt="The  shop"></a>
<a href="https://shop.test/confirm?a=1&amp;b=2"><b>Confirm</b>
 your &lt;address&gt;</a> <a href="https://shop.test/">The shop</a>
<map><area href="https://shop.test/map" alt="Map"></map><a href="https://shop.test/">Home</a>`
    const text = 'Go to\nhttps://shop.test/confirm?a=1&b=2 or (https://shop.test/help).'
    const { mail, shown } = await both(
      'Content-Type: multipart/alternative; boundary=m',
      `${part('text/plain', text)}${part('text/html', html)}--m--`,
    )
    const expected = [
      { href: 'https://shop.test/', text: 'The shop', place: 'html', line: 2 },
      { href: 'https://shop.test/confirm?a=1&b=2', text: 'Confirm your <address>', place: 'html', line: 3 },
      { href: 'https://shop.test/map', text: 'Map', place: 'html', line: 5 },
      { href: 'https://shop.test/', text: 'Home', place: 'html', line: 5 },
      { href: 'https://shop.test/help', text: 'https://shop.test/help', place: 'text', line: 2 },
    ]
    expect(mail.links).toEqual(expected)
    expect(shown.links).toEqual(expected)
    expect(new URL(mail.links[1] ?? '').searchParams.get('b')).toBe('2')
  })
})

describe('images', () => {
  test('have their alternative text, their size and the place of their content', async () => {
    const html = `<img src="cid:logo%40shop" alt="Shop" width="120" height="40px">
<img src="https://cdn.test/p.png" alt="" width="100%"><img src="data:image/gif;base64,R0lGODdh" alt="Dot">
<img src="/logo.png"><img src="cid:other" alt="?">`
    const { mail, shown } = await both(
      'Content-Type: multipart/related; boundary=m',
      `${part('text/html', html)}${part('image/png\nContent-ID: <logo@shop>\nContent-Transfer-Encoding: base64', 'aGVsbG8=')}--m--`,
    )
    const expected = [
      { src: 'cid:logo%40shop', alt: 'Shop', width: 120, height: 40, place: 'attached', sizeOctets: 5, line: 1 },
      { src: 'https://cdn.test/p.png', alt: '', place: 'remote', line: 2 },
      { src: 'data:image/gif;base64,…', alt: 'Dot', place: 'inline', sizeOctets: 6, line: 2 },
      { src: '/logo.png', place: 'missing', line: 3 },
      { src: 'cid:other', alt: '?', place: 'missing', line: 3 },
    ]
    expect(mail.images).toEqual(expected)
    const without = { alt: null, width: null, height: null, sizeOctets: null }
    expect(shown.images).toEqual(expected.map((image) => ({ ...without, ...image })))
  })
})

const INVITATION = `BEGIN:VCALENDAR
VERSION:2.0
METHOD:REQUEST
BEGIN:VTIMEZONE
TZID:Europe/Berlin
END:VTIMEZONE
BEGIN:VEVENT
UID:1@example.com
SEQUENCE:2
STATUS:CONFIRMED
SUMMARY:Review\\, second
  part
DESCRIPTION:One\\nTwo
LOCATION:Room 1\\; upstairs
DTSTART;TZID="Europe/Berlin":20260329T013000
DTEND;TZID=Europe/Berlin:20260329T033000
ORGANIZER;CN="Ann, of: the shop":mailto:ann@example.com
ATTENDEE;ROLE=CHAIR;PARTSTAT=ACCEPTED;CN=Bob ^'B^';MEMBER="mailto:a@x","mailto:b@x":MAILTO:bob@exam
 ple.com
ATTENDEE:mailto:carol@example.com
RRULE:FREQ=WEEKLY;COUNT=4
BEGIN:VALARM
SUMMARY:no summary of the event
END:VALARM
END:VEVENT
BEGIN:VEVENT
SUMMARY:another event
END:VEVENT
END:VCALENDAR`

describe('events', () => {
  const expected = {
    method: 'REQUEST',
    uid: '1@example.com',
    sequence: 2,
    status: 'CONFIRMED',
    summary: 'Review, second part',
    description: 'One\nTwo',
    location: 'Room 1; upstairs',
    organizer: { name: 'Ann, of: the shop', address: 'ann@example.com' },
    attendees: [
      { name: 'Bob "B"', address: 'bob@example.com', role: 'CHAIR', status: 'ACCEPTED' },
      { name: '', address: 'carol@example.com', role: 'REQ-PARTICIPANT', status: 'NEEDS-ACTION' },
    ],
    recurrence: 'FREQ=WEEKLY;COUNT=4',
  }

  test.each([
    ['an alternative text', 'multipart/alternative', 'text/calendar; method=REQUEST; charset=utf-8'],
    ['an attachment', 'multipart/mixed', 'text/calendar; name=invite.ics\nContent-Disposition: attachment'],
    [
      'a file with another type',
      'multipart/mixed',
      'application/octet-stream\nContent-Disposition: attachment; filename=a.ics',
    ],
  ])('of %s are read', async (_, type, calendar) => {
    const { mail, shown } = await both(
      `Content-Type: ${type}; boundary=m`,
      `${part('text/plain', 'Meet')}${part(calendar, INVITATION)}--m--`,
    )
    // Summer time begins between start and end.
    expect(mail.event).toEqual({
      ...expected,
      start: { local: '2026-03-29T01:30:00', timeZone: 'Europe/Berlin', at: new Date('2026-03-29T00:30:00Z') },
      end: { local: '2026-03-29T03:30:00', timeZone: 'Europe/Berlin', at: new Date('2026-03-29T01:30:00Z') },
    })
    expect(shown.event).toMatchObject({ ...expected, end: { at: '2026-03-29T01:30:00.000Z' } })
  })

  test.each([
    ['DTSTART:20261201T100000Z', '2026-12-01T10:00:00', 'UTC', new Date('2026-12-01T10:00:00Z')],
    ['DTSTART:20261201T100000', '2026-12-01T10:00:00', undefined, undefined],
    ['DTSTART;VALUE=DATE:20261201', '2026-12-01', undefined, undefined],
    [
      'DTSTART;TZID=W. Europe Standard Time:20261201T100000',
      '2026-12-01T10:00:00',
      'W. Europe Standard Time',
      undefined,
    ],
  ])('begin at %s', async (line, local, timeZone, at) => {
    const { mail, shown } = await both(
      'Content-Type: text/calendar',
      `BEGIN:VCALENDAR\nBEGIN:VEVENT\n${line}\nDURATION:P1DT1H\nEND:VEVENT\nEND:VCALENDAR`,
    )
    expect(mail.event).toMatchObject({ method: undefined, start: { local, timeZone, at } })
    expect(mail.event?.end?.local).toBe(local.length > 10 ? '2026-12-02T11:00:00' : '2026-12-02')
    expect(shown.event).toMatchObject({ method: null, organizer: null, start: { timeZone: timeZone ?? null } })
  })

  // Years that Intl.DateTimeFormat writes with less or more than four digits.
  test.each([
    ['0026-12-01T10:00:00', '0026-12-02T11:00:00'],
    ['0000-01-01T00:00:00', '0000-01-02T01:00:00'],
    ['9999-12-31T23:59:59', undefined],
  ])('have no moment at %s', async (local, end) => {
    const start = `DTSTART;TZID=Europe/Berlin:${local.replace(/[-:]/g, '')}`
    const { mail, shown } = await both(
      'Content-Type: text/calendar',
      `BEGIN:VCALENDAR\nBEGIN:VEVENT\n${start}\nDURATION:P1DT1H\nEND:VEVENT\nEND:VCALENDAR`,
    )
    expect(mail.event).toMatchObject({ start: { local, at: undefined } })
    expect(mail.event?.end?.local).toBe(end)
    expect(shown.event).toMatchObject({ start: { local } })
  })

  test('are missing in other mail', async () => {
    const { mail, shown } = await both('Content-Type: text/plain', 'BEGIN:VCALENDAR')
    expect([mail.event, shown.event]).toEqual([undefined, null])
  })
})
