/** Octets by name, and counting. */
export const TAB = 0x09
export const LF = 0x0a
export const CR = 0x0d
export const SPACE = 0x20
export const HYPHEN = 0x2d
export const COLON = 0x3a

/** Line ends (LF, with or without CR) from `start` to `end`. */
export function lineCount(raw: Buffer, start: number, end: number): number {
  let lines = 0
  for (let at = raw.indexOf(LF, start); at >= 0 && at < end; at = raw.indexOf(LF, at + 1)) lines++
  return lines
}

/** Where the line that starts at `start` ends, behind its LF; `end` where it has none. */
export function lineEnd(raw: Buffer, start: number, end: number): number {
  const lf = raw.indexOf(LF, start)
  return lf < 0 || lf >= end ? end : lf + 1
}

/** `position` less the CRLF or LF before it, not going below `floor`. */
export function beforeLineEnd(raw: Buffer, position: number, floor: number): number {
  if (position <= floor || raw[position - 1] !== LF) return position
  const lf = position - 1
  return lf > floor && raw[lf - 1] === CR ? lf - 1 : lf
}
