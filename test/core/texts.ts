import { hunksOf, linesOfText, unifiedDiff } from '../../src/core/text/unified-diff.ts'

const texts = (text: string) => ({ lines: linesOfText(text), shown: linesOfText(text) })

/** Returns the unified difference of two texts. */
export function diff(before: string, after: string): string {
  const [from, to] = [texts(before), texts(after)]
  return unifiedDiff(hunksOf(from, to), { from: 'a', to: 'b' }, { from, to })
}

/** Returns a text, and the same text with some lines changed. */
export function randomPair(random: () => number): [string, string] {
  const word = (): string => 'abcdef'[Math.floor(random() * 6)] as string
  const lines = Array.from({ length: Math.floor(random() * 40) }, word)
  const changed = lines.flatMap((line) => {
    const chance = random()
    if (chance < 0.1) return []
    if (chance < 0.2) return [line, word()]
    return chance < 0.3 ? [word()] : [line]
  })
  const end = (): string => (random() < 0.8 ? '\n' : '')
  return [lines.join('\n') + end(), changed.join('\n') + end()]
}
