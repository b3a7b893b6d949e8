import { expect, test } from 'vitest'
import { headerFields } from '../../../src/mail/format/headers.ts'
import { bodyLines, newsValue, overview } from '../../../src/mail/format/overview.ts'

const ARTICLE = [
  'Path: x!y',
  'Subject: a\tb',
  '  c',
  'From: A <a@b>',
  'Date: Fri, 30 Aug 2002 15:25:31 GMT',
  'Message-ID: <1@x>',
  'References: <a@x>',
  ' <b@x>',
  'Xref: x lab.general:7',
  '',
  'one',
  '',
  'three',
  '',
].join('\r\n')

test('the overview of an article (RFC 3977 section 8.3)', () => {
  expect(overview(Buffer.from(ARTICLE))).toEqual({
    subject: 'a b  c',
    from: 'A <a@b>',
    date: 'Fri, 30 Aug 2002 15:25:31 GMT',
    messageId: '<1@x>',
    references: '<a@x> <b@x>',
    bytes: ARTICLE.length,
    lines: 3,
    xref: 'x lab.general:7',
  })
})

test('missing fields are empty, and no value contains a separator of the row', () => {
  const raw = Buffer.from('Subject: a\0b\rc\nFrom: d\r\n\r\n')
  expect(overview(raw)).toMatchObject({ subject: 'a b c', messageId: '', references: '', lines: 0 })
  expect(newsValue(raw, headerFields(raw), 'x-absent')).toBeUndefined()
})

test.each([
  ['A: b\r\n\r\n', 0],
  ['A: b\r\n\r\nx', 1],
  ['A: b\r\n\r\nx\r\n', 1],
  ['A: b\r\n\r\n\r\n\r\n', 2],
  ['A: b\r\n', 0],
  ['A: b', 0],
])('%j has %i lines', (article, lines) => {
  expect(bodyLines(Buffer.from(article))).toBe(lines)
})
