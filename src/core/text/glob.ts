import { runToEnd, type Steps } from '../time/time-slice.ts'

/** An element of a pattern: a character, any one character, any run of characters, or one of a class. */
type Token =
  | { readonly kind: 'char'; readonly code: number }
  | { readonly kind: 'one' }
  | { readonly kind: 'many' }
  | { readonly kind: 'class'; readonly negated: boolean; readonly ranges: readonly (readonly [number, number])[] }

/** A parsed pattern. */
export type Glob = readonly Token[]

/**
 * Which characters are special in a pattern.
 * - `stars`: only `*`, any run of characters. Folder patterns in the configuration.
 * - `wildmat`: also `?`, any one character. RFC 3977 section 4.
 * - `old-wildmat`: also classes `[a-z]`, `[^a-z]` and escapes `\x`. RFC 2980 section 3.3.
 */
type GlobSyntax = 'stars' | 'wildmat' | 'old-wildmat'

const STAR = 0x2a
const QUESTION = 0x3f
const BACKSLASH = 0x5c
const OPEN = 0x5b
const CLOSE = 0x5d
const CARET = 0x5e
const HYPHEN = 0x2d

/** Returns a text as code points, to match it against several patterns. */
export function codePoints(text: string): readonly number[] {
  const codes: number[] = []
  for (let at = 0; at < text.length; at++) {
    const code = text.codePointAt(at) as number
    codes.push(code)
    if (code > 0xffff) at++
  }
  return codes
}

/** Parses a pattern. Returns undefined for an unclosed class, which only `old-wildmat` can have. */
export function parseGlob(pattern: string, syntax: GlobSyntax): Glob | undefined {
  const classes = syntax === 'old-wildmat'
  const codes = codePoints(pattern)
  const tokens: Token[] = []
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at] as number
    if (code === STAR) tokens.push({ kind: 'many' })
    else if (code === QUESTION && syntax !== 'stars') tokens.push({ kind: 'one' })
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

/** Returns the index of the class's `]`, or -1. A `]` right after the start belongs to the class. */
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

/** Returns whether the pattern matches the whole text. Backtracks only to the last `*`, so time is at most pattern × text. */
export const globMatches = (glob: Glob, codes: readonly number[]): boolean => runToEnd(globSteps(glob, codes))

/** Comparisons between two pauses. */
const STEP_COMPARISONS = 64 * 1024

/** Matches as `globMatches`, in steps. */
export function* globSteps(glob: Glob, codes: readonly number[]): Steps<boolean> {
  let token = 0
  let at = 0
  let star = -1
  let starAt = 0
  let comparisons = 0
  while (at < codes.length) {
    if (++comparisons % STEP_COMPARISONS === 0) yield
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
