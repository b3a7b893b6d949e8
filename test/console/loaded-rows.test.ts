import { expect, it } from 'vitest'
import { LoadedRows } from '../../console/src/pages/mail/loaded-rows.ts'

interface Message {
  readonly id: string
}

const message = (id: string): Message => ({ id })
const page = (first: number, count: number): Message[] =>
  Array.from({ length: count }, (_, index) => message(`m${first + index}`))

it('a new message moves rows down, and a removed one moves them up', () => {
  const rows = new LoadedRows<Message>()
  rows.reset(10)
  rows.put(2, page(2, 3))
  expect([rows.at(2)?.id, rows.rowOf('m4'), rows.at(5)]).toEqual(['m2', 4, undefined])
  rows.unshift(message('new'))
  expect([rows.length, rows.rowOf('new'), rows.rowOf('m4')]).toEqual([11, 0, 5])
  rows.remove(new Set(['m2', 'unknown']))
  expect([rows.length, rows.rowOf('m4'), rows.rowOf('m2'), rows.at(3)?.id]).toEqual([10, 4, -1, 'm3'])
})

it('a page has a gap where one of its rows is not loaded, but not beyond the end of the list', () => {
  const rows = new LoadedRows<Message>()
  rows.reset(12)
  rows.put(0, page(0, 5))
  rows.put(10, page(10, 5))
  expect([rows.hasGap(0, 5), rows.hasGap(0, 6), rows.hasGap(10, 5)]).toEqual([false, true, false])
  expect(rows.loaded).toBe(7)
})

it('many loaded rows are dropped but for those near the visible ones and those that are needed', () => {
  const rows = new LoadedRows<Message>()
  rows.reset(100_000)
  for (let first = 0; first < 3_000; first += 50) rows.put(first, page(first, 50))
  rows.trim(2_900, 2_920, (id) => id === 'm7')
  expect(rows.length).toBe(100_000)
  expect(rows.loaded).toBeLessThan(1_000)
  expect([0, 7, 2_000, 2_500, 2_999].map((row) => rows.at(row)?.id)).toEqual([
    undefined,
    'm7',
    undefined,
    'm2500',
    'm2999',
  ])
  expect([rows.rowOf('m0'), rows.rowOf('m7'), rows.rowOf('m2999')]).toEqual([-1, 7, 2_999])
})
