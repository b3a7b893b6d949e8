import { describe, expect, it } from 'vitest'
import { lineChanges } from '../../src/core/text/line-diff.ts'
import { linesOfText } from '../../src/core/text/unified-diff.ts'
import { seededRandom } from '../../src/core/values/random.ts'
import { diff, randomPair } from './texts.ts'

const seed = 823024

describe('a difference', () => {
  it('leads from one list of lines to the other, and no shorter one does in the length that the reference finds', () => {
    const random = seededRandom(seed)
    for (let round = 0; round < 500; round++) {
      const [from, to] = randomPair(random).map(linesOfText) as [string[], string[]]
      const changes = lineChanges(from, to)
      const rebuilt = [...from]
      for (const { oldStart, oldEnd, newStart, newEnd } of changes.toReversed()) {
        rebuilt.splice(oldStart, oldEnd - oldStart, ...to.slice(newStart, newEnd))
      }
      expect(rebuilt, `seed ${seed}, round ${round}`).toEqual(to)
      const edits = changes.reduce((sum, one) => sum + one.oldEnd - one.oldStart + one.newEnd - one.newStart, 0)
      expect(edits, `seed ${seed}, round ${round}`).toBe(from.length + to.length - 2 * commonLength(from, to))
    }
  })

  it('ends soon for long texts without a common line', () => {
    const [from, to] = ['a', 'b'].map((name) => Array.from({ length: 20_000 }, (_, at) => `${name}${at}\n`))
    expect(lineChanges(from as string[], to as string[])).toEqual([
      { oldStart: 0, oldEnd: 20_000, newStart: 0, newEnd: 20_000 },
    ])
  })

  it('of equal texts is empty', () => {
    expect(diff('a\nb\n', 'a\nb\n')).toBe('')
  })
})

/** Returns the length of the longest common subsequence, by the table of the textbook. */
function commonLength(from: readonly string[], to: readonly string[]): number {
  let row = new Array<number>(to.length + 1).fill(0)
  for (const line of from) {
    const next = [0]
    for (const [at, other] of to.entries()) {
      next.push(line === other ? (row[at] as number) + 1 : Math.max(row[at + 1] as number, next[at] as number))
    }
    row = next
  }
  return row[to.length] as number
}
