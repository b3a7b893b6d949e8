import { HYPHEN, LF, lineEnd } from './octets.ts'

export interface Boundary {
  readonly octets: Buffer
}

/** A delimiter line found: whose it is, where its line starts, where the next one starts. */
export interface Delimiter {
  readonly boundary: Boundary
  readonly lineStart: number
  readonly lineEnd: number
  readonly closes: boolean
}

/** Longer ones are cut: RFC 2046 section 5.1.1 allows 70 characters. */
const MAX_BOUNDARY = 80

const DELIMITER_START = Buffer.from('\n--')

export const boundaryOf = (value: string): Boundary => ({
  octets: Buffer.from(value.slice(0, MAX_BOUNDARY), 'latin1'),
})

/** The first delimiter line of any of `open` (innermost last) from `from` on; `from` must be the start of a line. */
export function findDelimiter(raw: Buffer, from: number, open: readonly Boundary[]): Delimiter | undefined {
  if (open.length === 0) return undefined
  for (let at = from; at < raw.length; ) {
    const delimiter = delimiterAt(raw, at, open)
    if (delimiter) return delimiter
    const next = raw.indexOf(DELIMITER_START, at)
    if (next < 0) return undefined
    at = next + 1
  }
  return undefined
}

/** The delimiter line that starts at `at`, if one does. */
export function delimiterAt(raw: Buffer, at: number, open: readonly Boundary[]): Delimiter | undefined {
  if (raw[at] !== HYPHEN || raw[at + 1] !== HYPHEN || open.length === 0) return undefined
  const end = lineEnd(raw, at, raw.length)
  const boundary = bestMatch(raw, at + 2, textEnd(raw, at + 2, end), open)
  if (!boundary) return undefined
  const tail = at + 2 + boundary.octets.length
  const closes = tail + 2 <= raw.length && raw[tail] === HYPHEN && raw[tail + 1] === HYPHEN
  return { boundary, lineStart: at, lineEnd: end, closes }
}

function textEnd(raw: Buffer, start: number, end: number): number {
  if (end <= start || raw[end - 1] !== LF) return end
  return end - 1 > start && raw[end - 2] === 0x0d ? end - 2 : end - 1
}

/**
 * Innermost first, and only the line's beginning has to match (RFC 2046 section 5.1.1 and 5.1.2); of boundaries that
 * begin alike the longest wins, unless the line is exactly one of them, with or without the closing hyphens.
 */
function bestMatch(raw: Buffer, start: number, end: number, open: readonly Boundary[]): Boundary | undefined {
  const length = end - start
  const dashes = length > 2 && raw[end - 1] === HYPHEN && raw[end - 2] === HYPHEN
  let best: Boundary | undefined
  for (let i = open.length - 1; i >= 0; i--) {
    const candidate = open[i] as Boundary
    const size = candidate.octets.length
    if (size > length || (best && best.octets.length >= size)) continue
    if (raw.compare(candidate.octets, 0, size, start, start + size) !== 0) continue
    best = candidate
    if (size === length || (dashes && size === length - 2)) break
  }
  return best
}
