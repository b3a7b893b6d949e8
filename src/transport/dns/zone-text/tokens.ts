/** A word or quoted text of a zone file, with its escapes. */
export interface Token {
  readonly text: string
  readonly isQuoted: boolean
}

/** The tokens of one entry, which parentheses may spread over several lines. RFC 1035 section 5.1. */
export interface Entry {
  readonly tokens: readonly Token[]
  /** The number of its first line, from 1. */
  readonly line: number
  /** Whether it begins with white space: it has the owner of the entry before. */
  readonly isIndented: boolean
}

/** A text that is not in the form of a zone file. */
export class ZoneTextError extends Error {
  override readonly name = 'ZoneTextError'
}

/** One token, comment, parenthesis, line end or white space. An escape is `\DDD` or `\` and any character. */
const PART = /"((?:[^"\\\n]|\\[^\n])*)"|;[^\n]*|([()])|(\r?\n)|[^\S\n]+|((?:[^\s";()\\]|\\[^\n])+)|(.)/gy

/** Splits a zone file into entries. @throws ZoneTextError */
export function readEntries(text: string): Entry[] {
  const entries: Entry[] = []
  let tokens: Token[] = []
  let depth = 0
  let line = 1
  let start = 1
  let isIndented = /^[^\S\n]/.test(text)
  const end = (): void => {
    if (tokens.length > 0) entries.push({ tokens, line: start, isIndented })
    tokens = []
  }
  for (const { index, 0: all, 1: quoted, 2: parenthesis, 3: lineEnd, 4: word, 5: bad } of text.matchAll(PART)) {
    if (bad !== undefined)
      throw new ZoneTextError(`line ${line}: ${bad === '"' ? 'a quote is not closed' : `unexpected ${bad}`}`)
    if (tokens.length === 0 && (quoted !== undefined || word !== undefined)) start = line
    if (quoted !== undefined) tokens.push({ text: quoted, isQuoted: true })
    if (word !== undefined) tokens.push({ text: word, isQuoted: false })
    if (parenthesis !== undefined) depth += parenthesis === '(' ? 1 : -1
    if (depth < 0) throw new ZoneTextError(`line ${line}: ) without (`)
    if (lineEnd === undefined) continue
    line += 1
    if (depth > 0) continue
    end()
    isIndented = /[^\S\n]/.test(text.charAt(index + all.length))
  }
  if (depth > 0) throw new ZoneTextError(`line ${start}: ( without )`)
  end()
  return entries
}

/** Returns octets as quoted text. */
export const quoteOctets = (octets: Buffer): string =>
  `"${octets
    .toString('latin1')
    .replaceAll(/["\\]|[^\x20-\x7e]/g, (one) =>
      one === '"' || one === '\\' ? `\\${one}` : `\\${one.charCodeAt(0).toString().padStart(3, '0')}`,
    )}"`
