import { bodyStartAfter, findField, headerBlockEnd, headerFields, MAX_VALUE_OCTETS } from './headers.ts'
import { LF, lineCount } from './octets.ts'
import type { HeaderField, OctetString } from './types.ts'

/** A row of OVER without its number. Missing fields are empty. RFC 3977 section 8.3. */
export interface Overview {
  readonly subject: OctetString
  readonly from: OctetString
  readonly date: OctetString
  readonly messageId: OctetString
  readonly references: OctetString
  /** Size of the whole article in octets. */
  readonly bytes: number
  /** Number of lines in the body. */
  readonly lines: number
  /** Value of the Xref field. */
  readonly xref: OctetString
}

export function overview(raw: Buffer): Overview {
  const fields = headerFields(raw)
  const value = (name: string): OctetString => newsValue(raw, fields, name) ?? ''
  return {
    subject: value('subject'),
    from: value('from'),
    date: value('date'),
    messageId: value('message-id'),
    references: value('references'),
    bytes: raw.length,
    lines: bodyLines(raw, bodyStartAfter(raw, fields)),
    xref: value('xref'),
  }
}

/** Returns the number of lines in the body (`:lines`). A last line without a line end counts. RFC 3977 section 8.1.1. */
export function bodyLines(raw: Buffer, bodyStart = headerBlockEnd(raw)): number {
  const unended = raw.length > bodyStart && raw[raw.length - 1] !== LF
  return lineCount(raw, bodyStart, raw.length) + (unended ? 1 : 0)
}

/** Returns a field's value for OVER and HDR: unfolded, with spaces for TAB, NUL, CR and LF. RFC 3977 sections 8.3.2, 8.5.2. */
export function newsValue(raw: Buffer, fields: readonly HeaderField[], name: string): OctetString | undefined {
  const field = findField(fields, name)
  if (!field) return undefined
  const end = Math.min(field.end, field.valueStart + MAX_VALUE_OCTETS)
  const value = raw.toString('latin1', field.valueStart, end).replace(/\r\n/g, '')
  return value.replace(/[\0\t\r\n]/g, ' ').trim()
}
