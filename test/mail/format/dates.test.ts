import { describe, expect, test } from 'vitest'
import {
  dayAsWritten,
  formatDate,
  formatImapDate,
  formatImapDateTime,
  parseDate,
  parseImapDate,
  parseImapDateTime,
  parseZonedDate,
} from '../../../src/mail/format/dates.ts'

describe('dates of mail (RFC 5322 sections 3.3, 4.3)', () => {
  test.each([
    ['Fri, 21 Nov 1997 09:55:06 -0600', '1997-11-21T15:55:06.000Z'],
    ['21 Nov 97 09:55:06 GMT', '1997-11-21T09:55:06.000Z'],
    ['Fri, 21 Nov 1997 09(comment):   55  :  06 -0600', '1997-11-21T15:55:06.000Z'],
    ['Tue, 1 Jul 2003 10:52:37 +0200 (CEST (nested))', '2003-07-01T08:52:37.000Z'],
    ['Thu,\r\n 13\r\n Feb\r\n 1969\r\n 23:32\r\n -0330 (Newfoundland Time)', '1969-02-14T03:02:00.000Z'],
    ['1 Jan 49 00:00 +0000', '2049-01-01T00:00:00.000Z'],
    ['1 Jan 50 00:00 +0000', '1950-01-01T00:00:00.000Z'],
    ['1 Jan 102 00:00 +0000', '2002-01-01T00:00:00.000Z'],
    ['1 Jan 2002 12:00:00 EST', '2002-01-01T17:00:00.000Z'],
    ['1 Jan 2002 12:00:00 PDT', '2002-01-01T19:00:00.000Z'],
    ['1 Jan 2002 12:00:00 Z', '2002-01-01T12:00:00.000Z'],
    ['1 Jan 2002 12:00:00 -0000', '2002-01-01T12:00:00.000Z'],
    ['1 Jan 2002 12:00:00', '2002-01-01T12:00:00.000Z'],
    ['1 January 2002 1:2:3 +0100', '2002-01-01T00:02:03.000Z'],
    ['1-Jan-2002 12:00:00 +0000', '2002-01-01T12:00:00.000Z'],
    ['Fri Aug 30 11:25:31 2002', '2002-08-30T11:25:31.000Z'],
    ['Fri Aug 30 11:25:31 EDT 2002', '2002-08-30T15:25:31.000Z'],
    ['Sat, 31 Dec 2016 23:59:60 +0000', '2017-01-01T00:00:00.000Z'],
    ['29 Feb 2004 00:00:00 +1400', '2004-02-28T10:00:00.000Z'],
    ['(day) 1 Jan 2002 00:00 +0000', '2002-01-01T00:00:00.000Z'],
    ['1 Jan 2002 23:59 +0000', '2002-01-01T23:59:00.000Z'],
    ['1 Jan 2002 24:00 +0000', '2002-01-02T00:00:00.000Z'],
    ['1 Jan 1900 00:00 +0000', '1900-01-01T00:00:00.000Z'],
  ])('%j is %s', (value, iso) => {
    expect(parseDate(value)?.toISOString()).toBe(iso)
  })

  test.each([
    '',
    'today',
    '0 Jan 2002 00:00',
    '32 Jan 2002 00:00',
    '1 Foo 2002 00:00',
    '1 Jan 2002 25:00',
    '1 Jan 2002 00:60',
    '1 Jan 2002 00:00:61',
    '1 Jan 1899 00:00',
    'Thu, 29 Aug 0102 19:49:31 +0300',
    `1 Jan ${'('.repeat(100_000)}`,
  ])('%.40j is not a date', (value) => {
    expect(parseDate(value)).toBeUndefined()
  })

  test.each([
    'Sun, 1 Nov 2026 09:30:00 +0530',
    'Sun, 01 Nov 2026 09:30:00 -0530',
    '1 Nov 2026 24:00:60 +0000',
    '31 Feb 2026 09:30:00 +9999',
    'Sun, 0 Nov 2026 09:30:00 +0000',
    'Sun, 32 Nov 2026 09:30:00 +0000',
    'Sun, 1 Nov 1899 09:30:00 +0000',
    'Sun, 1 Nov 2026 09:60:00 +0000',
    'Sun, 1 NOV 2026 09:30:00 +0000',
    'S,n, 1 Nov 2026 09:30:00 +0000',
    'Sun, 1 Nov 2026 09:3x:00 +0000',
    'Sun, 1 Nov 2026 09:30:00 00000',
  ])('%j is the same date, or none, as with a comment', (value) => {
    expect(parseZonedDate(value)).toEqual(parseZonedDate(`${value} ()`))
  })

  test('are formatted and parsed back', () => {
    const ms = Date.UTC(2002, 7, 30, 15, 25, 31)
    expect(formatDate(ms)).toBe('Fri, 30 Aug 2002 15:25:31 +0000')
    expect(parseDate(formatDate(ms))?.getTime()).toBe(ms)
  })

  test('have the day as written, in any zone', () => {
    for (const zone of ['+1400', '-1200', '+0000']) {
      const zoned = parseZonedDate(`1 Feb 1994 23:30:00 ${zone}`)
      expect(zoned && dayAsWritten(zoned), zone).toBe(parseImapDate('1-Feb-1994'))
    }
  })
})

describe('dates of IMAP (RFC 9051 section 9)', () => {
  test('are parsed', () => {
    expect(parseImapDate('1-Feb-1994')).toBe(Date.UTC(1994, 1, 1))
    expect(parseImapDate('01-FEB-1994')).toBe(Date.UTC(1994, 1, 1))
    expect(parseImapDate('31-Jan-1994')).toBe(Date.UTC(1994, 0, 31))
    expect(parseImapDateTime('31-Dec-2016 23:59:60 +0000')).toBe(Date.UTC(2017, 0, 1))
    expect(parseImapDateTime(' 7-Feb-1994 22:43:04 -0800')).toBe(Date.UTC(1994, 1, 8, 6, 43, 4))
    expect(parseImapDateTime('17-Feb-1994 22:43:04 +0530')).toBe(Date.UTC(1994, 1, 17, 17, 13, 4))
  })

  test.each(['30-Feb-1994', '1-Foo-1994', '1-Feb-94', '0-Jan-2000', ''])('%j is not a date', (text) => {
    expect(parseImapDate(text)).toBeUndefined()
  })

  test.each([
    '7-Feb-1994 22:43:04 -0800',
    ' 7-Feb-1994 24:43:04 -0800',
    ' 7-Feb-1994 22:60:04 -0800',
    ' 7-Feb-1994 22:43:61 -0800',
    ' 7-Feb-1994 22:43:04',
    '99-Feb-1994 22:43:04 -0800',
  ])('%j is not a date-time', (text) => {
    expect(parseImapDateTime(text)).toBeUndefined()
  })

  test('are formatted', () => {
    const ms = Date.UTC(1994, 1, 7, 6, 3, 4)
    expect([formatImapDate(ms), formatImapDateTime(ms)]).toEqual(['7-Feb-1994', ' 7-Feb-1994 06:03:04 +0000'])
    expect(parseImapDateTime(formatImapDateTime(ms))).toBe(ms)
  })
})
