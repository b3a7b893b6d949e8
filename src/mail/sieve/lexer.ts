import type { SieveError } from './types.ts'

/** A place in the source. Lines and columns count from 1. */
export interface Position {
  readonly line: number
  readonly column: number
}

export type Token = Position &
  (
    | { readonly kind: 'identifier' | 'tag' | 'string'; readonly text: string }
    | { readonly kind: 'number'; readonly value: number }
    | { readonly kind: Punctuation | 'end' }
  )

type Punctuation = '[' | ']' | '(' | ')' | '{' | '}' | ';' | ','

/** A mistake in a script. `compileScript` collects them. */
export class SieveMistake extends Error {
  override readonly name = 'SieveMistake'
  readonly position: Position
  constructor(position: Position, message: string) {
    super(message)
    this.position = position
  }

  get report(): SieveError {
    return { line: this.position.line, column: this.position.column, message: this.message }
  }
}

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 }
const MAX_NUMBER = 2 ** 31 - 1
/** RFC 5228 section 2.1: limits of a string. */
const MAX_STRING_CHARS = 64 * 1024

/** The tokens at a place, in the order in which they are tried. `y` matches at the place only. RFC 5228 section 8.1 */
const WHITE = /[ \t]+|\r?\n|#[^\r\n]*/y
const IDENTIFIER = /[A-Za-z_][A-Za-z0-9_]*/y
const NUMBER = /([0-9]+)([A-Za-z_][A-Za-z0-9_]*)?/y
const MULTI_LINE = /text:[ \t]*(?:#[^\r\n]*)?\r?\n/iy

/** Splits a script into tokens. @throws SieveMistake */
export function* tokens(source: string): Generator<Token, void, void> {
  let at = 0
  let line = 1
  let lineStart = 0
  const here = (): Position => ({ line, column: at - lineStart + 1 })
  const found = (expression: RegExp): RegExpExecArray | null => {
    expression.lastIndex = at
    return expression.exec(source)
  }
  /** Moves on, and counts the lines. */
  const advance = (end: number): void => {
    for (let lf = source.indexOf('\n', at); lf >= 0 && lf < end; lf = source.indexOf('\n', lf + 1)) {
      line++
      lineStart = lf + 1
    }
    at = end
  }
  while (at < source.length) {
    const white = found(WHITE)
    if (white) {
      advance(at + white[0].length)
      continue
    }
    const position = here()
    if (source.startsWith('/*', at)) {
      const end = source.indexOf('*/', at + 2)
      if (end < 0) throw new SieveMistake(position, 'this comment has no end; close it with */')
      advance(end + 2)
      continue
    }
    const char = source.charAt(at)
    const multiLine = found(MULTI_LINE)
    if (multiLine) {
      const end = endOfText(source, at + multiLine[0].length)
      if (end === undefined)
        throw new SieveMistake(position, 'this text has no end; close it with a line that is a single dot')
      yield {
        kind: 'string',
        text: removeDotStuffing(source.slice(at + multiLine[0].length, end.text), position),
        ...position,
      }
      advance(end.next)
    } else if (char === '"') {
      const end = endOfQuoted(source, at)
      if (end === undefined) throw new SieveMistake(position, 'this string has no end; close it with "')
      const text = source.slice(at + 1, end).replaceAll(/\\([^])/g, '$1') // RFC 5228 section 2.4.2
      yield { kind: 'string', text: checked(text, position), ...position }
      advance(end + 1)
    } else if ('[](){};,'.includes(char)) {
      yield { kind: char as Punctuation, ...position }
      at++
    } else {
      const number = found(NUMBER)
      const word = found(IDENTIFIER)
      if (number) yield { kind: 'number', value: numberOf(number, position), ...position }
      else if (word) yield { kind: 'identifier', text: word[0].toLowerCase(), ...position }
      else if (char === ':') {
        at++
        const name = found(IDENTIFIER)
        if (!name) throw new SieveMistake(position, 'write the name of a tag right after the colon, such as :is')
        yield { kind: 'tag', text: name[0].toLowerCase(), ...position }
        at += name[0].length
        continue
      } else {
        throw new SieveMistake(position, `unexpected character ${JSON.stringify(char)}; put text in "quotes"`)
      }
      at += (number ?? word)?.[0].length ?? 0
    }
  }
  yield { kind: 'end', ...here() }
}

function numberOf([, digits = '', unit = '']: RegExpExecArray, position: Position): number {
  const factor = UNITS[unit.toLowerCase()]
  if (factor === undefined) throw new SieveMistake(position, `${digits}${unit} is not a number; use K, M, G or no unit`)
  const value = Number(digits) * factor
  if (value > MAX_NUMBER) throw new SieveMistake(position, `this number is too large; use at most ${MAX_NUMBER}`) // RFC 5228 section 2.4.1
  return value
}

/** Returns the index of the quote that ends a quoted string. */
function endOfQuoted(source: string, start: number): number | undefined {
  for (let at = start + 1; at < source.length; at++) {
    const char = source.charAt(at)
    if (char === '"') return at
    if (char === '\\') at++
  }
  return undefined
}

/** Returns where the text ends, and where the line with its dot ends. */
function endOfText(source: string, start: number): { readonly text: number; readonly next: number } | undefined {
  for (let at = start; at <= source.length; ) {
    const dot = /\.(?:\r?\n|$)/y
    dot.lastIndex = at
    const end = dot.exec(source)
    if (end) return { text: at, next: at + end[0].length }
    const lf = source.indexOf('\n', at)
    if (lf < 0) return undefined
    at = lf + 1
  }
  return undefined
}

/** Removes the dots that were doubled. RFC 5228 section 2.4.2 */
const removeDotStuffing = (text: string, position: Position): string =>
  checked(text.replaceAll(/^\.\./gm, '.'), position)

/** Line ends in strings are CRLF, as in mail. */
function checked(text: string, position: Position): string {
  if (text.includes('\0')) throw new SieveMistake(position, 'a string must not contain NUL') // RFC 5228 section 2.1
  if (text.length > MAX_STRING_CHARS)
    throw new SieveMistake(position, `this string is longer than ${MAX_STRING_CHARS} characters`)
  return text.replaceAll(/\r?\n/g, '\r\n')
}
