import { beforeLineEnd, COLON, CR, LF, lineEnd, SPACE, TAB } from './octets.ts'
import type { HeaderField, OctetString } from './types.ts'

/** Whether an empty line (CRLF or LF) starts at `at`. */
export const isEmptyLine = (raw: Buffer, at: number): boolean =>
  raw[at] === LF || (raw[at] === CR && raw[at + 1] === LF)

/** Where the body starts: behind the first empty line from `start` on; `end` where there is none. RFC 5322 section 2.1. */
export function headerBlockEnd(raw: Buffer, start = 0, end = raw.length): number {
  return behindEmptyLine(raw, textEnd(raw, start, end), end)
}

/** Where the body starts, from the fields that were found. */
export const bodyStartBehind = (raw: Buffer, fields: readonly HeaderField[]): number =>
  behindEmptyLine(raw, fields.at(-1)?.end ?? 0, raw.length)

const behindEmptyLine = (raw: Buffer, at: number, end: number): number =>
  at >= end ? end : Math.min(end, raw[at] === LF ? at + 1 : at + 2)

/** No mail has more; of one made to exhaust memory the rest of the block is one field without a name. */
const MAX_FIELDS = 10_000

/**
 * The header fields from `start` to the empty line or `end`. Lines without a colon come as fields without a name, so
 * that the fields cover the block; folded lines belong to their field. RFC 5322 section 2.2.
 */
export function headerFields(raw: Buffer, start = 0, end = raw.length): HeaderField[] {
  const fields: HeaderField[] = []
  for (let at = start; at < end && !isEmptyLine(raw, at); ) {
    if (fields.length === MAX_FIELDS) {
      fields.push(unnamed(at, textEnd(raw, at, end)))
      break
    }
    const found = headerFieldAt(raw, at, end)
    fields.push(found)
    at = found.end
  }
  return fields
}

/** The field that starts at `at`, with the folded lines that belong to it. For those who must miss none, however many there are. */
export function headerFieldAt(raw: Buffer, at: number, end: number): HeaderField {
  let next = lineEnd(raw, at, end)
  while (next < end && (raw[next] === SPACE || raw[next] === TAB)) next = lineEnd(raw, next, end)
  return field(raw, at, next)
}

const unnamed = (start: number, end: number): HeaderField => ({
  name: '',
  nameLower: '',
  start,
  valueStart: start,
  end,
})

/** Where the empty line behind the fields starts; `end` where there is none. */
function textEnd(raw: Buffer, start: number, end: number): number {
  let at = start
  while (at < end && !isEmptyLine(raw, at)) at = lineEnd(raw, at, end)
  return at
}

function field(raw: Buffer, start: number, end: number): HeaderField {
  let colon = start
  while (colon < end && raw[colon] !== COLON && raw[colon] !== LF) colon++
  if (raw[colon] !== COLON || colon >= end) return unnamed(start, end)
  let nameEnd = colon
  while (nameEnd > start && (raw[nameEnd - 1] === SPACE || raw[nameEnd - 1] === TAB)) nameEnd-- // RFC 5322 section 4.5
  const name = raw.toString('latin1', start, nameEnd)
  return { name, nameLower: name.toLowerCase(), start, valueStart: colon + 1, end }
}

/** A field's value unfolded (line ends removed, the white space after them kept) and trimmed. RFC 5322 section 2.2.3. */
export function unfolded(raw: Buffer, field: HeaderField): OctetString {
  const value = raw.toString('latin1', field.valueStart, beforeLineEnd(raw, field.end, field.valueStart))
  return trimLwsp(value.includes('\n') ? value.replace(/\r?\n/g, '') : value)
}

const isBlank = (code: number): boolean => code === SPACE || code === TAB

/** By hand, since a pattern for the end takes time by the square of a run of spaces. */
function trimLwsp(value: string): string {
  let start = 0
  let end = value.length
  while (start < end && isBlank(value.charCodeAt(start))) start++
  while (end > start && (isBlank(value.charCodeAt(end - 1)) || value.charCodeAt(end - 1) === CR)) end--
  return value.slice(start, end)
}

/** The unfolded value of the first field of that name (any case). */
export function headerValue(raw: Buffer, fields: readonly HeaderField[], name: string): OctetString | undefined {
  const found = findField(fields, name)
  return found && unfolded(raw, found)
}

/** The unfolded values of every field of that name, in order. */
export function headerValues(raw: Buffer, fields: readonly HeaderField[], name: string): OctetString[] {
  const nameLower = name.toLowerCase()
  return fields.filter((field) => field.nameLower === nameLower).map((field) => unfolded(raw, field))
}

/** The first field of that name (any case). */
export function findField(fields: readonly HeaderField[], name: string): HeaderField | undefined {
  const nameLower = name.toLowerCase()
  return fields.find((field) => field.nameLower === nameLower)
}
