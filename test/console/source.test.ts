import { expect, it } from 'vitest'
import { sourceSections } from '../../console/src/pages/mail/tabs/source.ts'

const outline = (source: string): string[] =>
  sourceSections(source).map(({ kind, depth, lines, line }) => `${line} ${kind} ${depth}: ${lines[0]}`)

it('a message has a header and a body', () => {
  expect(outline('Subject: A\r\nTo: b\r\n\r\nText\r\n\r\nMore\r\n')).toEqual([
    '1 header 0: Subject: A',
    '4 body 0: Text',
  ])
})

it('multiparts have boundaries, also within each other, and messages have headers again', () => {
  const source = [
    'Content-Type: multipart/mixed;',
    ' boundary="a b"',
    '',
    'preamble',
    '--a b',
    'Content-Type: multipart/alternative; boundary=c',
    '',
    '--c',
    'Content-Type: text/plain',
    '',
    'text --a b',
    '--c--',
    '--a b',
    'Content-Type: message/rfc822',
    '',
    'Subject: inner',
    '',
    'inner text',
    '--a b--',
    'epilogue',
  ].join('\n')
  expect(outline(source)).toEqual([
    '1 header 0: Content-Type: multipart/mixed;',
    '4 body 1: preamble',
    '5 boundary 1: --a b',
    '6 header 1: Content-Type: multipart/alternative; boundary=c',
    '8 boundary 2: --c',
    '9 header 2: Content-Type: text/plain',
    '11 body 2: text --a b',
    '12 boundary 1: --c--',
    '13 boundary 1: --a b',
    '14 header 1: Content-Type: message/rfc822',
    '16 header 1: Subject: inner',
    '18 body 1: inner text',
    '19 boundary 0: --a b--',
    '20 body 0: epilogue',
  ])
})

it('every line is in one section, whatever the message is', () => {
  for (const source of ['', '\n\n', 'no header', '--x\n--x--', 'Content-Type: multipart/mixed; boundary=\n\n--\n']) {
    const shown = sourceSections(source).flatMap(({ lines }) => lines)
    expect(shown.filter((line) => line !== '')).toEqual(source.split('\n').filter((line) => line !== ''))
  }
})
