import { isIP } from 'node:net'
import type { SocketAddress } from '../../src/core/network/ip-address.ts'
import { decodeXtext, XTEXT } from './path.ts'
import { SmtpError, syntaxError } from './reply.ts'

/** The client's facts from a listed proxy, by XCLIENT or XFORWARD. Absent: the proxy said nothing, or `[UNAVAILABLE]`. */
export interface ClientClaims {
  readonly NAME?: string
  readonly ADDR?: string
  readonly PORT?: string
  readonly PROTO?: string
  readonly HELO?: string
  readonly LOGIN?: string
  readonly DESTADDR?: string
  readonly DESTPORT?: string
  readonly IDENT?: string
  readonly SOURCE?: string
}

type AttributeName = keyof ClientClaims

/** The attributes of each command, as Postfix announces them: XCLIENT_README and XFORWARD_README. */
export const XCLIENT_ATTRIBUTES = ['NAME', 'ADDR', 'PORT', 'PROTO', 'HELO', 'LOGIN', 'DESTADDR', 'DESTPORT'] as const
export const XFORWARD_ATTRIBUTES = ['NAME', 'ADDR', 'PORT', 'PROTO', 'HELO', 'IDENT', 'SOURCE'] as const

interface Attribute {
  /** Returns whether a decoded value is valid. */
  readonly fits: (value: string) => boolean
  readonly expected: string
}

/** Names, log-on names and identifiers get into header fields and records. */
const isWord = (value: string): boolean => /^[^\s\p{Cc}()<>]{1,255}$/u.test(value)
const isAddress = (value: string): boolean => isIP(plainAddress(value)) !== 0
const isPort = (value: string): boolean => /^\d{1,5}$/.test(value) && Number(value) <= 65_535
const word: Attribute = { fits: isWord, expected: 'a word' }
const address: Attribute = { fits: isAddress, expected: 'an IP address' }
const port: Attribute = { fits: isPort, expected: 'a port' }

const attributes: Readonly<Record<AttributeName, Attribute>> = {
  NAME: word,
  ADDR: address,
  PORT: port,
  PROTO: { fits: (value) => /^(?:E?SMTP|LMTP)$/i.test(value), expected: 'SMTP or ESMTP' },
  HELO: word,
  LOGIN: { fits: (value) => /^[^\p{Cc}]{1,255}$/u.test(value), expected: 'a name' },
  DESTADDR: address,
  DESTPORT: port,
  IDENT: word,
  SOURCE: { fits: (value) => /^(?:LOCAL|REMOTE)$/i.test(value), expected: 'LOCAL or REMOTE' },
}

/** The proxy does not know the value, for good or for now. */
const UNKNOWN = /^\[(?:UNAVAILABLE|TEMPUNAVAIL)\]$/i

/** Returns an address without Postfix's prefix for IPv6. */
const plainAddress = (value: string): string => value.replace(/^IPV6:/i, '')

/**
 * Parses the attributes of XCLIENT or XFORWARD and adds them to what was said before.
 * @throws SmtpError 501
 */
export function readClaims(
  command: string,
  known: readonly AttributeName[],
  argument: string,
  before: ClientClaims,
): ClientClaims {
  if (argument === '') throw syntaxError(`${command} attribute=value...`)
  const claims: Record<string, string> = { ...before }
  for (const text of argument.split(/ +/)) {
    const [, written = '', encoded = ''] = /^([a-z]+)=(.*)$/i.exec(text) ?? []
    const name = known.find((one) => one === written.toUpperCase())
    if (!name) throw new SmtpError(501, '5.5.4', `Unknown ${command} attribute: ${text.slice(0, 64)}`)
    if (!XTEXT.test(encoded)) throw new SmtpError(501, '5.5.4', `Invalid value of ${name}: not xtext`)
    const value = decodeXtext(encoded)
    if (UNKNOWN.test(value)) delete claims[name]
    else if (attributes[name].fits(value)) claims[name] = value
    else throw new SmtpError(501, '5.5.4', `Invalid value of ${name}: expected ${attributes[name].expected}`)
  }
  return claims
}

/** Returns the client's address; undefined if the proxy did not say it. Port 0: it did not say the port. */
export const claimedAddress = ({ ADDR, PORT }: ClientClaims): SocketAddress | undefined =>
  ADDR === undefined ? undefined : { address: plainAddress(ADDR), port: Number(PORT ?? 0) }
