import { type DistinguishedName, formatName } from '../pki/certificate/names.ts'

/** Whoever connects chooses names, and what stands in requests: none of it is to steer the terminal. */
export const shown = (text: string): string => text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, '?')

/** One line on standard output: what the command was asked for. */
export function print(line: string): void {
  process.stdout.write(`${shown(line)}\n`)
}

/** One line on standard error: warnings, and what is said beside the answer. */
export function note(line: string): void {
  process.stderr.write(`${shown(line)}\n`)
}

/** Rows as columns of equal width, under a heading. */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heading.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)),
  )
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  return [heading, ...rows].map(line).join('\n')
}

/** Lines of `title: value`, the values in one column; a list takes a line each. */
export function page(rows: readonly (readonly [string, string | readonly string[] | undefined])[]): string {
  const shown = rows.filter(([, value]) => value !== undefined && value.length > 0)
  const width = Math.max(0, ...shown.map(([title]) => title.length)) + 2
  return shown
    .flatMap(([title, value]) =>
      [value ?? []].flat().map((line, index) => (index === 0 ? `${title}:` : '').padEnd(width) + line),
    )
    .join('\n')
}

export const nameText = (name: DistinguishedName): string => formatName(name) || '(empty)'

/** 2026-11-25. */
export const dayText = (date: string | Date): string =>
  (typeof date === 'string' ? date : date.toISOString()).slice(0, 10)
