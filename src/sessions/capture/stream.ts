import { ipPacket, type TcpEndpoint, type TcpFlags } from './tcp.ts'

/** What a segment carries at most: one loopback packet. */
const MAX_PAYLOAD = 65_000
const EMPTY = Buffer.alloc(0)

/** Where what a stream captures goes. */
interface Sink {
  readonly packet: (ip: Buffer) => void
  readonly secret: (line: Buffer) => void
  readonly closed: () => void
}

/** One captured connection: counts what each side sent, so that every segment has its right numbers. */
export class CapturedStream {
  readonly secrets: Buffer[] = []
  readonly #client: TcpEndpoint
  readonly #server: TcpEndpoint
  readonly #sink: Sink
  #clientNext = 1_000
  #serverNext = 2_000
  #closed = false
  readonly #waiting: (() => void)[] = []

  constructor(client: TcpEndpoint, server: TcpEndpoint, sink: Sink) {
    this.#client = client
    this.#server = server
    this.#sink = sink
  }

  /** The three segments of the opening. RFC 9293 section 3.5. */
  begin(): void {
    this.#fromClient({ syn: true })
    this.#clientNext++
    this.#fromServer({ syn: true, ack: true })
    this.#serverNext++
    this.#fromClient({ ack: true })
  }

  /** Octets that the client sent. */
  received(octets: Buffer): void {
    this.#soon(() => this.#received(octets))
  }

  /** Octets that the server sent. */
  sent(octets: Buffer): void {
    this.#soon(() => this.#sent(octets))
  }

  #received(octets: Buffer): void {
    for (let at = 0; at < octets.length; at += MAX_PAYLOAD) {
      const payload = octets.subarray(at, at + MAX_PAYLOAD)
      this.#fromClient({ ack: true, psh: true }, payload)
      this.#clientNext += payload.length
    }
    this.#fromServer({ ack: true })
  }

  #sent(octets: Buffer): void {
    for (let at = 0; at < octets.length; at += MAX_PAYLOAD) {
      const payload = octets.subarray(at, at + MAX_PAYLOAD)
      this.#fromServer({ ack: true, psh: true }, payload)
      this.#serverNext += payload.length
    }
    this.#fromClient({ ack: true })
  }

  /** A line of the NSS key log. */
  secret(line: Buffer): void {
    this.secrets.push(line)
    this.#sink.secret(line)
  }

  /** The connection is over. RFC 9293 section 3.6. */
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

  /** Writes what still waits. */
  flush(): void {
    for (const write of this.#waiting.splice(0)) write()
  }

  /**
   * Octets wait a turn of the event loop, so that the secrets which they lead to come before them in the file: Wireshark
   * reads it from front to back, and up to TLS 1.2 it must know the secret when it sees the client's ChangeCipherSpec.
   */
  #soon(write: () => void): void {
    if (this.#waiting.length === 0) setImmediate(() => this.flush())
    this.#waiting.push(write)
  }

  #fromClient(flags: TcpFlags, payload: Buffer = EMPTY): void {
    const { sequence, acknowledgment } = {
      sequence: this.#clientNext,
      acknowledgment: flags.ack ? this.#serverNext : 0,
    }
    this.#sink.packet(ipPacket({ from: this.#client, to: this.#server, sequence, acknowledgment, flags, payload }))
  }

  #fromServer(flags: TcpFlags, payload: Buffer = EMPTY): void {
    const { sequence, acknowledgment } = {
      sequence: this.#serverNext,
      acknowledgment: flags.ack ? this.#clientNext : 0,
    }
    this.#sink.packet(ipPacket({ from: this.#server, to: this.#client, sequence, acknowledgment, flags, payload }))
  }
}
