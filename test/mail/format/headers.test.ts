import { describe, expect, test } from 'vitest'
import { runToEnd } from '../../../src/core/time/time-slice.ts'
import {
  headerBlockEnd,
  headerFields,
  headerValue,
  headerValues,
  MAX_VALUE_OCTETS,
  unfoldValue,
} from '../../../src/mail/format/headers.ts'
import { envelope } from '../../../src/mail/format/imap-form.ts'

const octets = (text: string): Buffer => Buffer.from(text, 'latin1')

describe('the header block', () => {
  test.each([
    ['A: b\r\n\r\nbody', 8],
    ['A: b\n\nbody', 6],
    ['A: b\r\n\nbody', 7],
    ['A: b\r\n \r\n c\r\n\r\nx', 15],
    ['A: b\r\rbody', 10],
    ['A: b', 4],
    ['\r\nbody', 2],
    ['\nbody', 1],
    ['', 0],
  ])('%j ends at %i', (text, end) => {
    expect(headerBlockEnd(octets(text))).toBe(end)
  })

  test('is read between given offsets', () => {
    const raw = octets('x\r\n\r\nA: b\r\n\r\nC: d\r\n')
    expect(headerBlockEnd(raw, 5)).toBe(13)
    expect(headerFields(raw, 5, 9).map(({ start, end }) => [start, end])).toEqual([[5, 9]])
  })
})

describe('header fields', () => {
  test('have offsets that cover the header, including folded lines', () => {
    const raw = octets('Subject: a\r\n\tb\r\nno colon\r\nX-Y :z\r\n c\r\n\r\n')
    const fields = headerFields(raw)
    expect(fields.map(({ name, start, valueStart, end }) => [name, start, valueStart, end])).toEqual([
      ['Subject', 0, 8, 16],
      ['', 16, 16, 26],
      ['X-Y', 26, 31, 38],
    ])
    expect(fields.map(({ nameLower }) => nameLower)).toEqual(['subject', '', 'x-y'])
  })

  test.each([
    ['a\r\n b', 'a b'],
    ['a\r\n\tb', 'a\tb'],
    ['a\n  b', 'a  b'],
    ['  a  ', 'a'],
    ['', ''],
    ['\r\n ', ''],
    ['a\rb', 'a\rb'],
    ['a\0b', 'a\0b'],
    ['\xe4\xff', '\xe4\xff'],
  ])('%j unfolds to %j', (value, text) => {
    const raw = octets(`A:${value}\r\n\r\n`)
    expect(headerFields(raw).map((field) => unfoldValue(raw, field))).toEqual([text])
  })

  test('are found by name in any case', () => {
    const raw = octets('To: a\r\nTO: b\r\nCc: c\r\n\r\n')
    const fields = headerFields(raw)
    expect(headerValue(raw, fields, 'tO')).toBe('a')
    expect(headerValues(raw, fields, 'to')).toEqual(['a', 'b'])
    expect(headerValue(raw, fields, 'Bcc')).toBeUndefined()
  })

  test('are unfolded in linear time for 200 KB of spaces', () => {
    const raw = octets(`A: ${' '.repeat(200_000)}x${' '.repeat(1_000_000)}\r\n\r\n`)
    expect(headerValue(raw, headerFields(raw), 'a')).toBe('x')
  })

  test('are read up to a limit', () => {
    const raw = octets(`A: ${'x'.repeat(1_000_000)}\r\nB: y\r\n\r\n`)
    const fields = headerFields(raw)
    expect(headerValue(raw, fields, 'a')).toBe('x'.repeat(MAX_VALUE_OCTETS - 1))
    expect(headerValue(raw, fields, 'b')).toBe('y')
  })
})

test('a header made to exhaust memory has a limited number of fields, and the last one covers the rest', () => {
  const raw = octets(`${'a:\r\n'.repeat(1_000_000)}\r\nbody`)
  const fields = headerFields(raw)
  expect(fields.length).toBeLessThan(20_000)
  expect(fields.at(-1)).toMatchObject({ name: '', end: 4_000_000 })
})

test('addresses made to exhaust memory are read up to a limit', () => {
  const raw = octets(
    `From: ${'a@b, '.repeat(2_000_000)}z@z\r\n${'To: a@b, c@d\r\n'.repeat(9_000)}${'To: e@f\r\n'.repeat(900)}\r\n`,
  )
  const { from, to } = runToEnd(envelope(raw, headerFields(raw)))
  expect(from.length).toBeLessThan(300_000)
  expect(to.length).toBe(18_900)
})
