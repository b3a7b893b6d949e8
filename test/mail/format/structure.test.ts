import { describe, expect, test } from 'vitest'
import { everyPart, isText, part, type SectionText, section } from '../../../src/mail/format/parts.ts'
import { parseMessage } from '../../../src/mail/format/structure.ts'

const MESSAGE = [
  'Content-Type: multipart/mixed; boundary=o',
  '',
  'preamble',
  '--o',
  'Content-Type: text/plain; charset=utf-8',
  'Content-ID: <one@x>',
  '',
  'one',
  '--o',
  'Content-Type: message/rfc822',
  '',
  'Subject: inside',
  'Content-Type: multipart/alternative; boundary=i',
  '',
  '--i',
  '',
  'two two one',
  '--i',
  'Content-Type: text/html',
  '',
  'two two two',
  '--i--',
  '--o',
  'Content-Type: message/rfc822',
  '',
  'Subject: plain',
  '',
  'three',
  '--o--',
  'epilogue',
  '',
].join('\r\n')
const RAW = Buffer.from(MESSAGE)
const STRUCTURE = parseMessage(RAW)

const text = (path: readonly number[], kind?: SectionText): string | undefined => {
  const range = section(STRUCTURE, path, kind)
  return range && RAW.toString('latin1', range.start, range.end)
}

describe('sections', () => {
  test.each<[number[], SectionText | undefined, string | undefined]>([
    [[1], undefined, 'one'],
    [[1], 'MIME', 'Content-Type: text/plain; charset=utf-8\r\nContent-ID: <one@x>\r\n\r\n'],
    [[1], 'HEADER', undefined],
    [[1], 'TEXT', undefined],
    [[1, 1], undefined, undefined],
    [[2], 'HEADER', 'Subject: inside\r\nContent-Type: multipart/alternative; boundary=i\r\n\r\n'],
    [[2], 'MIME', 'Content-Type: message/rfc822\r\n\r\n'],
    [[2], 'TEXT', '--i\r\n\r\ntwo two one\r\n--i\r\nContent-Type: text/html\r\n\r\ntwo two two\r\n--i--'],
    [[2, 1], undefined, 'two two one'],
    [[2, 2], undefined, 'two two two'],
    [[2, 2], 'MIME', 'Content-Type: text/html\r\n\r\n'],
    [[2, 3], undefined, undefined],
    [[3, 1], undefined, 'three'],
    [[3, 1], 'MIME', 'Subject: plain\r\n\r\n'],
    [[3, 2], undefined, undefined],
    [[4], undefined, undefined],
    [[0], undefined, undefined],
    [[], 'HEADER', 'Content-Type: multipart/mixed; boundary=o\r\n\r\n'],
    [[], 'MIME', undefined],
    [[], undefined, MESSAGE],
  ])('%j %s', (path, kind, expected) => {
    expect(text(path, kind)).toBe(expected)
  })

  test('1 of a message that is not a multipart is its body', () => {
    const raw = Buffer.from('Subject: x\r\n\r\nbody')
    const structure = parseMessage(raw)
    expect(part(structure, [1])).toBe(structure)
    expect(part(structure, [2])).toBeUndefined()
    expect(section(structure, [1])).toEqual({ start: 14, end: 18 })
  })
})

describe('parts', () => {
  test('are found in a multipart inside a multipart', () => {
    const raw = Buffer.from(
      'Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\nContent-Type: multipart/alternative; boundary=i\r\n\r\n' +
        '--i\r\n\r\na\r\n--i\r\nContent-Type: text/html\r\n\r\nb\r\n--i--\r\n--o--\r\n',
    )
    const structure = parseMessage(raw)
    expect(part(structure, [1, 2])?.subtype).toBe('html')
    expect(part(structure, [1, 3])).toBeUndefined()
    expect(section(structure, [])).toEqual({ start: 0, end: raw.length })
  })

  test('are visited in order, with those of messages inside', () => {
    const types = Array.from(everyPart(STRUCTURE), ({ type, subtype }) => `${type}/${subtype}`)
    expect(types).toEqual([
      'multipart/mixed',
      'text/plain',
      'message/rfc822',
      'multipart/alternative',
      'text/plain',
      'text/html',
      'message/rfc822',
      'text/plain',
    ])
  })

  test.each([
    ['Content-Type: text/html', true],
    ['Content-Type: TEXT/x', true],
    ['Subject: no type', true],
    ['Content-Type: broken type', true],
    ['Content-Type: image/png', false],
    ['Content-Type: textual/plain', false],
    ['Content-Type: multipart/mixed; boundary=b', false],
    ['Content-Type: message/rfc822', false],
  ])('%j: text is %s', (field, expected) => {
    expect(isText(parseMessage(Buffer.from(`${field}\r\n\r\nx\r\n`)))).toBe(expected)
  })
})

test('a boundary may be a prefix of another one', () => {
  const nested = (outer: string, inner: string): string =>
    `Content-Type: multipart/mixed; boundary=${outer}\r\n\r\n--${outer}\r\nContent-Type: multipart/mixed; boundary=${inner}\r\n\r\n` +
    `--${inner}\r\n\r\na\r\n--${inner}--\r\n--${outer}\r\n\r\nb\r\n--${outer}--\r\n`
  for (const [outer, inner] of [
    ['x', 'xy'],
    ['xy', 'x'],
    ['x', 'x--'],
  ] as const) {
    const raw = Buffer.from(nested(outer, inner))
    const structure = parseMessage(raw)
    const bodies = structure.children.map((child) => raw.toString('latin1', child.bodyStart, child.bodyEnd))
    expect([bodies.length, bodies.at(-1)]).toEqual([2, 'b'])
    expect(structure.children[0]?.children).toHaveLength(1)
  }
})

test('nesting is limited, and deeper parts are opaque', () => {
  const raw = Buffer.from(
    Array.from({ length: 5000 }, (_, i) => `Content-Type: multipart/mixed; boundary=b${i}.\r\n\r\n--b${i}.\r\n`).join(
      '',
    ),
  )
  let deepest = parseMessage(raw)
  let depth = 0
  while (deepest.children[0]) {
    deepest = deepest.children[0]
    depth++
  }
  expect([depth, deepest.type, deepest.subtype]).toEqual([99, 'application', 'octet-stream'])
})

describe('messages made to exhaust memory', () => {
  test('have a limited number of parts', () => {
    const raw = Buffer.from(`Content-Type: multipart/mixed; boundary=a\r\n\r\n${'--a\n\n'.repeat(200_000)}--a--\n`)
    const { children, bodyEnd } = parseMessage(raw)
    expect(children.length).toBeLessThan(20_000)
    expect(bodyEnd).toBe(raw.length)
  })

  test('with many open boundaries: the longest boundary with which a line begins counts', () => {
    const names = Array.from({ length: 60 }, (_, i) => 'x'.repeat(60 - i))
    const opened = names.map(
      (name, i) => `${i ? `--${names[i - 1]}\n` : ''}Content-Type: multipart/mixed; boundary=${name}\n\n`,
    )
    const raw = Buffer.from(`${opened.join('')}--x\n\ninner\n--x--\n--xxx\n\nouter\n--${names[0]}--\n`)
    const chain: (readonly unknown[])[] = []
    for (let at = parseMessage(raw); ; at = at.children[0] as typeof at) {
      chain.push(at.children)
      if (at.children.length === 0) break
    }
    expect(chain.map((children) => children.length)).toEqual([...Array(57).fill(1), 2, 1, 1, 0])
  })
})
