import { isIP } from 'node:net'
import { addressOctets } from '../../common/ip-address.ts'

/** One end of a TCP connection. */
export interface TcpEndpoint {
  readonly address: string
  readonly port: number
}

export interface TcpFlags {
  readonly syn?: boolean
  readonly ack?: boolean
  readonly psh?: boolean
  readonly fin?: boolean
  readonly rst?: boolean
}

/** A TCP segment before it is framed. Sequence numbers are modulo 2^32. RFC 9293 section 3.1. */
export interface Segment {
  readonly from: TcpEndpoint
  readonly to: TcpEndpoint
  readonly sequence: number
  readonly acknowledgment: number
  readonly flags: TcpFlags
  readonly payload: Buffer
}

const TCP = 6
const TCP_HEADER_OCTETS = 20
const WINDOW = 65_535
const TIME_TO_LIVE = 64

/** The IP packet of a segment, checksums right. RFC 791 section 3.1, RFC 8200 section 3, RFC 9293 section 3.1. */
export function ipPacket(segment: Segment): Buffer {
  const source = octetsOf(segment.from.address)
  const destination = octetsOf(segment.to.address)
  const tcp = tcpSegment(segment)
  tcp.writeUInt16BE(checksum(pseudoHeader(source, destination, tcp.length), tcp), 16)
  return Buffer.concat([source.length === 4 ? ipv4(source, destination, tcp) : ipv6(source, destination, tcp), tcp])
}

function tcpSegment({ from, to, sequence, acknowledgment, flags, payload }: Segment): Buffer {
  const header = Buffer.alloc(TCP_HEADER_OCTETS)
  header.writeUInt16BE(from.port, 0)
  header.writeUInt16BE(to.port, 2)
  header.writeUInt32BE(sequence >>> 0, 4)
  header.writeUInt32BE(acknowledgment >>> 0, 8)
  header[12] = (TCP_HEADER_OCTETS / 4) << 4
  header[13] =
    (flags.fin ? 1 : 0) | (flags.syn ? 2 : 0) | (flags.rst ? 4 : 0) | (flags.psh ? 8 : 0) | (flags.ack ? 16 : 0)
  header.writeUInt16BE(WINDOW, 14)
  return Buffer.concat([header, payload])
}

function ipv4(source: Buffer, destination: Buffer, tcp: Buffer): Buffer {
  const header = Buffer.alloc(20)
  header[0] = 0x45
  header.writeUInt16BE(header.length + tcp.length, 2)
  // Don't fragment.
  header[6] = 0x40
  header[8] = TIME_TO_LIVE
  header[9] = TCP
  source.copy(header, 12)
  destination.copy(header, 16)
  header.writeUInt16BE(checksum(header), 10)
  return header
}

function ipv6(source: Buffer, destination: Buffer, tcp: Buffer): Buffer {
  const header = Buffer.alloc(40)
  header[0] = 0x60
  header.writeUInt16BE(tcp.length, 4)
  header[6] = TCP
  header[7] = TIME_TO_LIVE
  source.copy(header, 8)
  destination.copy(header, 24)
  return header
}

function pseudoHeader(source: Buffer, destination: Buffer, tcpOctets: number): Buffer {
  const rest = Buffer.alloc(8)
  rest.writeUInt32BE(tcpOctets, 0)
  rest[7] = TCP
  return Buffer.concat([source, destination, rest])
}

/** The Internet checksum over buffers, of which all but the last have an even length. RFC 1071. */
function checksum(...buffers: readonly Buffer[]): number {
  let sum = 0
  for (const octets of buffers) {
    for (let at = 0; at + 1 < octets.length; at += 2) sum += octets.readUInt16BE(at)
    if (octets.length % 2 === 1) sum += (octets[octets.length - 1] as number) << 8
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000)
  return ~sum & 0xffff
}

/** An IPv4 client of an IPv6 socket is one of IPv4; a socket that is gone already has no address. RFC 4291 section 2.5.5.2. */
function octetsOf(address: string): Buffer {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '')
  return isIP(plain) === 0 ? Buffer.alloc(4) : addressOctets(plain)
}
