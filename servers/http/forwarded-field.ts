import { isIP } from 'node:net'
import type { SocketAddress } from '../../src/core/network/ip-address.ts'

/** One parameter of an element, and what follows it. RFC 7239 section 4; RFC 9110 sections 5.6.2 and 5.6.4. */
const PARAMETER = /[ \t]*([!#$%&'*+.^_`|~\w-]+)=(?:([!#$%&'*+.^_`|~\w-]+)|"((?:[^"\\]|\\.)*)")[ \t]*(;|,|$)/y

/** Returns the elements of a Forwarded field, each with its parameters by their names in lower case; undefined if it is not valid. */
export function forwardedElements(field: string): Map<string, string>[] | undefined {
  const elements = [new Map<string, string>()]
  PARAMETER.lastIndex = 0
  while (PARAMETER.lastIndex < field.length) {
    const [, name = '', token, quoted = '', end] = PARAMETER.exec(field) ?? []
    const key = name.toLowerCase()
    if (end === undefined || elements.at(-1)?.has(key)) return undefined
    elements.at(-1)?.set(key, token ?? quoted.replaceAll(/\\(.)/g, '$1'))
    if (end === ',') elements.push(new Map())
    // Nothing may follow the last separator.
    if (end !== '' && PARAMETER.lastIndex === field.length) return undefined
  }
  return elements
}

/**
 * Returns the address and port of a hop: `192.0.2.7`, `192.0.2.7:4711`, `2001:db8::7`, `[2001:db8::7]:4711`. The port is 0 if
 * it is not known. Undefined for `unknown` and for names that hide the address. RFC 7239 section 6.
 */
export function nodeAddress(hop: string): SocketAddress | undefined {
  const plain = hop.trim()
  if (isIP(plain) !== 0) return { address: plain, port: 0 }
  const [, bracketed, bare, port = '0'] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(plain) ?? []
  const address = bracketed ?? bare ?? ''
  return isIP(address) === 0 ? undefined : { address, port: Number(port) }
}
