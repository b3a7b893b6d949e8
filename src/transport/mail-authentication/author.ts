import { domainToASCII } from 'node:url'
import { isWritten, parseAddresses } from '../../mail/format/addresses.ts'
import { type Field, valueOf } from './signed-fields.ts'

/** Returns the domains of the From fields, in lower case and with A-labels, each once. RFC 7489 section 6.6.1. */
export function authorDomains(fields: readonly Field[]): string[] {
  const found = new Set<string>()
  for (const field of fields) {
    if (field.nameLower !== 'from') continue
    for (const address of parseAddresses(valueOf(field).replace(/\r?\n/g, ''))) {
      if (isWritten(address)) found.add(asciiDomain(Buffer.from(address.host ?? '', 'latin1').toString()))
    }
  }
  return [...found]
}

/** Returns a domain as DNS has it: in lower case, with A-labels. */
export function asciiDomain(domain: string): string {
  const lower = domain.trim().toLowerCase().replace(/\.$/, '')
  return /^[\x20-\x7e]*$/.test(lower) ? lower : domainToASCII(lower) || lower
}
