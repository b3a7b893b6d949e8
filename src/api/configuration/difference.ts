import { z } from 'zod'
import { textWithoutSecrets } from '../../core/config/secrets.ts'
import { type DiffText, type Hunk, hunksOf, linesOfText, unifiedDiff } from '../../core/text/unified-diff.ts'

const hunk = z
  .object({
    oldStart: z.number().int().describe('Counted from 1, as in `diff -u`.'),
    oldLines: z.number().int(),
    newStart: z.number().int(),
    newLines: z.number().int(),
    lines: z.array(z.object({ kind: z.enum(['same', 'removed', 'added']), text: z.string() })),
  })
  .meta({ id: 'Hunk', description: 'A part of a difference, with the unchanged lines around it.' })

export const difference = {
  diff: z
    .string()
    .describe('The difference in the form of `diff -u`, with secrets masked. Empty if the texts are the same.'),
  hunks: z.array(hunk),
}

/** Returns the difference between two texts of a configuration, with their secrets masked. @throws ConfigError */
export function differenceOf(before: string, after: string, name: string): { diff: string; hunks: Hunk[] } {
  const [from, to] = [before, after].map(
    (text): DiffText => ({ lines: linesOfText(text), shown: linesOfText(textWithoutSecrets(text, name)) }),
  ) as [DiffText, DiffText]
  const hunks = hunksOf(from, to)
  return { hunks, diff: unifiedDiff(hunks, { from: name, to: name }, { from, to }) }
}
