/** Width of output that goes to a file or a pipe. */
const DEFAULT_WIDTH = 80
const GAP = '  '

/** Returns rows as columns below a heading. A list in the last column continues on further lines if it is too wide. */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [heading, ...rows]
  const natural = columnsOf(cells).map(widest)
  const left = roomFor(heading) - natural.slice(0, -1).reduce((sum, one) => sum + one, 0)
  const items =
    columnsOf(cells)
      .at(-1)
      ?.flatMap((cell) => cell.split(AFTER_COMMAS)) ?? []
  const last = Math.max(widest(items), Math.min(left, natural.at(-1) ?? 0))
  return layOut(cells, [...natural.slice(0, -1), last], [AFTER_COMMAS])
}

/**
 * Returns rows as columns below a heading, all within the width of the terminal. Cells continue on further lines if
 * necessary: those of the last columns first.
 */
export function fittedTable(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [heading, ...rows]
  return layOut(cells, fitted(columnsOf(cells), roomFor(heading)), BREAKS)
}

/** Returns the characters of a line that are left for cells. */
const roomFor = (heading: readonly string[]): number =>
  (process.stdout.columns || DEFAULT_WIDTH) - GAP.length * (heading.length - 1)

const columnsOf = (cells: readonly (readonly string[])[]): string[][] =>
  (cells[0] ?? []).map((_, column) => cells.map((row) => row[column] ?? ''))

function layOut(cells: readonly (readonly string[])[], widths: readonly number[], at: readonly RegExp[]): string {
  const line = (row: readonly string[]): string =>
    widths
      .map((size, column) => (row[column] ?? '').padEnd(size))
      .join(GAP)
      .trimEnd()
  return cells.flatMap((row) => linesOf(row, widths, at).map(line)).join('\n')
}

const AFTER_COMMAS = /(?<=, )/
/** Where a cell may continue on the next line: after spaces, else inside long names, else anywhere. */
const BREAKS = [/(?<= )/, /(?<=[ .@:/-])/, /(?:)/] as const

/** Columns up to this width keep it, unless words must be broken. */
const NARROW = 12

/** Returns the widths of columns, which together have at most `total`. */
function fitted(columns: readonly (readonly string[])[], total: number): number[] {
  const widths = columns.map(widest)
  for (const at of BREAKS) {
    for (let column = widths.length - 1; column >= 0; column--) {
      const width = widths[column] ?? 0
      const excess = widths.reduce((sum, one) => sum + one, 0) - total
      if (excess <= 0) return widths
      if (width <= NARROW) continue
      const pieces = (columns[column] ?? []).flatMap((cell) => cell.split(at))
      widths[column] = Math.max(widest(pieces), NARROW, width - excess)
    }
  }
  return widths
}

const widest = (texts: readonly string[]): number => Math.max(...texts.map((text) => text.trimEnd().length))

/** Returns a row as one or more lines of cells. */
function linesOf(row: readonly string[], widths: readonly number[], at: readonly RegExp[]): string[][] {
  const wrapped = widths.map((width, column) => wrap(row[column] ?? '', width, at))
  const count = Math.max(...wrapped.map((lines) => lines.length))
  return Array.from({ length: count }, (_, line) => wrapped.map((lines) => lines[line] ?? ''))
}

/** Breaks a text into lines, at the best places that make it fit. */
function wrap(text: string, width: number, places: readonly RegExp[]): string[] {
  if (text.length <= width) return [text]
  const at = places.find((one) => widest(text.split(one)) <= width) ?? places.at(-1) ?? ''
  const lines: string[] = []
  for (const piece of text.split(at)) {
    const last = lines.at(-1)
    if (last !== undefined && (last + piece).trimEnd().length <= width) lines[lines.length - 1] = last + piece
    else lines.push(piece)
  }
  return lines.map((line) => line.trimEnd())
}
