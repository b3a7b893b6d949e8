import { styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]

/** Replaces control characters: names that clients and requests contain must not control the terminal. */
export const shown = (text: string): string => text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, '?')

/** Writes a line on standard output: the result of a command. */
export function print(line: string, style?: Style): void {
  process.stdout.write(`${styled(line, style, process.stdout)}\n`)
}

/** Prints the result of a command: facts as JSON with `--json`, else a sentence. */
export function printResult({ json }: { readonly json?: boolean }, facts: object, sentence: string): void {
  print(json ? JSON.stringify(facts) : sentence)
}

/** Writes a line on standard error: progress, and other information that is not the result. */
export function note(line: string, style?: Style): void {
  process.stderr.write(`${styled(line, style, process.stderr)}\n`)
}

/** Writes a warning on standard error. */
export const noteWarning = (message: string): void => note(`warning: ${message}`, 'yellow')

/** Writes an error on standard error. */
export const noteError = (line: string): void => note(line, 'red')

/** Returns a line without control characters, in colour on a terminal. https://no-color.org */
export function styled(line: string, style: Style | undefined, stream: NodeJS.WriteStream): string {
  const plain = shown(line)
  const colour = stream.isTTY && !process.env.NO_COLOR && process.env.TERM !== 'dumb'
  return style !== undefined && colour ? styleText(style, plain) : plain
}

/** Returns `1 message`, `2 messages`. */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`

/** Prints that a file was written, unless it is standard output. */
export function printWritten(file: string, content: string): void {
  if (file !== '-') print(`Wrote ${file} (${content})`)
}

/** Returns lines of `title: value` with the values in one column. A list takes one line for each item. */
export function page(rows: readonly (readonly [string, string | readonly string[] | undefined])[]): string {
  const used = rows.filter(([, value]) => value !== undefined && value.length > 0)
  const width = Math.max(0, ...used.map(([title]) => title.length)) + 2
  return used
    .flatMap(([title, value]) =>
      [value ?? []].flat().map((line, index) => (index === 0 ? `${title}:` : '').padEnd(width) + line),
    )
    .join('\n')
}

/** Returns a time as `2026-11-25 16:40:00`. */
export const shortTime = (time: string): string => time.slice(0, 19).replace('T', ' ')

/** Returns a date as `2026-11-25`. */
export const dayText = (date: string | Date): string =>
  (typeof date === 'string' ? date : date.toISOString()).slice(0, 10)
