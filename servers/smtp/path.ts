import { isIP } from 'node:net'
import { SmtpError } from './reply.ts'

/** The parsed argument of `MAIL FROM:` or `RCPT TO:`. */
export interface ParsedPath {
  /** As the client wrote it, without angle brackets and source route. Empty for the null reverse-path. */
  readonly address: string
  /** ESMTP parameters by upper-case keyword. `true`: no value. */
  readonly args: Arguments
  /** A keyword that occurs twice. */
  readonly duplicate?: string
}

type Arguments = Readonly<Record<string, string | true>>

const NO_PARAMETERS: Arguments = Object.freeze({})
const QUOTED = /^"(?:[^"\\\p{Cc}]|\\[^\p{Cc}])*"/u
const DOT_STRING = /^[^\s\p{Cc}()<>[\]:;@\\,."]+(?:\.[^\s\p{Cc}()<>[\]:;@\\,."]+)*/u
/** The angle bracket and a source route, which is ignored. RFC 5321 section 4.1.2, appendix C. */
const OPENING = /^<(?:@[^\s,:@<>]+(?:,@[^\s,:@<>]+)*:)?/
const DOMAIN =
  /^[\p{L}\p{N}\p{M}_](?:[\p{L}\p{N}\p{M}_-]*[\p{L}\p{N}\p{M}_])?(?:\.[\p{L}\p{N}\p{M}_](?:[\p{L}\p{N}\p{M}_-]*[\p{L}\p{N}\p{M}_])?)*$/u
/** Most paths: of ASCII letters, and neither quoted nor with an address literal. All others take several expressions. */
const USUAL =
  /^<([\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*@[A-Za-z0-9_]+(?:-+[A-Za-z0-9_]+)*(?:\.[A-Za-z0-9_]+(?:-+[A-Za-z0-9_]+)*)*)>/
/** Invisible characters, and the replacement character for octets that are not UTF-8. RFC 6531 section 3.3. */
const NOT_IN_ADDRESS = /[\u200b\u2060\ufeff\ufffd]/
/** RFC 5321 section 4.5.3.1.3, without the angle brackets. Real local parts exceed the RFC's 64 octets, so they have no limit. */
const MAX_PATH_OCTETS = 254
/** Parameters with an xtext value. RFC 3461 sections 4.2, 4.4; RFC 4954 section 5. */
const XTEXT_PARAMETERS = new Set(['ENVID', 'ORCPT', 'AUTH'])
/** RFC 3461 section 4, with octets above ASCII as in RFC 6533 section 3. */
export const XTEXT = /^(?:[^+=]|\+[0-9A-F]{2})*$/

/**
 * Parses the argument of `MAIL FROM:` or `RCPT TO:`, with quoted local parts and address literals. RFC 5321 section 4.1.2,
 * RFC 6531 section 3.3. Returns undefined if the syntax is wrong.
 */
export function parsePath(text: string): ParsedPath | undefined {
  const start = text.trimStart()
  const usual = USUAL.exec(start)
  if (usual) {
    const address = usual[1] as string
    if (address.length > MAX_PATH_OCTETS) return undefined
    const { length } = usual[0]
    if (length === start.length) return { address, args: NO_PARAMETERS }
    const parameters = readParameters(start.slice(length))
    return parameters && { address, ...parameters }
  }
  const opened = OPENING.exec(start)
  if (!opened) return undefined
  const mailbox = readMailbox(start.slice(opened[0].length))
  const hasRoute = opened[0].length > 1
  if (!mailbox || (hasRoute && mailbox.address === '')) return undefined // RFC 5321 section 4.1.2: a route needs a mailbox
  const args = readParameters(mailbox.rest)
  return args && { address: mailbox.address, ...args }
}

/** Parses the mailbox. `rest` is the text after its `>`. */
function readMailbox(text: string): { readonly address: string; readonly rest: string } | undefined {
  const localPart = (text.startsWith('"') ? QUOTED : DOT_STRING).exec(text)?.[0] ?? ''
  const end = text.indexOf('>', localPart.length)
  if (end === -1) return undefined
  const address = text.slice(0, end)
  const rest = text.slice(end + 1)
  if (address === '') return { address, rest }
  // RFC 5321 section 4.1.1.3: postmaster needs no domain
  if (address.toLowerCase() === 'postmaster') return { address, rest }
  if (localPart === '' || address[localPart.length] !== '@') return undefined
  if (Buffer.byteLength(address) > MAX_PATH_OCTETS || NOT_IN_ADDRESS.test(address)) return undefined
  return isDomain(address.slice(localPart.length + 1)) ? { address, rest } : undefined
}

function isDomain(domain: string): boolean {
  const literal = domain.startsWith('[') ? /^\[(IPv6:)?([^%]*)\]$/i.exec(domain) : null
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
    // curl sends AUTH without xtext encoding. The value is not used, so that is accepted.
    if (isXtext && keyword !== 'AUTH' && !XTEXT.test(parameter[2] as string)) return undefined
    const value = isXtext ? decodeXtext(parameter[2] as string) : parameter[2]
    // Decoded control characters would get into reports and logs.
    if (value !== undefined && /\p{Cc}/u.test(value)) return undefined
    if (keyword in args) duplicate = keyword
    args[keyword] = value ?? true
  }
  return duplicate === undefined ? { args } : { args, duplicate }
}

/** Decodes xtext. RFC 3461 section 4. */
export const decodeXtext = (text: string): string =>
  text.replace(/\+([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))

/** The form of a parameter's value, and its description in replies. `none`: the parameter has no value. */
interface Parameter {
  readonly value: RegExp | 'none'
  readonly expected: string
}

type ParameterTable = Readonly<Record<string, Parameter>>

/** Parameters of MAIL, from the announced extensions. */
export const mailParameters: ParameterTable = {
  SIZE: { value: /^\d{1,20}$/, expected: 'a number of octets' }, // RFC 1870 section 4
  // RFC 6152 section 2, RFC 3030 section 3
  BODY: { value: /^(?:7BIT|8BITMIME|BINARYMIME)$/i, expected: '7BIT, 8BITMIME or BINARYMIME' },
  SMTPUTF8: { value: 'none', expected: 'no value' }, // RFC 6531 section 3.4
  RET: { value: /^(?:FULL|HDRS)$/i, expected: 'FULL or HDRS' }, // RFC 3461 section 4.3
  ENVID: { value: /^[ -~]{1,100}$/, expected: 'at most 100 printable characters' }, // RFC 3461 section 4.4
  AUTH: { value: /./s, expected: 'a mailbox or <>' }, // RFC 4954 section 5
}

/** Parameters of MAIL in a session with TLS. RFC 8689 section 2. */
export const mailParametersOverTls: ParameterTable = {
  ...mailParameters,
  REQUIRETLS: { value: 'none', expected: 'no value' },
}

/** Parameters of RCPT. */
export const rcptParameters: ParameterTable = {
  // RFC 3461 section 4.1
  NOTIFY: {
    value: /^(?:NEVER|(?:SUCCESS|FAILURE|DELAY)(?:,(?:SUCCESS|FAILURE|DELAY))*)$/i,
    expected: 'NEVER, or some of SUCCESS, FAILURE and DELAY',
  },
  ORCPT: { value: /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+;./is, expected: 'type;address' }, // RFC 3461 section 4.2
}

/** Checks that all parameters are known, occur once, and have a valid value. RFC 5321 section 4.1.1.11. @throws SmtpError */
export function checkParameters({ args, duplicate }: ParsedPath, known: ParameterTable): void {
  if (args === NO_PARAMETERS) return
  for (const [keyword, value] of Object.entries(args)) {
    const parameter = known[keyword]
    // Truncated, because a reply line has at most 512 octets: RFC 5321 section 4.5.3.1.5
    if (!parameter) throw new SmtpError(555, '5.5.4', `Unsupported parameter ${keyword.slice(0, 64)}`)
    const fits = parameter.value === 'none' ? value === true : value !== true && parameter.value.test(value)
    if (!fits) throw new SmtpError(501, '5.5.4', `Invalid value of ${keyword}: expected ${parameter.expected}`)
  }
  if (duplicate !== undefined) throw new SmtpError(501, '5.5.4', `Duplicate parameter ${duplicate}`)
}
