import { runToEnd, type Steps } from '../../core/time/time-slice.ts'
import { Scanner } from './scanner.ts'
import type { Address, OctetString } from './types.ts'

/** Placeholders for a missing local part or domain, or for a syntax error, so that no client takes the address for a group. */
export const MISSING_MAILBOX = 'MISSING_MAILBOX'
export const MISSING_DOMAIN = 'MISSING_DOMAIN'
export const SYNTAX_ERROR = 'SYNTAX_ERROR'
/** Whether an address has a local part and a domain that were written, and no placeholder. */
export const isWritten = ({ mailbox = '', host = '' }: Address): boolean =>
  ![mailbox, host].some((part) => ['', MISSING_MAILBOX, MISSING_DOMAIN, SYNTAX_ERROR].includes(part))
const INVALID_ROUTE = 'INVALID_ROUTE'

/** Limit of a list, for mail made to exhaust memory or time. The addresses after it are ignored. */
export const MAX_ADDRESSES = 20_000

/**
 * Parses an address list with groups, source routes, comments and quoted strings. Stops at a syntax error between
 * addresses. RFC 5322 sections 3.4, 4.4.
 */
export function parseAddresses(value: OctetString): Address[] {
  const simple = simpleAddress(value)
  return simple ? [simple] : runToEnd(addressSteps(value))
}

const ATEXT = "\\w!#$%&'*+/=?^`{|}~\\-"
const NAME = `([${ATEXT}][${ATEXT}.]*(?: [${ATEXT}.]+)*)|"([^"\\\\\\r\\n]+)"`
/** A single address without comments: `local@domain`, `Some Name <…>` or `"Some, Name" <…>`. RFC 5322 section 3.4. */
const SIMPLE = new RegExp(`^(?:(?:${NAME}) (<))?([${ATEXT}]+(?:\\.[${ATEXT}]+)*)@([\\w-]+(?:\\.[\\w-]+)*)(>)?$`)

/** Returns the only address of a list if its form is simple, as most that programs write are. Parse others with `addressSteps`. */
export function simpleAddress(value: OctetString): Address | undefined {
  const [, words, quoted, open, mailbox, host, close] = SIMPLE.exec(value) ?? []
  if (mailbox === undefined || host === undefined || (open === undefined) !== (close === undefined)) return undefined
  const name = words ?? quoted
  return name === undefined ? { mailbox, host } : { name, mailbox, host }
}

/** Parses as `parseAddresses`. Returns undefined if a syntax error hides addresses that follow it. */
export function parseAllAddresses(value: OctetString): Address[] | undefined {
  const scanner = new Scanner(value)
  const found = runToEnd(listSteps(scanner))
  return scanner.ended ? found : undefined
}

/** Addresses read between two pauses. */
const STEP_ADDRESSES = 1_000

/** Returns a mailbox as text of a header field. RFC 5322 section 3.4. */
export function addressText({ name, address }: { readonly name: string; readonly address: string }): string {
  if (name === '') return address
  // Words outside ASCII are encoded later, which needs them without quotes.
  if (/[^ -~]/.test(name)) return `${name.replaceAll(/[()<>[\]:;@\\,."]/g, ' ')} <${address}>`
  const isPhrase = /^[\w !#$%&'*+/=?^`{|}~-]*$/.test(name)
  return `${isPhrase ? name : `"${name.replaceAll(/["\\]/g, '\\$&')}"`} <${address}>`
}

/** Parses as `parseAddresses`, in steps. */
export const addressSteps = (value: OctetString): Steps<Address[]> => listSteps(new Scanner(value))

function* listSteps(scanner: Scanner): Steps<Address[]> {
  const found: Address[] = []
  while (!scanner.ended && found.length < MAX_ADDRESSES) {
    if (scanner.take(',')) continue // RFC 5322 section 4.4: empty elements
    found.push(...(group(scanner) ?? [mailbox(scanner)]))
    if (!scanner.take(',')) break
    if (found.length % STEP_ADDRESSES === 0) yield
  }
  return found
}

/** Parses `name: mailbox, mailbox;`. RFC 5322 section 3.4. */
function group(scanner: Scanner): Address[] | undefined {
  const start = scanner.at
  const name = phrase(scanner)
  if (name === undefined || !scanner.take(':')) {
    scanner.at = start
    return undefined
  }
  const members: Address[] = []
  while (!scanner.ended && !scanner.take(';') && members.length < MAX_ADDRESSES) {
    if (scanner.take(',')) continue
    members.push(mailbox(scanner))
    if (scanner.next !== ',' && scanner.next !== ';') break
  }
  return [{ mailbox: name }, ...members, {}]
}

/** Returns words joined by single spaces. Dots are allowed. RFC 5322 sections 3.2.5, 4.1. */
function phrase(scanner: Scanner): OctetString | undefined {
  let out: OctetString | undefined
  if (scanner.next === '.') return undefined
  while (scanner.atWord || scanner.next === '.') {
    const word = scanner.next === '"' ? scanner.quotedString() : scanner.atomOrDots()
    if (word === undefined) return undefined
    out = out === undefined ? word : `${out} ${word}`
  }
  return out ?? (scanner.next === '<' || scanner.next === ':' ? '' : undefined)
}

function mailbox(scanner: Scanner): Address {
  const start = scanner.at
  const name = phrase(scanner)
  if (name !== undefined && scanner.next === '<') return angleAddress(scanner, name)
  scanner.at = start
  return addressSpec(scanner, start)
}

/** Parses `<@route:local@domain>`. RFC 5322 sections 3.4, 4.4. */
function angleAddress(scanner: Scanner, name: OctetString): Address {
  scanner.take('<')
  const named = name === '' ? {} : { name }
  const route = scanner.next === '@' ? { route: sourceRoute(scanner) } : {}
  const { mailbox = MISSING_MAILBOX, host } = localAndDomain(scanner)
  if (!scanner.take('>')) return { ...named, ...route, mailbox, host: SYNTAX_ERROR }
  return { ...named, ...route, mailbox, host: host === '' ? SYNTAX_ERROR : (host ?? MISSING_DOMAIN) }
}

function sourceRoute(scanner: Scanner): OctetString {
  const hops: OctetString[] = []
  while (scanner.take(',') || scanner.next === '@') if (scanner.take('@')) hops.push(`@${domain(scanner)}`)
  return scanner.take(':') ? hops.join(',') : INVALID_ROUTE
}

/** Parses `local@domain` with a comment as the name (RFC 5322 section 3.4.1). Words without an `@` are a name alone. */
function addressSpec(scanner: Scanner, start: number): Address {
  scanner.comment = undefined
  const quoted = scanner.next === '"'
  const { mailbox, host } = localAndDomain(scanner)
  if (host === undefined && (quoted || scanner.atWord)) {
    scanner.at = start
    const name = phrase(scanner)
    if (name !== undefined) return { name, mailbox: MISSING_MAILBOX, host: MISSING_DOMAIN }
  }
  const name = scanner.comment as OctetString | undefined
  const found = { mailbox: mailbox ?? MISSING_MAILBOX, host: host || MISSING_DOMAIN }
  return name ? { name, ...found } : found
}

/** Reads `local@domain`. `host` is empty if nothing follows the `@`. */
function localAndDomain(scanner: Scanner): { mailbox?: OctetString; host?: OctetString } {
  const mailbox = scanner.atWord || scanner.next === '.' ? scanner.localPart() : undefined
  const local = mailbox === undefined ? {} : { mailbox }
  return scanner.take('@') ? { ...local, host: domain(scanner) } : local
}

const domain = (scanner: Scanner): OctetString =>
  scanner.next === '[' ? (scanner.domainLiteral() ?? '') : scanner.dotAtom()
