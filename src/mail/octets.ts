import type { OctetString } from './types.ts'

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

/** A string that was added up is kept as its pieces, and put together anew by whoever sends it: here it is, in one. */
export const inOnePiece = (text: OctetString): OctetString => Buffer.from(text, 'latin1').toString('latin1')

/** Lines of mail are shorter than this, and a loop finds their ends faster than a call does. */
const USUAL_LINE = 128

/** Where the line that starts at `start` ends, behind its LF; `end` where it has none. */
export function lineEnd(raw: Buffer, start: number, end: number): number {
  const near = Math.min(start + USUAL_LINE, end)
  for (let at = start; at < near; at++) if (raw[at] === LF) return at + 1
  if (near === end) return end
  const lf = raw.indexOf(LF, near)
  return lf < 0 || lf >= end ? end : lf + 1
}

/** `position` less the CRLF or LF before it, not going below `floor`. */
export function beforeLineEnd(raw: Buffer, position: number, floor: number): number {
  if (position <= floor || raw[position - 1] !== LF) return position
  const lf = position - 1
  return lf > floor && raw[lf - 1] === CR ? lf - 1 : lf
}
