import { describe, expect, test } from 'vitest'
import { dateTime } from '../../../servers/imap4/append-message.ts'
import { ImapError, statusResponse } from '../../../servers/imap4/reply.ts'
import { Cursor } from '../../../servers/imap4/wire/cursor.ts'
import { flags } from '../../../servers/imap4/wire/flags.ts'
import { date } from '../../../servers/imap4/wire/search-keys.ts'
import {
  formatNumbers,
  HIGHEST,
  memberOf,
  numberRanges,
  partialOf,
  partialRange,
} from '../../../servers/imap4/wire/sequence-set.ts'
import { astringForm, decodeUtf7, encodeUtf7 } from '../../../servers/imap4/wire/text.ts'

describe('RFC 3501 section 5.1.3: modified UTF-7', () => {
  test.each([
    ['~peter/mail/&U,BTFw-/&ZeVnLIqe-', '~peter/mail/台北/日本語'],
    ['Entw&APw-rfe', 'Entwürfe'],
    ['R&-D', 'R&D'],
    ['&2D3eAA-', '😀'],
    ['', ''],
  ])('%s is %s', (encoded, text) => {
    expect(decodeUtf7(encoded)).toBe(text)
    expect(encodeUtf7(text)).toBe(encoded)
  })

  test.each(['&', '&Jjo', '&AGE-', '&U,BTFw-&ZeVnLIqe-', '&!-', '&AP-', 'é', 'tab\t', '&AA-'])(
    '%s is rejected',
    (encoded) => {
      expect(decodeUtf7(encoded)).toBeUndefined()
    },
  )
})

test.each([
  ['1', [{ from: 1, to: 1 }]],
  ['4:2', [{ from: 2, to: 4 }]],
  ['*', [{ from: HIGHEST, to: HIGHEST }]],
  [
    '*:3,7',
    [
      { from: 3, to: HIGHEST },
      { from: 7, to: 7 },
    ],
  ],
  ['4294967295', [{ from: 4294967295, to: 4294967295 }]],
])('RFC 9051 section 9: the sequence set %s', (text, ranges) => {
  const cursor = Cursor.of(text)
  expect(numberRanges(cursor)).toEqual(ranges)
  expect(cursor.atEnd).toBe(true)
})

test.each(['', '0', '1,', ':3', '1:', '4294967296', 'x', '-1'])(
  'RFC 9051 section 9: %s is not a sequence set',
  (text) => {
    expect(() => numberRanges(Cursor.of(text))).toThrow(ImapError)
  },
)

test('numbers are found in overlapping and unordered ranges', () => {
  const ranges = [
    { from: 9, to: 9 },
    { from: 3, to: 5 },
    { from: 4, to: 4 },
    { from: 12, to: HIGHEST },
    { from: 1, to: 1 },
    { from: 5, to: 6 },
  ]
  const numbers = Array.from({ length: 15 }, (_, number) => number)
  expect(numbers.filter(memberOf(ranges))).toEqual([1, 3, 4, 5, 6, 9, 12, 13, 14])
  expect(numbers.filter(memberOf([]))).toEqual([])
})

test.each([
  [[], ''],
  [[1], '1'],
  [[1, 2, 3, 5, 7, 8], '1:3,5,7:8'],
  [[3, 1, 2], '3,1:2'],
])('numbers %j are written as %s', (numbers, text) => {
  expect(formatNumbers(numbers)).toBe(text)
})

test.each([
  ['"a \\"quoted\\" \\\\ string"', 'a "quoted" \\ string'],
  ['""', ''],
  ['atom]', 'atom]'],
  ['NIL', 'NIL'],
])('RFC 9051 section 9: the astring %s', (text, value) => {
  expect(Cursor.of(text).astring()).toBe(value)
})

test.each(['"open', '"bad \\x"', '(', '', '%', '{3}', '"\r"'])('RFC 9051 section 9: %j is not an astring', (text) => {
  expect(() => Cursor.of(text).astring()).toThrow(ImapError)
})

test.each([
  ['plain', 'plain'],
  ['with space', '"with space"'],
  ['', '""'],
  ['nil', '"nil"'],
  ['a"b', '"a\\"b"'],
  ['a\r\nb', '{4}\r\na\r\nb'],
])('RFC 9051 section 9: %j is written as %j', (value, text) => {
  expect(astringForm(value)).toBe(text)
})

test('RFC 9051 section 9: dates', () => {
  expect(date(Cursor.of('1-Feb-2026'))).toBe(Date.UTC(2026, 1, 1))
  expect(date(Cursor.of('"01-feb-2026"'))).toBe(Date.UTC(2026, 1, 1))
  expect(dateTime(Cursor.of('" 1-Feb-2026 23:30:00 -0130"'))).toBe(Date.UTC(2026, 1, 2, 1))
  for (const text of ['31-Feb-2026', '1-Foo-2026', '1-2-2026', ''])
    expect(() => date(Cursor.of(text))).toThrow(ImapError)
})

test('RFC 9051 section 9: flags without repetition, system flags in their usual spelling', () => {
  expect(flags(Cursor.of('(\\SEEN \\seen $Label $label)'))).toEqual(['\\Seen', '$Label'])
  expect(flags(Cursor.of('\\Deleted Work'))).toEqual(['\\Deleted', 'Work'])
  for (const text of ['(\\Recent)', '(\\Unknown)', '(a b', '(a  b)'])
    expect(() => flags(Cursor.of(text))).toThrow(ImapError)
})

test.each([
  ['1:2', [1, 2]],
  ['-1:-2', [4, 5]],
  ['-4:-2', [2, 3, 4]],
  ['4:9', [4, 5]],
  ['9:9', []],
  ['-9:-5', [1]],
])('RFC 9394 section 3.1: the range %s', (text, part) => {
  expect(partialOf([1, 2, 3, 4, 5], partialRange(Cursor.of(text)))).toEqual(part)
})

test.each([
  ['plain text', 'plain text', 'plain text'],
  ['CR \r, LF \n, NUL \0', 'CR ?, LF ?, NUL ?', 'CR ?, LF ?, NUL ?'],
  ['\u010d\u010a', '??', '\xc4\x8d\xc4\x8a'],
  ['\u0085', '?', '?'],
  ['\u{1f600}', '?', '\xf0\x9f\x98\x80'],
  ['\ud83d', '?', '?'],
])('RFC 9051 section 9, text: %j in a reply', (text, ascii, utf8) => {
  expect(statusResponse('a', 'NO', { text })).toBe(`a NO ${ascii}\r\n`)
  expect(statusResponse('a', 'NO', { text, code: `BADURL "${text}"` }, true)).toBe(
    `a NO [BADURL "${ascii}"] ${utf8}\r\n`,
  )
})
