import { describe, expect, it } from 'vitest'
import { FlagTable } from '../../../src/storage/store/entries/flags.ts'

describe('the flags of a folder', () => {
  it('are sorted: system flags as in RFC 9051, then keywords', () => {
    const flags = ['b', '\\Draft', 'a', '\\Seen', '\\Deleted', 'B', '\\Answered', '\\Recent', '\\Flagged']
    const sorted = ['\\Answered', '\\Flagged', '\\Deleted', '\\Seen', '\\Draft', 'a', 'b']
    expect(new FlagTable().canonical(flags)).toEqual(sorted)
    expect(new FlagTable().canonical([...flags].reverse())).toEqual([...sorted.slice(0, 5), 'B', 'a'])
  })

  it('are the same array for equal combinations', () => {
    const table = new FlagTable()
    const first = table.canonical(['a', '\\Seen'])
    expect(table.canonical(['\\seen', 'A'])).toBe(first)
    expect(table.changer({ mode: 'add', flags: ['a'] })(table.canonical(['\\Seen']))).toBe(first)
    expect(table.canonical(['\\RECENT'])).toBe(table.canonical([]))
    expect(table.changer({ mode: 'remove', flags: ['\\Seen', 'a'] })(first)).toBe(table.canonical([]))
  })

  it('are not remembered without a limit', () => {
    const table = new FlagTable()
    const first = table.canonical(['first'])
    for (let i = 0; i < 9_000; i++) table.canonical([`keyword${i}`])
    expect(table.canonical(['first'])).toBe(first)
    for (let i = 9_000; i < 11_000; i++) table.canonical([`keyword${i}`])
    expect(table.canonical(['first'])).not.toBe(first)
    expect(table.canonical(['FIRST'])).toEqual(['first'])
  })
})
