import { Scanner } from './scanner.ts'
import type { Address, OctetString } from './types.ts'

/** What stands where an address has no local part, no domain, or cannot be read, so that no client takes it for a group. */
export const MISSING_MAILBOX = 'MISSING_MAILBOX'
export const MISSING_DOMAIN = 'MISSING_DOMAIN'
export const SYNTAX_ERROR = 'SYNTAX_ERROR'

/** An address list, with groups, source routes, comments, quoted strings and broken ones. RFC 5322 sections 3.4, 4.4. */
export function parseAddresses(value: OctetString): Address[] {
  const scanner = new Scanner(value)
  const found: Address[] = []
  while (!scanner.ended) {
    if (scanner.take(',')) continue // RFC 5322 section 4.4: empty elements
    const before = scanner.at
    if (!group(scanner, found)) found.push(mailbox(scanner))
    if (scanner.next !== ',') resume(scanner, before)
  }
  return found
}

/** Behind something broken: on to the next comma, and at least one character on. */
function resume(scanner: Scanner, before: number): void {
  if (scanner.at === before && !scanner.ended) scanner.at++
  while (!scanner.ended && scanner.next !== ',') {
    if (scanner.next === '"') scanner.quotedString()
    else {
      scanner.at++
      scanner.skip()
    }
  }
}

/** `name: mailbox, mailbox;`. RFC 5322 section 3.4. */
function group(scanner: Scanner, found: Address[]): boolean {
  const start = scanner.at
  const name = phrase(scanner)
  if (name === undefined || !scanner.take(':')) {
    scanner.at = start
    return false
  }
  found.push({ mailbox: name })
  while (!scanner.ended && scanner.next !== ';') {
    if (scanner.take(',')) continue
    const before = scanner.at
    found.push(mailbox(scanner))
    if (scanner.at === before) scanner.at++
  }
  scanner.take(';')
  found.push({})
  return true
}

/** Words with single spaces between; dots are let through. RFC 5322 sections 3.2.5, 4.1. */
function phrase(scanner: Scanner): OctetString | undefined {
  if (!scanner.atWord) return scanner.next === '<' || scanner.next === ':' ? '' : undefined
  let out = ''
  while (scanner.atWord || scanner.next === '.') {
    const word = scanner.next === '"' ? scanner.quotedString() : scanner.atomOrDots()
    if (word === undefined) return undefined
    out = out === '' ? word : `${out} ${word}`
  }
  return out
}

function mailbox(scanner: Scanner): Address {
  const start = scanner.at
  const name = phrase(scanner)
  if (name !== undefined && scanner.next === '<') return angleAddress(scanner, name)
  scanner.at = start
  return addressSpec(scanner)
}

/** `<@route:local@domain>`. RFC 5322 sections 3.4, 4.4. */
function angleAddress(scanner: Scanner, name: OctetString): Address {
  scanner.take('<')
  const named = name === '' ? {} : { name }
  const route = scanner.next === '@' ? sourceRoute(scanner) : undefined
  const spec = localAndDomain(scanner)
  const closed = scanner.take('>')
  const host = spec.host ?? (closed ? MISSING_DOMAIN : SYNTAX_ERROR)
  return { ...named, ...(route ? { route } : {}), mailbox: spec.mailbox ?? MISSING_MAILBOX, host }
}

function sourceRoute(scanner: Scanner): OctetString {
  const hops: OctetString[] = []
  while (scanner.take('@') || scanner.take(',')) {
    const hop = scanner.next === '[' ? scanner.domainLiteral() : scanner.dotAtom()
    if (hop) hops.push(`@${hop}`)
  }
  scanner.take(':')
  return hops.join(',')
}

/** `local@domain`, and a comment as the name. RFC 5322 section 3.4.1. */
function addressSpec(scanner: Scanner): Address {
  scanner.comment = undefined
  const { mailbox, host } = localAndDomain(scanner)
  const name = scanner.comment as OctetString | undefined
  const named = name ? { name } : {}
  return { ...named, mailbox: mailbox ?? MISSING_MAILBOX, host: host ?? MISSING_DOMAIN }
}

function localAndDomain(scanner: Scanner): { mailbox?: OctetString; host?: OctetString } {
  const mailbox = scanner.next === '"' ? scanner.quotedString() : scanner.dotAtom()
  const local = mailbox ? { mailbox } : {}
  if (!scanner.take('@')) return local
  const host = scanner.next === '[' ? scanner.domainLiteral() : scanner.dotAtom()
  return host ? { ...local, host } : local
}
