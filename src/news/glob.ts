/** One element of a pattern: a character, any one character, any characters, or one of a class. */
type Token =
  | { readonly kind: 'char'; readonly code: number }
  | { readonly kind: 'one' }
  | { readonly kind: 'many' }
  | { readonly kind: 'class'; readonly negated: boolean; readonly ranges: readonly (readonly [number, number])[] }

export type Glob = readonly Token[]

const STAR = 0x2a
const QUESTION = 0x3f
const BACKSLASH = 0x5c
const OPEN = 0x5b
const CLOSE = 0x5d
const CARET = 0x5e
const HYPHEN = 0x2d

/** A text as its code points, for several patterns to be tried on. */
export function codePoints(text: string): readonly number[] {
  const codes: number[] = []
  for (let at = 0; at < text.length; at++) {
    const code = text.codePointAt(at) as number
    codes.push(code)
    if (code > 0xffff) at++
  }
  return codes
}

/**
 * A pattern where `*` stands for any characters and `?` for one. With `classes`, also `[a-z]`, `[^a-z]` and `\x`, as the
 * wildmats before RFC 3977 had them (RFC 2980 section 3.3). Undefined for a class without its end.
 */
export function parseGlob(pattern: string, classes = false): Glob | undefined {
  const codes = codePoints(pattern)
  const tokens: Token[] = []
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at] as number
    if (code === STAR) tokens.push({ kind: 'many' })
    else if (code === QUESTION) tokens.push({ kind: 'one' })
    else if (classes && code === BACKSLASH && at + 1 < codes.length) {
      tokens.push({ kind: 'char', code: codes[++at] as number })
    } else if (classes && code === OPEN) {
      const end = classEnd(codes, at)
      if (end === -1) return undefined
      tokens.push(characterClass(codes.slice(at + 1, end)))
      at = end
    } else tokens.push({ kind: 'char', code })
  }
  return tokens
}

/** Where the class ends: a `]` at its very start is one of its characters. */
function classEnd(codes: readonly number[], open: number): number {
  const first = codes[open + 1] === CARET ? open + 2 : open + 1
  return codes.indexOf(CLOSE, first + 1)
}

function characterClass(codes: readonly number[]): Token {
  const negated = codes[0] === CARET
  const ranges: [number, number][] = []
  for (let at = negated ? 1 : 0; at < codes.length; at++) {
    const from = codes[at] as number
    const to = codes[at + 1] === HYPHEN ? codes[at + 2] : undefined
    ranges.push([from, to ?? from])
    if (to !== undefined) at += 2
  }
  return { kind: 'class', negated, ranges }
}

function accepts(token: Token, code: number): boolean {
  if (token.kind === 'char') return token.code === code
  if (token.kind !== 'class') return true
  return token.ranges.some(([from, to]) => code >= from && code <= to) !== token.negated
}

/** Whether the pattern matches the whole text. Goes back to the last `*` alone, so the time is bounded by pattern × text. */
export function globMatches(glob: Glob, codes: readonly number[]): boolean {
  let token = 0
  let at = 0
  let star = -1
  let starAt = 0
  while (at < codes.length) {
    const now = glob[token]
    if (now?.kind === 'many') {
      star = token++
      starAt = at
    } else if (now && accepts(now, codes[at] as number)) {
      token++
      at++
    } else if (star !== -1) {
      token = star + 1
      at = ++starAt
    } else return false
  }
  while (glob[token]?.kind === 'many') token++
  return token === glob.length
}
