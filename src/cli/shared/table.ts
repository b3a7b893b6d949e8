import { oneLine, print } from './output.ts'
import { BREAKS, padToWidth, widestColumns, wrapText } from './text-width.ts'

/** Width of a terminal that does not tell it. */
const DEFAULT_WIDTH = 80
/** Columns of the output: those of the terminal, or of COLUMNS. Undefined: a file or a pipe. */
const widthOfOutput = (): number | undefined =>
  Number(process.env.COLUMNS) || (process.stdout.isTTY ? process.stdout.columns || DEFAULT_WIDTH : undefined)
const GAP = '  '

/**
 * Prints rows as columns below a heading, all within the width of the output. Cells continue on further lines if
 * necessary: those of the last columns first. In a file or a pipe each row is one line, for grep and awk.
 */
export function printTable(heading: readonly string[], rows: readonly (readonly string[])[]): void {
  const cells = [heading, ...rows].map((row) => row.map(oneLine))
  const columns = columnsOf(cells)
  const width = widthOfOutput()
  const widths =
    width === undefined ? columns.map(widestColumns) : fitWidths(columns, width - GAP.length * (heading.length - 1))
  const [first = '', ...lines] = layOut(cells, widths)
  print(first, 'bold')
  for (const line of lines) print(line)
}

const columnsOf = (cells: readonly (readonly string[])[]): string[][] =>
  (cells[0] ?? []).map((_, column) => cells.map((row) => row[column] ?? ''))

function layOut(cells: readonly (readonly string[])[], widths: readonly number[]): string[] {
  const line = (row: readonly string[]): string =>
    widths
      .map((size, column) => padToWidth(row[column] ?? '', size))
      .join(GAP)
      .trimEnd()
  return cells.flatMap((row) => linesOf(row, widths).map(line))
}

/** Columns up to this width keep it, unless words must be broken. */
const NARROW = 12

/** Returns the widths of columns, which together have at most `total`. */
function fitWidths(columns: readonly (readonly string[])[], total: number): number[] {
  const widths = columns.map(widestColumns)
  for (const at of BREAKS) {
    for (let column = widths.length - 1; column >= 0; column--) {
      const width = widths[column] ?? 0
      const excess = widths.reduce((sum, one) => sum + one, 0) - total
      if (excess <= 0) return widths
      if (width <= NARROW) continue
      const pieces = (columns[column] ?? []).flatMap((cell) => cell.split(at))
      widths[column] = Math.max(widestColumns(pieces), NARROW, width - excess)
    }
  }
  return widths
}

/** Returns a row as one or more lines of cells. */
function linesOf(row: readonly string[], widths: readonly number[]): string[][] {
  const cells = widths.map((width, column) => wrapText(row[column] ?? '', width))
  const count = Math.max(...cells.map((lines) => lines.length))
  return Array.from({ length: count }, (_, line) => cells.map((lines) => lines[line] ?? ''))
}
