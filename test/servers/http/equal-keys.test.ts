import { expect, it } from 'vitest'
import { pageOfWhole } from '../../../src/api/lists.ts'

it('items with equal keys come once each in the pages of a list', () => {
  const all = ['a', 'b', 'b', 'b', 'c'].map((name, n) => ({ name, n }))
  const read: number[] = []
  let cursor: string | undefined
  do {
    const { items, next, total } = pageOfWhole(all, { limit: 1, cursor }, ({ name }) => name)
    expect(total).toBe(5)
    read.push(...items.map(({ n }) => n))
    cursor = next ?? undefined
  } while (cursor !== undefined && read.length <= all.length)
  expect(read).toEqual([0, 1, 2, 3, 4])
})
