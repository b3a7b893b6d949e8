import { domainToASCII } from 'node:url'
import { parseAddresses } from '../../mail/format/addresses.ts'
import { type Field, valueOf } from './signed-fields.ts'

/** Returns the domains of the From fields, in lower case and with A-labels, each once. RFC 7489 section 6.6.1. */
export function authorDomains(fields: readonly Field[]): string[] {
  const found = new Set<string>()
  for (const field of fields) {
    if (field.nameLower !== 'from') continue
    for (const { host } of parseAddresses(valueOf(field).replace(/\r?\n/g, ''))) {
      if (host !== undefined) found.add(asciiDomain(Buffer.from(host, 'latin1').toString()))
    }
  }
  return [...found]
}

/** Returns a domain as DNS has it: in lower case, with A-labels. */
export function asciiDomain(domain: string): string {
  const lower = domain.trim().toLowerCase().replace(/\.$/, '')
  return /^[\x20-\x7e]*$/.test(lower) ? lower : domainToASCII(lower) || lower
}
