import { isIPv4, isIPv6 } from 'node:net'
import { PROXY_LINE_START, PROXY_SIGNATURE } from '../../core/network/proxy-header.ts'
import { readBinaryHeader } from './binary-header.ts'
import { type HeaderResult, type ProxyHeader, printable } from './types.ts'

/** Longest line of version 1, with its CRLF. Section 2.1. */
const MAX_LINE_OCTETS = 107
const LF = 0x0a
const CR = 0x0d

/** Finds and reads a header of either version in the first octets of a connection. */
export function readProxyHeader(received: Buffer): HeaderResult {
  if (mayBegin(received, PROXY_LINE_START))
    return received.length < PROXY_LINE_START.length ? { kind: 'more' } : readLine(received)
  if (!mayBegin(received, PROXY_SIGNATURE)) return { kind: 'absent' }
  return received.length < PROXY_SIGNATURE.length ? { kind: 'more' } : readBinaryHeader(received)
}

/** Returns whether octets begin with other octets, or could when more have arrived. */
function mayBegin(received: Buffer, start: Buffer): boolean {
  const length = Math.min(received.length, start.length)
  return received.subarray(0, length).equals(start.subarray(0, length))
}

/** Reads version 1: one line of text. Section 2.1. */
function readLine(received: Buffer): HeaderResult {
  const end = received.subarray(0, MAX_LINE_OCTETS).indexOf(LF)
  if (end === -1) {
    if (received.length < MAX_LINE_OCTETS) return { kind: 'more' }
    return { kind: 'malformed', why: `its line is longer than ${MAX_LINE_OCTETS} octets` }
  }
  if (received[end - 1] !== CR) return { kind: 'malformed', why: 'its line ends with LF instead of CRLF' }
  const line = received.toString('latin1', 0, end - 1)
  // The rest of the line has no meaning.
  if (/^PROXY UNKNOWN(?: |$)/.test(line)) return foundHeader({}, end + 1)
  const [, family, source = '', destination = '', ...ports] = LINE.exec(line) ?? []
  const isAddress = family === 'TCP6' ? isIPv6 : isIPv4
  const [sourcePort = 0, destinationPort = 0] = ports.map(Number)
  const isValid = family !== undefined && isAddress(source) && isAddress(destination)
  if (!isValid || sourcePort > MAX_PORT || destinationPort > MAX_PORT) return malformedLine(line)
  const addresses = {
    source: { address: source, port: sourcePort },
    destination: { address: destination, port: destinationPort },
  }
  return foundHeader(addresses, end + 1)
}

/** Addresses have no zone, and ports no leading zeros. */
const LINE = /^PROXY (TCP4|TCP6) ([^ %]+) ([^ %]+) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4})$/
const MAX_PORT = 65_535

const malformedLine = (line: string): HeaderResult => ({
  kind: 'malformed',
  why: `“${printable(line)}” is neither PROXY UNKNOWN nor PROXY TCP4 or TCP6 with two addresses of that family and two ports`,
})

const foundHeader = (addresses: Pick<ProxyHeader, 'source' | 'destination'>, octets: number): HeaderResult => ({
  kind: 'header',
  header: { ...addresses, isSecure: false, notes: [] },
  octets,
})
