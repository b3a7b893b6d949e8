import { partOctets } from '../../../src/mail/encodings.ts'
import { MailError } from '../../../src/mail/errors.ts'
import { part } from '../../../src/mail/sections.ts'
import { no } from '../reply.ts'
import type { Partial, Section } from '../wire/fetch-items.ts'
import type { Content } from './content.ts'
import { partialOctets } from './section.ts'

/** A part decoded; undefined where there is none. RFC 3516 section 4.2. @throws ImapError UNKNOWN-CTE */
export function binaryOctets(content: Content, section: Section, partial?: Partial): Buffer | undefined {
  const octets = decoded(content, section)
  return octets && partialOctets(octets, partial)
}

/** Octets of a part once decoded, 0 where there is none. RFC 3516 section 4.3. */
export function binarySize(content: Content, section: Section): number {
  return decoded(content, section)?.length ?? 0
}

function decoded(content: Content, { path }: Section): Buffer | undefined {
  const { raw } = content
  if (path.length === 0) return raw
  const found = part(content.parsed.structureOf(raw), path)
  if (!found) return undefined
  try {
    return partOctets(raw, found)
  } catch (error) {
    if (error instanceof MailError) throw no(error.message, 'UNKNOWN-CTE')
    throw error
  }
}
