import { describe, expect, test } from 'vitest'
import { MemoryBudget, MemoryLimitReached, type MemoryUsage } from '../../src/core/octets/memory-budget.ts'

/** Registers data with a budget: each item of `sizes` is held, and the oldest is dropped first. */
function droppable(budget: MemoryBudget, use: 'transcripts' | 'caches', sizes: number[]): number[] {
  budget.addDroppable({
    drop(octets) {
      for (let dropped = 0; dropped < octets && sizes.length > 0; ) {
        const size = sizes.shift() ?? 0
        dropped += size
        budget.give(use, size)
      }
    },
  })
  for (const size of [...sizes]) budget.hold(use, size)
  return sizes
}

describe('a memory budget', () => {
  test('drops what was registered last before it refuses, and keeps what is reserved', () => {
    const budget = new MemoryBudget({ totalOctets: 100, heapOctets: 100 })
    const transcripts = droppable(budget, 'transcripts', [10, 10])
    const caches = droppable(budget, 'caches', [20, 20])
    const first = budget.reservation('messages')
    first.grow(55)
    expect([caches, transcripts]).toEqual([[20], [10, 10]])
    first.grow(40)
    expect([caches, transcripts]).toEqual([[], []])
    const second = budget.reservation('connections')
    expect(second.tryGrow(6)).toBe(false)
    expect(() => second.grow(6)).toThrow(MemoryLimitReached)
    second.grow(5)
    expect(budget.usage).toMatchObject({ used: 100, messages: 95, connections: 5, caches: 0, refusals: 2 })
    first.release()
    first.release()
    expect(budget.usage.used).toBe(5)
  })

  test('limits what lives on the heap apart', () => {
    const budget = new MemoryBudget({ totalOctets: 1_000, heapOctets: 50 })
    const caches = droppable(budget, 'caches', [20, 20, 20])
    expect(caches).toEqual([20, 20])
    budget.reservation('messages').grow(900)
    expect(caches).toEqual([20, 20])
    budget.limits = { totalOctets: 1_000, heapOctets: 30 }
    expect(caches).toEqual([20])
  })

  test('reports a refusal, and further ones not before a minute', () => {
    const reports: MemoryUsage[] = []
    const budget = new MemoryBudget({ totalOctets: 10, heapOctets: 10 }, (usage) => reports.push(usage))
    for (let i = 0; i < 3; i++) budget.reservation('compression').tryGrow(11)
    expect(reports).toEqual([budget.usage].map((usage) => ({ ...usage, refusals: 1 })))
  })
})
