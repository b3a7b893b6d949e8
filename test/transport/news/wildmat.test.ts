import { expect, test } from 'vitest'
import { codePoints, globMatches, parseGlob } from '../../../src/core/text/glob.ts'
import { parseWildmat } from '../../../src/transport/news/wildmat.ts'

// The examples of RFC 3977 section 4.4, and edge cases.
test.each([
  ['a*', ['a', 'ab', 'a.b.c'], ['b', 'ba', '']],
  ['*', ['', 'x', 'grüße'], []],
  ['a*c', ['ac', 'abc', 'acc'], ['a', 'acb']],
  ['a?c', ['abc', 'a.c', 'aüc', 'a😀c'], ['ac', 'abbc']],
  ['a*,c*', ['a', 'cx'], ['b']],
  ['a*,!*b', ['a', 'ac'], ['ab', 'b']],
  ['a*,!*b,*c*', ['ac', 'acb', 'bcb', 'c'], ['ab', 'b']],
  ['!a*', [], ['a', 'b', '']],
  ['a*,!*b*,*c*', ['acb', 'abc', 'a'], ['ab']],
  ['comp.lang.*,!comp.lang.c,comp.lang.c', ['comp.lang.c', 'comp.lang.ada'], ['comp.os']],
])('wildmat %s', (text, chosen, others) => {
  const wildmat = parseWildmat(text)
  expect(chosen.filter((name) => !wildmat?.(name))).toEqual([])
  expect(others.filter((name) => wildmat?.(name))).toEqual([])
})

test.each(['', ',', 'a,', ',a', '!', 'a,!', '!!a', 'a b', 'a[b]', 'a\\b', 'a\u0000'])(
  'rejects as wildmat: %j',
  (text) => {
    expect(parseWildmat(text)).toBeUndefined()
  },
)

test.each([
  ['[a-c]x', ['ax', 'cx'], ['dx', 'x', '[a-c]x']],
  ['[^a-c]x', ['dx', '^x'], ['ax', 'x']],
  ['[]x]y', [']y', 'xy'], ['y']],
  ['a\\*b', ['a*b'], ['axb', 'a\\*b']],
  ['[a-]', ['a', '-'], ['b']],
  ['*[0-9]', ['a1', '9'], ['a', '1a']],
])('wildmat with the syntax of RFC 2980: %s', (pattern, chosen, others) => {
  const glob = parseGlob(pattern, 'old-wildmat')
  expect(chosen.filter((text) => !globMatches(glob ?? [], codePoints(text)))).toEqual([])
  expect(others.filter((text) => globMatches(glob ?? [], codePoints(text)))).toEqual([])
})

test('a pattern with many stars is matched in bounded time', () => {
  const glob = parseGlob(`${'*a'.repeat(200)}b`, 'wildmat') ?? []
  expect(globMatches(glob, codePoints('a'.repeat(100_000)))).toBe(false)
})
