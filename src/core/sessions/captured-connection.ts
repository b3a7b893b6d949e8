import { isIP } from 'node:net'
import { addressOctets, type SocketAddress } from '../network/ip-address.ts'
import type { SocketObserver } from '../network/tapped-socket.ts'
import { setImmediate } from '../time/real-timers.ts'

/** Longest payload of a segment: the packet fits a loopback interface. */
const MAX_PAYLOAD = 65_000
const EMPTY = Buffer.alloc(0)

/** Receives what a captured connection produces. */
interface Sink {
  readonly packet: (ip: Buffer) => void
  readonly secret: (line: Buffer) => void
  readonly closed: () => void
}

/** One captured connection: turns the octets of both directions into the TCP segments that would have carried them. */
export class CapturedConnection implements SocketObserver {
  readonly secrets: Buffer[] = []
  readonly #client: SocketAddress
  readonly #server: SocketAddress
  readonly #sink: Sink
  #clientNext = 1_000
  #serverNext = 2_000
  #closed = false
  readonly #waiting: (() => void)[] = []

  constructor(client: SocketAddress, server: SocketAddress, sink: Sink) {
    this.#client = client
    this.#server = server
    this.#sink = sink
  }

  /** Writes the three segments that open a connection. RFC 9293 section 3.5. */
  begin(): void {
    this.#fromClient({ syn: true })
    this.#clientNext++
    this.#fromServer({ syn: true, ack: true })
    this.#serverNext++
    this.#fromClient({ ack: true })
  }

  /** Takes octets that the client sent. */
  received(octets: Buffer): void {
    this.#defer(() => {
      for (const payload of payloads(octets)) {
        this.#fromClient({ ack: true, psh: true }, payload)
        this.#clientNext += payload.length
      }
      this.#fromServer({ ack: true })
    })
  }

  /** Takes octets that the server sent. */
  sent(octets: Buffer): void {
    this.#defer(() => {
      for (const payload of payloads(octets)) {
        this.#fromServer({ ack: true, psh: true }, payload)
        this.#serverNext += payload.length
      }
      this.#fromClient({ ack: true })
    })
  }

  /** Takes a line of the NSS key log. */
  secret(line: Buffer): void {
    this.secrets.push(line)
    this.#sink.secret(line)
  }

  /** Writes the segments that close a connection. RFC 9293 section 3.6. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.flush()
    this.#fromServer({ ack: true, fin: true })
    this.#serverNext++
    this.#fromClient({ ack: true, fin: true })
    this.#clientNext++
    this.#fromServer({ ack: true })
    this.#sink.closed()
  }

  /** Writes the segments that are still waiting. */
  flush(): void {
    for (const write of this.#waiting.splice(0)) write()
  }

  /**
   * Delays segments by one turn of the event loop, so that the secrets of a handshake come before them in the file.
   * Wireshark reads the file from front to back, and up to TLS 1.2 needs the secret at the client's ChangeCipherSpec.
   */
  #defer(write: () => void): void {
    if (this.#waiting.length === 0) setImmediate(() => this.flush())
    this.#waiting.push(write)
  }

  #fromClient(flags: TcpFlags, payload: Buffer = EMPTY): void {
    const acknowledgment = flags.ack ? this.#serverNext : 0
    const numbers = { sequence: this.#clientNext, acknowledgment }
    this.#sink.packet(ipPacket({ from: this.#client, to: this.#server, ...numbers, flags, payload }))
  }

  #fromServer(flags: TcpFlags, payload: Buffer = EMPTY): void {
    const acknowledgment = flags.ack ? this.#clientNext : 0
    const numbers = { sequence: this.#serverNext, acknowledgment }
    this.#sink.packet(ipPacket({ from: this.#server, to: this.#client, ...numbers, flags, payload }))
  }
}

function* payloads(octets: Buffer): Generator<Buffer> {
  for (let at = 0; at < octets.length; at += MAX_PAYLOAD) yield octets.subarray(at, at + MAX_PAYLOAD)
}

interface TcpFlags {
  readonly syn?: boolean
  readonly ack?: boolean
  readonly psh?: boolean
  readonly fin?: boolean
}

/** A TCP segment. Sequence numbers are modulo 2^32. RFC 9293 section 3.1. */
interface Segment {
  readonly from: SocketAddress
  readonly to: SocketAddress
  readonly sequence: number
  readonly acknowledgment: number
  readonly flags: TcpFlags
  readonly payload: Buffer
}

const TCP = 6
const TCP_HEADER_OCTETS = 20
const WINDOW = 65_535
const TIME_TO_LIVE = 64

/** Returns the IP packet of a segment, with correct checksums. RFC 791 section 3.1, RFC 8200 section 3, RFC 9293 section 3.1. */
function ipPacket(segment: Segment): Buffer {
  const source = packetAddress(segment.from.address)
  const destination = packetAddress(segment.to.address)
  const tcp = tcpSegment(segment)
  tcp.writeUInt16BE(checksum(pseudoHeader(source, destination, tcp.length), tcp), 16)
  return Buffer.concat([source.length === 4 ? ipv4(source, destination, tcp) : ipv6(source, destination, tcp), tcp])
}

/**
 * Returns the octets of an address: an IPv4 address for an IPv4 client of an IPv6 socket (RFC 4291 section 2.5.5.2), and
 * 0.0.0.0 for a closed socket, which no longer has an address.
 */
function packetAddress(address: string): Buffer {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '')
  return isIP(plain) === 0 ? Buffer.alloc(4) : addressOctets(plain)
}

function tcpSegment({ from, to, sequence, acknowledgment, flags, payload }: Segment): Buffer {
  const header = Buffer.alloc(TCP_HEADER_OCTETS)
  header.writeUInt16BE(from.port, 0)
  header.writeUInt16BE(to.port, 2)
  header.writeUInt32BE(sequence >>> 0, 4)
  header.writeUInt32BE(acknowledgment >>> 0, 8)
  header[12] = (TCP_HEADER_OCTETS / 4) << 4
  header[13] = (flags.fin ? 1 : 0) | (flags.syn ? 2 : 0) | (flags.psh ? 8 : 0) | (flags.ack ? 16 : 0)
  header.writeUInt16BE(WINDOW, 14)
  return Buffer.concat([header, payload])
}

function ipv4(source: Buffer, destination: Buffer, tcp: Buffer): Buffer {
  const header = Buffer.alloc(20)
  header[0] = 0x45
  header.writeUInt16BE(header.length + tcp.length, 2)
  // "Don't fragment".
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

/** Returns the Internet checksum over buffers; all but the last must have an even length. RFC 1071. */
function checksum(...buffers: readonly Buffer[]): number {
  let sum = 0
  for (const octets of buffers) {
    for (let at = 0; at + 1 < octets.length; at += 2) sum += octets.readUInt16BE(at)
    if (octets.length % 2 === 1) sum += (octets[octets.length - 1] as number) << 8
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000)
  return ~sum & 0xffff
}
