import { domainToASCII } from 'node:url'
import { isWritten, parseAddresses } from '../../mail/format/addresses.ts'
import { type Field, fieldValue } from './signed-fields.ts'

/** An address of a From field. */
interface Author {
  readonly localPart: string
  /** In lower case, with A-labels. */
  readonly domain: string
}

/** Returns the addresses of the From fields. RFC 7489 section 6.6.1. */
export function authorsIn(fields: readonly Field[]): Author[] {
  const found: Author[] = []
  for (const field of fields) {
    if (field.nameLower !== 'from') continue
    for (const address of parseAddresses(fieldValue(field).replace(/\r?\n/g, ''))) {
      if (!isWritten(address)) continue
      const domain = asciiDomain(Buffer.from(address.host ?? '', 'latin1').toString())
      found.push({ localPart: address.mailbox ?? '', domain })
    }
  }
  return found
}

/** Returns the domains of the From fields, each once. */
export const authorDomains = (fields: readonly Field[]): string[] => [
  ...new Set(authorsIn(fields).map(({ domain }) => domain)),
]

/** Returns a domain as DNS has it: in lower case, with A-labels. */
export function asciiDomain(domain: string): string {
  const lower = domain.trim().toLowerCase().replace(/\.$/, '')
  return /^[\x20-\x7e]*$/.test(lower) ? lower : domainToASCII(lower) || lower
}
