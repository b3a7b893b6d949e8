import type { OctetString } from './types.ts'

export const TAB = 0x09
export const LF = 0x0a
export const CR = 0x0d
export const SPACE = 0x20
export const HYPHEN = 0x2d
export const COLON = 0x3a

/** Counts line ends (LF, with or without CR) from `start` to `end`. */
export function lineCount(raw: Buffer, start: number, end: number): number {
  const text = raw.subarray(start, end)
  let lines = 0
  for (let at = 0; at < text.length; lines++) {
    // A call for each line is slow where lines are empty.
    const isEmpty = text[at] === LF || text[at + 1] === LF
    const lf = isEmpty ? at + (text[at] === LF ? 0 : 1) : text.indexOf(LF, at)
    if (lf < 0) break
    at = lf + 1
  }
  return lines
}

/** Returns the same string in one piece of memory. A concatenated string is a tree of pieces, which every write would join again. */
export const flattenString = (text: OctetString): OctetString => Buffer.from(text, 'latin1').toString('latin1')

/** Returns the index after the LF of the line that starts at `start`, or `end` if it has no LF. */
export function lineEnd(raw: Buffer, start: number, end: number): number {
  const lf = raw.indexOf(LF, start)
  return lf < 0 || lf >= end ? end : lf + 1
}

/** Returns `position` without the CRLF or LF before it, but at least `floor`. */
export function beforeLineEnd(raw: Buffer, position: number, floor: number): number {
  if (position <= floor || raw[position - 1] !== LF) return position
  const lf = position - 1
  return lf > floor && raw[lf - 1] === CR ? lf - 1 : lf
}
