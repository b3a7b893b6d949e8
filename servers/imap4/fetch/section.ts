import { headerBlockEnd, headerFields } from '../../../src/mail/headers.ts'
import { section as sectionRange } from '../../../src/mail/sections.ts'
import type { HeaderField } from '../../../src/mail/types.ts'
import type { Partial, Section } from '../wire/fetch-items.ts'
import type { Content } from './content.ts'

const CRLF = Buffer.from('\r\n')

/** The octets of a section, as a view where it is one piece; undefined where there is no such part. RFC 9051 section 6.4.5.1. */
export function sectionOctets(content: Content, section: Section, partial?: Partial): Buffer | undefined {
  const { path, text, fields } = section
  const { raw } = content
  if (path.length === 0 && text === undefined) return partialOctets(raw, partial)
  const { parsed } = content
  // The message's own header and text need no MIME tree.
  if (path.length === 0 && fields) return partialOctets(chosenFields(raw, parsed.fieldsOf(raw), fields), partial)
  if (path.length === 0) {
    const bodyStart = headerBlockEnd(raw)
    return partialOctets(text === 'HEADER' ? raw.subarray(0, bodyStart) : raw.subarray(bodyStart), partial)
  }
  const range = sectionRange(parsed.structureOf(raw), path, text)
  if (!range) return undefined
  if (!fields) return partialOctets(raw.subarray(range.start, range.end), partial)
  return partialOctets(chosenFields(raw, headerFields(raw, range.start, range.end), fields), partial)
}

/** The fields asked for, in the message's order, and the empty line. RFC 9051 section 6.4.5.1. */
function chosenFields(raw: Buffer, found: readonly HeaderField[], fields: NonNullable<Section['fields']>): Buffer {
  const { names, not } = fields
  const chosen = found.filter(({ nameLower }) => nameLower !== '' && names.has(nameLower) !== not)
  return Buffer.concat([...chosen.map(({ start, end }) => raw.subarray(start, end)), CRLF])
}

/** RFC 9051 section 6.4.5: what lies behind the end is empty. */
export function partialOctets(octets: Buffer, partial: Partial | undefined): Buffer {
  return partial ? octets.subarray(partial.start, partial.start + partial.octets) : octets
}
