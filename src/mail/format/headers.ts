import { beforeLineEnd, COLON, CR, LF, lineEnd, SPACE, TAB } from './octets.ts'
import type { HeaderField, OctetString } from './types.ts'

/** Returns whether an empty line (CRLF or LF) starts at `at`. */
export const isEmptyLine = (raw: Buffer, at: number): boolean =>
  raw[at] === LF || (raw[at] === CR && raw[at + 1] === LF)

/** Returns the start of the body: the index after the first empty line from `start` on, or `end`. RFC 5322 section 2.1. */
export function headerBlockEnd(raw: Buffer, start = 0, end = raw.length): number {
  return afterEmptyLine(raw, emptyLineStart(raw, start, end), end)
}

/** Returns the start of the body of a message whose header fields are known. */
export const bodyStartAfter = (raw: Buffer, fields: readonly HeaderField[]): number =>
  afterEmptyLine(raw, fields.at(-1)?.end ?? 0, raw.length)

const afterEmptyLine = (raw: Buffer, at: number, end: number): number =>
  at >= end ? end : Math.min(end, raw[at] === LF ? at + 1 : at + 2)

/** Limits for headers made to exhaust memory or time. The lines after them become one field without a name. */
export const MAX_FIELDS = 10_000
const MAX_FIELDS_OCTETS = 1024 * 1024

/**
 * The longest value that is read; the rest of a longer one is ignored. Real fields are far shorter (Postfix cuts them at
 * 100 KB). All parsers of values, regular expressions in particular, rely on this limit.
 */
export const MAX_VALUE_OCTETS = 256 * 1024

/**
 * Returns the header fields from `start` to the empty line or `end`. Folded lines belong to their field. A line without a
 * colon becomes a field without a name, so that the fields cover the whole header. RFC 5322 section 2.2.
 */
export function headerFields(raw: Buffer, start = 0, end = raw.length): HeaderField[] {
  const fields: HeaderField[] = []
  let octets = 0
  for (let at = start; at < end && !isEmptyLine(raw, at); ) {
    if (fields.length === MAX_FIELDS || octets > MAX_FIELDS_OCTETS) {
      fields.push(unnamedField(at, emptyLineStart(raw, at, end)))
      break
    }
    const found = headerFieldAt(raw, at, end)
    fields.push(found)
    octets += Math.min(found.end - at, MAX_VALUE_OCTETS)
    at = found.end
  }
  return fields
}

export interface HeaderBlock {
  readonly fields: readonly HeaderField[]
  /** Start of the body. */
  readonly end: number
  /** Whether the empty line is missing. */
  readonly cut: boolean
}

/** Returns the header fields from `start` on, and where they end. */
export function headerBlock(raw: Buffer, start: number): HeaderBlock {
  const fields = headerFields(raw, start)
  const at = fields.at(-1)?.end ?? start
  return { fields, end: afterEmptyLine(raw, at, raw.length), cut: at >= raw.length }
}

/** Returns the field that starts at `at` with its folded lines. For callers that must find every field, without a limit. */
export function headerFieldAt(raw: Buffer, at: number, end: number): HeaderField {
  let next = lineEnd(raw, at, end)
  while (next < end && (raw[next] === SPACE || raw[next] === TAB)) next = lineEnd(raw, next, end)
  return parseField(raw, at, next)
}

const unnamedField = (start: number, end: number): HeaderField => ({
  name: '',
  nameLower: '',
  start,
  valueStart: start,
  end,
})

/** Returns the start of the first empty line, or `end`. `start` is the start of a line. */
function emptyLineStart(raw: Buffer, start: number, end: number): number {
  if (start >= end || isEmptyLine(raw, start)) return start
  // Does not call `isEmptyLine`, because a header may have millions of lines.
  for (let at = start; at < end; at++) {
    if (raw[at] !== LF) continue
    const next = raw[at + 1]
    if (next === LF || (next === CR && raw[at + 2] === LF)) return Math.min(at + 1, end)
  }
  return end
}

function parseField(raw: Buffer, start: number, end: number): HeaderField {
  let colon = start
  while (colon < end && raw[colon] !== COLON && raw[colon] !== LF) colon++
  if (raw[colon] !== COLON || colon >= end) return unnamedField(start, end)
  let nameEnd = colon
  while (nameEnd > start && (raw[nameEnd - 1] === SPACE || raw[nameEnd - 1] === TAB)) nameEnd-- // RFC 5322 section 4.5
  const name = raw.toString('latin1', start, nameEnd)
  return { name, nameLower: name.toLowerCase(), start, valueStart: colon + 1, end }
}

/**
 * Returns a field's value unfolded (without line ends, but with the white space after them) and trimmed, at most
 * `MAX_VALUE_OCTETS`. RFC 5322 section 2.2.3.
 */
export function unfoldValue(raw: Buffer, field: HeaderField): OctetString {
  const { valueStart } = field
  const valueEnd = valueEndOf(raw, field)
  const value = raw.toString('latin1', valueStart, valueEnd)
  return trimLwsp(value.includes('\n') ? value.replace(/\r?\n/g, '') : value)
}

/** Returns whether `unfoldValue` returns an empty string. */
export function isBlankValue(raw: Buffer, field: HeaderField): boolean {
  const valueEnd = valueEndOf(raw, field)
  for (let at = field.valueStart; at < valueEnd; at++) {
    const octet = raw[at] as number
    if (!isBlank(octet) && octet !== CR && octet !== LF) return false
  }
  return true
}

const valueEndOf = (raw: Buffer, { valueStart, end }: HeaderField): number =>
  Math.min(beforeLineEnd(raw, end, valueStart), valueStart + MAX_VALUE_OCTETS)

const isBlank = (code: number): boolean => code === SPACE || code === TAB

/** Trims without a regular expression, which would take quadratic time in a run of spaces. */
function trimLwsp(value: string): string {
  let start = 0
  let end = value.length
  while (start < end && isBlank(value.charCodeAt(start))) start++
  while (end > start && (isBlank(value.charCodeAt(end - 1)) || value.charCodeAt(end - 1) === CR)) end--
  return value.slice(start, end)
}

/** Returns the unfolded value of the first field of that name, in any case. */
export function headerValue(raw: Buffer, fields: readonly HeaderField[], name: string): OctetString | undefined {
  const found = findField(fields, name)
  return found && unfoldValue(raw, found)
}

/** Returns the unfolded values of all fields of that name, in order. */
export function headerValues(raw: Buffer, fields: readonly HeaderField[], name: string): OctetString[] {
  const nameLower = name.toLowerCase()
  return fields.filter((field) => field.nameLower === nameLower).map((field) => unfoldValue(raw, field))
}

/** Returns the first field of that name, in any case. */
export function findField(fields: readonly HeaderField[], name: string): HeaderField | undefined {
  const nameLower = name.toLowerCase()
  return fields.find((field) => field.nameLower === nameLower)
}
