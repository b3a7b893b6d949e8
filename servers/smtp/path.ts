import { isIP } from 'node:net'

/** What stands behind `MAIL FROM:` or `RCPT TO:`, taken apart. */
export interface ParsedPath {
  /** Without angle brackets and source route, as the client wrote it; empty for the null reverse-path. */
  readonly address: string
  /** ESMTP parameters by upper-case keyword; `true` where there is no value. */
  readonly args: Parameters
  /** A keyword that stands there twice. */
  readonly duplicate?: string
}

type Parameters = Readonly<Record<string, string | true>>

const NO_PARAMETERS: Parameters = Object.freeze({})
const QUOTED = /^"(?:[^"\\\p{Cc}]|\\[^\p{Cc}])*"/u
const DOT_STRING = /^[^\s\p{Cc}()<>[\]:;@\\,."]+(?:\.[^\s\p{Cc}()<>[\]:;@\\,."]+)*/u
/** The bracket, and a source route, which is to be ignored. RFC 5321 section 4.1.2, appendix C. */
const OPENING = /^<(?:@[^\s,:@<>]+(?:,@[^\s,:@<>]+)*:)?/
const DOMAIN =
  /^[\p{L}\p{N}\p{M}_](?:[\p{L}\p{N}\p{M}_-]*[\p{L}\p{N}\p{M}_])?(?:\.[\p{L}\p{N}\p{M}_](?:[\p{L}\p{N}\p{M}_-]*[\p{L}\p{N}\p{M}_])?)*$/u
/** Invisible, or what octets that are no UTF-8 have been read as. RFC 6531 section 3.3. */
const NOT_IN_ADDRESS = /[\u200b\u2060\ufeff\ufffd]/
/** RFC 5321 section 4.5.3.1.3, less the angle brackets. Longer local parts than its 64 octets are seen and let through. */
const MAX_PATH_OCTETS = 254
/** Parameters whose value is xtext. RFC 3461 sections 4.2, 4.4; RFC 4954 section 5. */
const XTEXT_PARAMETERS = new Set(['ENVID', 'ORCPT', 'AUTH'])
/** RFC 3461 section 4; octets above ASCII, which RFC 6533 section 3 adds, too. */
const XTEXT = /^(?:[^+=]|\+[0-9A-F]{2})*$/

/**
 * Reads what stands behind `MAIL FROM:` or `RCPT TO:`, quoted local parts and address literals included. RFC 5321 section
 * 4.1.2, RFC 6531 section 3.3. Undefined: it is none.
 */
export function parsePath(text: string): ParsedPath | undefined {
  const start = text.trimStart()
  const opened = OPENING.exec(start)
  if (!opened) return undefined
  const mailbox = readMailbox(start.slice(opened[0].length))
  const hasRoute = opened[0].length > 1
  if (!mailbox || (hasRoute && mailbox.address === '')) return undefined // A route leads to a mailbox: section 4.1.2
  const args = readParameters(mailbox.rest)
  return args && { address: mailbox.address, ...args }
}

/** The mailbox and what stands behind its `>`. */
function readMailbox(text: string): { readonly address: string; readonly rest: string } | undefined {
  const localPart = (QUOTED.exec(text) ?? DOT_STRING.exec(text))?.[0] ?? ''
  const end = text.indexOf('>', localPart.length)
  if (end === -1) return undefined
  const address = text.slice(0, end)
  const rest = text.slice(end + 1)
  if (address === '') return { address, rest }
  // RFC 5321 section 4.1.1.3: the domainless postmaster
  if (address.toLowerCase() === 'postmaster') return { address, rest }
  if (localPart === '' || address[localPart.length] !== '@') return undefined
  if (Buffer.byteLength(address) > MAX_PATH_OCTETS || NOT_IN_ADDRESS.test(address)) return undefined
  return isDomain(address.slice(localPart.length + 1)) ? { address, rest } : undefined
}

function isDomain(domain: string): boolean {
  const literal = /^\[(IPv6:)?([^%]*)\]$/i.exec(domain)
  if (literal) return isIP(literal[2] ?? '') === (literal[1] ? 6 : 4) // RFC 5321 section 4.1.3
  return DOMAIN.test(domain)
}

function readParameters(text: string): Omit<ParsedPath, 'address'> | undefined {
  if (text === '') return { args: NO_PARAMETERS }
  if (!text.startsWith(' ')) return undefined
  const words = text.split(' ').filter((word) => word !== '')
  if (words.length === 0) return { args: NO_PARAMETERS }
  const args: Record<string, string | true> = Object.create(null)
  let duplicate: string | undefined
  for (const word of words) {
    const parameter = /^([a-zA-Z0-9][a-zA-Z0-9-]*)(?:=([^\p{Cc}]*))?$/u.exec(word)
    if (!parameter) return undefined
    const keyword = (parameter[1] as string).toUpperCase()
    const isXtext = parameter[2] !== undefined && XTEXT_PARAMETERS.has(keyword)
    // AUTH is let through as curl writes it, which knows no xtext: no use is made of the value.
    if (isXtext && keyword !== 'AUTH' && !XTEXT.test(parameter[2] as string)) return undefined
    const value = isXtext ? decodeXtext(parameter[2] as string) : parameter[2]
    // Decoded control characters would end up in reports and logs.
    if (value !== undefined && /\p{Cc}/u.test(value)) return undefined
    if (keyword in args) duplicate = keyword
    args[keyword] = value ?? true
  }
  return duplicate === undefined ? { args } : { args, duplicate }
}

/** RFC 3461 section 4. */
const decodeXtext = (text: string): string =>
  text.replace(/\+([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
