import { type LineChange, lineChanges } from '../../text/line-diff.ts'
import { linesOfText } from '../../text/unified-diff.ts'

/**
 * Returns a text with the changes from `before` to `after`, and all other lines as they are in `original`. A writer of
 * YAML formats all lines in its own way; `before` and `after` come from the same writer, so they differ only where a
 * value has changed. Lines that have both another format and a change are taken from `after`. Lines that only moved keep
 * their format.
 */
export function keepFormatting(original: string, before: string, after: string): string {
  const raw = linesOfText(original)
  const [own, from, to] = [raw.map(withoutEnd), linesOfText(before).map(withoutEnd), linesOfText(after).map(withoutEnd)]
  const lineEnd = raw.filter((line) => line.endsWith('\r\n')).length > raw.length / 2 ? '\r\n' : '\n'
  const formats = lineChanges(from, own)
  const written = originalLines(formats, from, own)
  const merged: string[] = []
  const keep = (start: number, end: number): void => void merged.push(...raw.slice(start, end))
  const take = (start: number, end: number): void => {
    const lines = to.slice(start, end).map((line) => {
      const content = line.trimStart()
      return line.slice(0, line.length - content.length) + (written.get(content) ?? content) + lineEnd
    })
    merged.splice(insertionLine(lines, merged), 0, ...lines)
  }
  let [at, ownShift, toShift] = [0, 0, 0]
  for (const { start, end, formats: other, edits } of groupsOf(formats, lineChanges(from, to))) {
    keep(at + ownShift, start + ownShift)
    const [ownGrowth, toGrowth] = [growth(other), growth(edits)]
    if (edits.length === 0) keep(start + ownShift, end + ownShift + ownGrowth)
    else take(start + toShift, end + toShift + toGrowth)
    ownShift += ownGrowth
    toShift += toGrowth
    at = end
  }
  keep(at + ownShift, raw.length)
  return merged
    .map((line, index) => (index < merged.length - 1 && !line.endsWith('\n') ? line + lineEnd : line))
    .join('')
}

/** Returns the lines of a writer of YAML whose format differs, with their original format. Without the indentation. */
const originalLines = (
  formats: readonly LineChange[],
  from: readonly string[],
  own: readonly string[],
): ReadonlyMap<string, string> =>
  new Map(
    formats
      .filter((change) => growth([change]) === 0)
      .flatMap(({ oldStart, oldEnd, newStart }) =>
        from
          .slice(oldStart, oldEnd)
          .map((line, n) => [line.trimStart(), (own[newStart + n] ?? '').trimStart()] as const),
      ),
  )

/** New lines stand before comments that are less indented: these belong to what follows. */
function insertionLine(lines: readonly string[], above: readonly string[]): number {
  const indent = indentOf(lines[0] ?? '')
  let [at, place] = [above.length, above.length]
  for (; at > 0; at--) {
    const line = above[at - 1] as string
    if (line.trim() !== '' && (!line.trimStart().startsWith('#') || indentOf(line) >= indent)) break
    if (line.trim() !== '') place = at - 1
  }
  // With the empty lines above these comments.
  return place < above.length ? at : place
}

const indentOf = (line: string): number => line.length - line.trimStart().length

const withoutEnd = (line: string): string => line.replace(/\r?\n$/, '')

/** Returns how many lines a list of changes adds. */
const growth = (changes: readonly LineChange[]): number =>
  changes.reduce((sum, { oldStart, oldEnd, newStart, newEnd }) => sum + newEnd - newStart - (oldEnd - oldStart), 0)

/** Lines of the common text that have another format, a change, or both. */
interface Group {
  readonly start: number
  end: number
  readonly formats: LineChange[]
  readonly edits: LineChange[]
}

/** Joins the changes that overlap. */
function groupsOf(formats: readonly LineChange[], edits: readonly LineChange[]): Group[] {
  const all = [
    ...formats.map((change) => ({ change, isEdit: false })),
    ...edits.map((change) => ({ change, isEdit: true })),
  ].sort((a, b) => a.change.oldStart - b.change.oldStart || a.change.oldEnd - b.change.oldEnd)
  const groups: Group[] = []
  for (const { change, isEdit } of all) {
    const last = groups.at(-1)
    if (last && change.oldStart < last.end) {
      last.end = Math.max(last.end, change.oldEnd)
      last[isEdit ? 'edits' : 'formats'].push(change)
    } else {
      const group: Group = { start: change.oldStart, end: change.oldEnd, formats: [], edits: [] }
      group[isEdit ? 'edits' : 'formats'].push(change)
      groups.push(group)
    }
  }
  return groups
}
