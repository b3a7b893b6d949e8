import { describe, expect, test } from 'vitest'
import { saslprep } from '../../../src/accounts/directory/saslprep/saslprep.ts'

describe('saslprep', () => {
  test.each([
    // RFC 4013 section 3
    ['I\u00adX', 'IX'],
    ['user', 'user'],
    ['USER', 'USER'],
    ['\u00aa', 'a'],
    ['\u2168', 'IX'],
    ['\u0007', undefined],
    ['\u0627\u0031', undefined],
    // RFC 3454 section 6
    ['\u0627\u0031\u0628', '\u0627\u0031\u0628'],
    ['\u0627', '\u0627'],
    ['\u0627a\u0628', undefined],
    ['a\u0627', undefined],
    ['\u05d0-\u05d0', '\u05d0-\u05d0'],
    // Mapping: RFC 4013 section 2.1
    ['a\u3000b\u00a0c', 'a b c'],
    ['\ufeffa\u200d', 'a'],
    ['\u200b', ' '],
    // Prohibited: RFC 4013 section 2.3
    ['\u0340', '\u0300'],
    ['a\u200e', undefined],
    ['\ue000', undefined],
    ['\ufdd0', undefined],
    ['\u{1fffe}', undefined],
    ['\ufffd', undefined],
    ['\u2ff0', undefined],
    ['\u{e0041}', undefined],
    ['\ud800', undefined],
    ['\u0080', undefined],
    ['', ''],
  ])('%j', (text, expected) => {
    expect(saslprep(text)).toBe(expected)
  })

  test('code points that Unicode 3.2 does not assign may be queried, but not stored', () => {
    for (const text of ['\u0221', '\u{1f98a}', '\u0242']) {
      expect(saslprep(text, 'query')).toBe(text)
      expect(saslprep(text, 'storage')).toBeUndefined()
    }
    expect(saslprep('\u0220\u20ac', 'storage')).toBe('\u0220\u20ac')
  })
})
