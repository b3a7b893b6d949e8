import { addressText, type SocketAddress } from '../../core/network/ip-address.ts'
import { PROXY_SIGNATURE } from '../../core/network/proxy-header.ts'
import { Malformed, readExtensions } from './extensions.ts'
import type { HeaderResult, ProxyHeader } from './types.ts'

const FIXED_OCTETS = PROXY_SIGNATURE.length + 4
/** Longest content accepted: addresses, and extensions such as the client's certificate. */
const MAX_CONTENT_OCTETS = 16 * 1024

const VERSION = 2
const LOCAL = 0
const PROXY = 1

/** Reads version 2. Section 2.2. @param received begins with the signature */
export function readBinaryHeader(received: Buffer): HeaderResult {
  if (received.length < FIXED_OCTETS) return { kind: 'more' }
  const versionAndCommand = received[12] as number
  const contentOctets = received.readUInt16BE(14)
  if (versionAndCommand >> 4 !== VERSION)
    return malformedHeader(`it has the version ${versionAndCommand >> 4} instead of 2`)
  const command = versionAndCommand & 0x0f
  if (command !== LOCAL && command !== PROXY) return malformedHeader(`the command ${command} does not exist`)
  if (contentOctets > MAX_CONTENT_OCTETS) {
    return malformedHeader(`it announces ${contentOctets} octets, more than ${MAX_CONTENT_OCTETS}`)
  }
  const octets = FIXED_OCTETS + contentOctets
  if (received.length < octets) return { kind: 'more' }
  // The addresses of a connection of the proxy itself are skipped, whatever they are.
  if (command === LOCAL) return { kind: 'header', header: { isSecure: false, notes: [] }, octets }
  try {
    return { kind: 'header', header: readContent(received.subarray(0, octets), received[13] as number), octets }
  } catch (error) {
    if (error instanceof Malformed) return malformedHeader(error.message)
    throw error
  }
}

const malformedHeader = (why: string): HeaderResult => ({ kind: 'malformed', why })

interface Family {
  readonly name: string
  /** Length of both addresses, and both ports if there are any. */
  readonly octets: number
  /** Length of one IP address; absent without an address. */
  readonly addressOctets?: number
}

/** Address families and transports that a TCP connection can have. */
const families: Readonly<Record<number, Family>> = {
  17: { name: 'TCP over IPv4', octets: 12, addressOctets: 4 },
  33: { name: 'TCP over IPv6', octets: 36, addressOctets: 16 },
  49: { name: 'a UNIX socket', octets: 216 },
}

/** @throws Malformed */
function readContent(whole: Buffer, familyAndTransport: number): ProxyHeader {
  // Unspecified: the length of the addresses is unknown, so that everything is skipped.
  if (familyAndTransport === 0) return { isSecure: false, notes: [] }
  const family = families[familyAndTransport]
  if (!family) {
    const code = `0x${familyAndTransport.toString(16).padStart(2, '0')}`
    throw new Malformed(`the address family and transport ${code} cannot be those of a TCP connection`)
  }
  const content = whole.subarray(FIXED_OCTETS)
  if (content.length < family.octets) {
    throw new Malformed(`it has ${content.length} octets; the addresses of ${family.name} need ${family.octets}`)
  }
  const { isSecure, notes } = readExtensions(whole, FIXED_OCTETS + family.octets)
  if (family.addressOctets === undefined) {
    return { isSecure, notes: [`the client of the proxy came by ${family.name}`, ...notes] }
  }
  const size = family.addressOctets
  const at = (index: 0 | 1): SocketAddress => ({
    address: addressText(content.subarray(index * size, (index + 1) * size)),
    port: content.readUInt16BE(2 * size + 2 * index),
  })
  return { source: at(0), destination: at(1), isSecure, notes }
}
