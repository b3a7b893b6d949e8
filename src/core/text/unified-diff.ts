import { type LineChange, lineChanges } from './line-diff.ts'

/** A line of a difference. */
interface DiffLine {
  readonly kind: 'same' | 'removed' | 'added'
  readonly text: string
}

/** A part of a difference with the lines around it. Lines are counted from 1. */
export interface Hunk {
  readonly oldStart: number
  readonly oldLines: number
  readonly newStart: number
  readonly newLines: number
  readonly lines: DiffLine[]
}

/** Lines around a change that are shown. */
const CONTEXT = 3

/** A text as its lines, and how each is shown: secrets are compared, but not shown. */
export interface DiffText {
  readonly lines: readonly string[]
  readonly shown: readonly string[]
}

/** Splits a text into lines, each with its end. */
export const linesOfText = (text: string): string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? []

/** Returns the differences between two texts. */
export function hunksOf(from: DiffText, to: DiffText): Hunk[] {
  const groups: LineChange[][] = []
  for (const change of lineChanges(from.lines, to.lines)) {
    const last = groups.at(-1)?.at(-1)
    if (last && change.oldStart - last.oldEnd <= 2 * CONTEXT) groups.at(-1)?.push(change)
    else groups.push([change])
  }
  return groups.map((changes) => hunkOf(changes, from, to))
}

function hunkOf(changes: readonly LineChange[], from: DiffText, to: DiffText): Hunk {
  const [first, last] = [changes[0] as LineChange, changes.at(-1) as LineChange]
  const before = Math.min(CONTEXT, first.oldStart)
  const after = Math.min(CONTEXT, from.lines.length - last.oldEnd)
  const lines: DiffLine[] = []
  const add = (kind: DiffLine['kind'], texts: readonly string[]): void => {
    for (const text of texts) lines.push({ kind, text: text.replace(/\n$/, '') })
  }
  let at = first.oldStart - before
  for (const { oldStart, oldEnd, newStart, newEnd } of changes) {
    add('same', from.shown.slice(at, oldStart))
    add('removed', from.shown.slice(oldStart, oldEnd))
    add('added', to.shown.slice(newStart, newEnd))
    at = oldEnd
  }
  add('same', from.shown.slice(at, at + after))
  const count = (kind: DiffLine['kind']): number => lines.filter((line) => line.kind !== kind).length
  const [oldLines, newLines] = [count('added'), count('removed')]
  return {
    // A side without lines names the line before it.
    oldStart: first.oldStart - before + (oldLines === 0 ? 0 : 1),
    oldLines,
    newStart: first.newStart - before + (newLines === 0 ? 0 : 1),
    newLines,
    lines,
  }
}

const signs = { same: ' ', removed: '-', added: '+' } as const

/** Returns hunks in the form of `diff -u`. */
export function unifiedDiff(
  hunks: readonly Hunk[],
  names: { readonly from: string; readonly to: string },
  texts: { readonly from: DiffText; readonly to: DiffText },
): string {
  if (hunks.length === 0) return ''
  const lines = hunks.flatMap((hunk) => [
    `@@ -${rangeText(hunk.oldStart, hunk.oldLines)} +${rangeText(hunk.newStart, hunk.newLines)} @@`,
    ...linesWithEnds(hunk, texts),
  ])
  return `${[`--- ${names.from}`, `+++ ${names.to}`, ...lines].join('\n')}\n`
}

const rangeText = (start: number, count: number): string => (count === 1 ? `${start}` : `${start},${count}`)

/** Marks last lines without an end as diff does. */
function linesWithEnds(hunk: Hunk, { from, to }: { readonly from: DiffText; readonly to: DiffText }): string[] {
  const lacksEnd = ({ lines }: DiffText, at: number): boolean => at === lines.length && !lines.at(-1)?.endsWith('\n')
  let [old, current] = [hunk.oldStart - 1, hunk.newStart - 1]
  if (hunk.oldLines === 0) old++
  if (hunk.newLines === 0) current++
  return hunk.lines.flatMap(({ kind, text }) => {
    if (kind !== 'added') old++
    if (kind !== 'removed') current++
    const isUnended = kind === 'added' ? lacksEnd(to, current) : lacksEnd(from, old)
    return [`${signs[kind]}${text}`, ...(isUnended ? ['\\ No newline at end of file'] : [])]
  })
}
