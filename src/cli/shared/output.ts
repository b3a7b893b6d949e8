import { stripVTControlCharacters, styleText } from 'node:util'
import { textWidth } from './text-width.ts'

type Style = Parameters<typeof styleText>[0]

/** Replaces control characters: names that clients and requests contain must not control the terminal. */
const replaceControls = (text: string): string => text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, '?')

/** Returns a text as one line without control characters: values of clients must not look like other lines. */
export const oneLine = (text: string): string => replaceControls(text.replaceAll(/[\t\n]/g, ' '))

/** The output of a command that a pager shows, until the command ends. */
let held: string[] | undefined

/** Writes a line on standard output: the result of a command. */
export function print(line: string, style?: Style): void {
  const text = `${styleLine(line, style, process.stdout)}\n`
  if (held) held.push(text)
  else process.stdout.write(text)
}

/**
 * Returns the action of a command whose output a pager shows if it is longer than the terminal, unless the command follows
 * the lab or prints JSON. PAGER names the pager; empty or `cat` means none.
 */
export const withPager =
  <Args extends readonly unknown[]>(action: (...args: Args) => void | Promise<void>) =>
  async (...args: Args): Promise<void> => {
    // Commander's last two arguments are the options and the command.
    const { follow, json } = args.at(-2) as { readonly follow?: boolean; readonly json?: boolean }
    const pager = process.env.PAGER ?? 'less'
    if (follow || json || !process.stdout.isTTY || !process.stdin.isTTY || pager === '' || pager === 'cat')
      return action(...args)
    held = []
    try {
      await action(...args)
    } finally {
      const text = held.join('')
      held = undefined
      if (!fitsTerminal(text)) await showIn(pager, text)
      else process.stdout.write(text)
    }
  }

/** Returns whether a text fits on the terminal, above the next prompt. */
function fitsTerminal(text: string): boolean {
  const columns = process.stdout.columns || 80
  const lines = stripVTControlCharacters(text).split('\n')
  const rows = lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(textWidth(line) / columns)), 0)
  return rows <= (process.stdout.rows || 24)
}

/** Exit status of a shell that does not find the command. POSIX.1-2024, Shell Command Language, 2.8.2. */
const NOT_FOUND = 127

async function showIn(pager: string, text: string): Promise<void> {
  const { spawnSync } = await import('node:child_process')
  const env = { LESS: 'FRX', ...process.env }
  // Ctrl-C is a key of the pager, which would otherwise keep the terminal after this program.
  const ignore = (): void => {}
  process.on('SIGINT', ignore)
  const { status, signal } = spawnSync(pager, { shell: true, input: text, stdio: ['pipe', 'inherit', 'ignore'], env })
  process.off('SIGINT', ignore)
  const isStarted = status !== NOT_FOUND && (status !== null || signal !== null)
  if (!isStarted) process.stdout.write(text)
}

/** Prints the result of a command: facts as JSON with `--json`, else a sentence. */
export function printResult({ json }: { readonly json?: boolean }, facts: object, sentence: string): void {
  print(json ? JSON.stringify(facts) : sentence)
}

/** Writes a line on standard error: progress, and other information that is not the result. */
export function note(line: string, style?: Style): void {
  process.stderr.write(`${styleLine(line, style, process.stderr)}\n`)
}

/** Writes a warning on standard error. */
export const noteWarning = (message: string): void => note(`warning: ${message}`, 'yellow')

/** Writes an error on standard error. */
export const noteError = (line: string): void => note(line, 'red')

/** Returns a line without control characters, in colour on a terminal. https://no-color.org */
export function styleLine(line: string, style: Style | undefined, stream: NodeJS.WriteStream): string {
  const plain = replaceControls(line)
  const colour = stream.isTTY && !process.env.NO_COLOR && process.env.TERM !== 'dumb'
  return style !== undefined && colour ? styleText(style, plain) : plain
}

/** Returns `1 message`, `2 messages`. */
export const countText = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`

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
      [value ?? []].flat().map((line, index) => (index === 0 ? `${title}:` : '').padEnd(width) + oneLine(line)),
    )
    .join('\n')
}

/** Returns a time as `2026-11-25 16:40:00`. */
export const shortTime = (time: string): string => time.slice(0, 19).replace('T', ' ')

/** Returns a date as `2026-11-25`. */
export const dayText = (date: string | Date): string =>
  (typeof date === 'string' ? date : date.toISOString()).slice(0, 10)
