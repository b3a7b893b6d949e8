import type { LineClient } from './line-client.ts'

/** Plays a transcript: sends its `C: ` lines and expects its `S: ` lines, in which `*` matches any text. */
export async function play(client: LineClient, script: string): Promise<void> {
  for (const line of script.trim().split('\n')) {
    const text = line.trim()
    if (text.startsWith('C: ')) client.send(`${unescape(text.slice(3))}\r\n`)
    else if (text === 'C:') client.send('\r\n')
    else if (text === 'S: (end)') expectLine(await client.line(), undefined)
    else if (text.startsWith('S: ')) expectLine(await client.line(), unescape(text.slice(3)))
    else if (text === 'S:') expectLine(await client.line(), '')
    else throw new Error(`not a line of a transcript: ${text}`)
  }
}

const unescape = (text: string): string =>
  text.replace(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))

function expectLine(found: string | undefined, expected: string | undefined): void {
  if (expected === undefined ? found === undefined : found !== undefined && matches(found, expected)) return
  throw new Error(`expected ${expected ?? 'the end'}\n     got ${found ?? 'the end'}`)
}

const matches = (text: string, pattern: string): boolean =>
  new RegExp(`^${pattern.split('*').map(escapeRegExp).join('.*')}$`, 's').test(text)

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
}
