import type { Duplex } from 'node:stream'
import { joined, octetsOf, type Pieces } from '../common/pieces.ts'
import { TimeSlice } from '../common/time-slice.ts'
import type { SessionRecorder, TlsFacts } from '../sessions/types.ts'
import { CompressedStream } from './compression.ts'
import type { EndCause } from './errors.ts'
import type { ConnectionFaults } from './faults/fault-book.ts'
import { FaultMeter } from './faults/fault-meter.ts'
import { BlockCollector, type LineEncoding, textOf } from './input.ts'
import { Stuffer, stuff } from './stuffing.ts'
import { Transport } from './transport.ts'

/** A socket under TLS, and what was agreed on. */
export interface SecuredSocket {
  readonly socket: Duplex
  readonly facts: TlsFacts
}

/** What makes the server's side of a TLS handshake on a raw socket. */
export interface Securer {
  /** Whether a certificate is assigned now. */
  readonly available: boolean
  /** @throws HandshakeFailure */
  secure(raw: Duplex): Promise<SecuredSocket>
}

export interface ConnectionOptions {
  readonly socket: Duplex
  readonly remote: Endpoint
  readonly local: Endpoint
  readonly record: SessionRecorder
  readonly idleTimeoutMs: number
  readonly securer: Securer
  /** What goes wrong on purpose. */
  readonly faults?: ConnectionFaults
  /** Where the handshake came first (implicit TLS). */
  readonly facts?: TlsFacts
}

export interface Endpoint {
  readonly address: string
  readonly port: number
}

/**
 * One client, whatever the protocol: lines and octets in, replies out (joined into as few writes as the client's
 * pipelining lets), STARTTLS, compression, the idle time-out, the transcript, a polite end.
 */
export class Connection {
  readonly remote: Endpoint
  readonly local: Endpoint
  readonly record: SessionRecorder
  readonly #securer: Securer
  readonly #transport: Transport
  readonly #faults: FaultMeter | undefined
  /** Of commands that came together, whose answers nobody waits for. */
  readonly #timeSlice = new TimeSlice()
  #tls: TlsFacts | undefined
  #compressed = false

  constructor(options: ConnectionOptions) {
    this.remote = options.remote
    this.local = options.local
    this.record = options.record
    this.#securer = options.securer
    this.#tls = options.facts
    this.#transport = new Transport(options.socket, options.idleTimeoutMs, (error) =>
      this.record.note(`socket error: ${error.message}`),
    )
    this.#faults = options.faults && new FaultMeter(options.faults, this.#transport, this)
  }

  /** Resolves with the cause once the socket is closed; never rejects. */
  get closed(): Promise<EndCause> {
    return this.#transport.closed
  }

  /** The stream under the protocol, for what needs its addresses. Nobody else reads it. */
  get socket(): Duplex {
    return this.#transport.stream
  }

  /** What was agreed on in the TLS handshake; undefined in clear text. */
  get tls(): TlsFacts | undefined {
    return this.#tls
  }

  /** What matters for a log-on (`logonPolicy`): whether the channel is secure, and whom the client's certificate names. */
  get channel(): { readonly secure: boolean; readonly externalIdentity: string | undefined } {
    return { secure: this.#tls !== undefined, externalIdentity: this.#tls?.clientCertificate?.account }
  }

  /** Whether STARTTLS can be offered: a certificate is assigned, and the connection is not under TLS yet. */
  get canStartTls(): boolean {
    return this.#securer.available && this.#tls === undefined
  }

  get compressed(): boolean {
    return this.#compressed
  }

  /** Whether octets have come that no read has taken yet (pipelining). */
  get hasInput(): boolean {
    return this.#transport.input.heldOctets > 0
  }

  /** Faults that strike before the greeting; false: there is nobody left to greet. @throws ConnectionEnded */
  async meetFirstFaults(): Promise<boolean> {
    return (await this.#faults?.beforeGreeting()) !== 'gone'
  }

  /**
   * The next line, without its line end. Commands that came together are read with rests, in which others are served.
   * @param maxOctets the longest line taken
   * @param encoding what its octets are read as; in the transcript a line is always UTF-8
   * @param secret the whole line is a secret, as a SASL response: masked in the transcript
   * @throws TooLong once a longer line has been read and dropped
   * @throws ConnectionEnded
   */
  async readLine(maxOctets: number, encoding: LineEncoding, secret = false): Promise<string> {
    const transport = this.#transport
    for (;;) {
      transport.checkReadable()
      const line = transport.input.takeLine(maxOctets, encoding)
      if (line === undefined) {
        // No rest: as long as more comes, one read follows another without a look at other connections.
        await transport.more()
        continue
      }
      const text = encoding === 'latin1' ? textOf(line) : line
      this.record.line('in', text, secret)
      if (transport.congested) await transport.drained()
      if (this.#timeSlice.isOver()) await this.#timeSlice.yield()
      if (secret || !this.#faults || (await this.#faults.atLine(text)) === 'pass') return line
    }
  }

  /**
   * Exactly so many octets, for literals that fit in memory, in one piece of their own: what came in pieces is not held
   * twice, and a small literal does not keep what else was read with it alive. @throws ConnectionEnded
   */
  async readOctets(octets: number): Promise<Buffer> {
    this.#faults?.messageBegins()
    const whole = Buffer.allocUnsafe(octets)
    for (let filled = 0; filled < octets; ) filled += (await this.#piece(octets - filled)).copy(whole, filled)
    if (octets > 0) this.record.octets('in', octets)
    return whole
  }

  /** The same as they come, without holding them. Read it to its end. @throws ConnectionEnded */
  async *streamOctets(octets: number): AsyncGenerator<Buffer, void, void> {
    this.#faults?.messageBegins()
    for (let left = octets; left > 0; ) {
      const part = await this.#piece(left)
      left -= part.length
      yield part
    }
    if (octets > 0) this.record.octets('in', octets)
  }

  /**
   * A block of lines up to the line with a single dot, dots unstuffed, each line with its CRLF. RFC 3977 section 3.1.1.
   * @throws TooLong once a longer block has been read and dropped
   * @throws ConnectionEnded
   */
  async readBlock(maxOctets: number): Promise<Buffer> {
    return joined(await this.readBlockPieces(maxOctets))
  }

  /** The same in pieces as they came, for whoever needs them in no other form. */
  async readBlockPieces(maxOctets: number): Promise<Pieces> {
    this.#faults?.messageBegins()
    const collector = new BlockCollector(maxOctets)
    while (!collector.add(await this.#piece(Number.MAX_SAFE_INTEGER), this.#transport.input)) {}
    const pieces = collector.result()
    this.record.octets('in', octetsOf(pieces))
    return pieces
  }

  /**
   * Says something. Text is protocol lines (UTF-8, with their CRLFs) and goes into the transcript; a Buffer is message
   * octets and is summarized there. It leaves with the next `flush`, with the next read that has to wait, or when much
   * has gathered.
   */
  write(data: string | Buffer): void {
    if (typeof data === 'string') this.#recordText(data)
    else this.record.octets('out', data.length)
    this.#transport.write(data)
  }

  /** Message octets as a dot-stuffed block with its ending dot. RFC 3977 section 3.1.1; RFC 1939 section 3. */
  writeBlock(block: Buffer): void {
    this.record.octets('out', block.length)
    for (const piece of stuff(block)) this.#transport.write(piece)
  }

  /** The same from pieces, as fast as the client takes them: for messages too large to hold. @throws ConnectionEnded */
  async streamBlock(pieces: AsyncIterable<Buffer>): Promise<void> {
    const stuffer = new Stuffer()
    for await (const piece of pieces) {
      this.record.octets('out', piece.length)
      for (const part of stuffer.add(piece)) this.#transport.write(part)
      await this.drained()
    }
    this.#transport.write(stuffer.end())
  }

  /** Sends what `write` has gathered. */
  flush(): void {
    this.#transport.flush()
  }

  /** Waits until a slow client has taken what was sent. Await it between the pieces of a long answer. @throws ConnectionEnded */
  drained(): Promise<void> {
    return this.#transport.drained()
  }

  /**
   * STARTTLS, after its positive reply was written: whatever the client sent in clear behind the command is dropped
   * (CVE-2011-0411), then the handshake is made. The session must forget all it knew (RFC 3207 section 4.2 and its siblings).
   * @throws HandshakeFailure the connection is gone, the reason on record
   */
  async startTls(): Promise<TlsFacts> {
    if (!this.canStartTls) throw new Error('STARTTLS without a certificate, or a second time')
    const { heldOctets } = this.#transport.input
    if (heldOctets > 0) this.record.note(`${heldOctets} octets sent in clear behind STARTTLS dropped`)
    const raw = await this.#transport.release()
    try {
      const { socket, facts } = await this.#securer.secure(raw)
      this.#tls = facts
      this.#transport.adopt(socket)
      return facts
    } catch (error) {
      this.#transport.abandon()
      throw error
    }
  }

  /**
   * Compresses both directions from here on, after the positive reply was written. RFC 4978, RFC 8054.
   * Octets that the client sent behind the command are compressed already.
   */
  startCompression(): void {
    this.#compressed = true
    this.#transport.wrap((below, held) => new CompressedStream(below, held))
  }

  /** Sends what was written, then closes. */
  end(cause: EndCause = 'server closed'): void {
    this.#transport.end(cause)
  }

  /** Closes at once. */
  destroy(cause: EndCause = 'server closed'): void {
    this.#transport.destroy(cause)
  }

  /** The lab stops: a read that waits, or the next one, throws ConnectionEnded `stopping`; the session says good-bye. */
  stop(): void {
    this.#transport.interrupt('stopping')
  }

  /** Some octets of a message, at most `maxOctets`. @throws ConnectionEnded */
  async #piece(maxOctets: number): Promise<Buffer> {
    for (;;) {
      this.#transport.checkReadable()
      const piece = this.#transport.input.takeSome(maxOctets)
      if (piece.length > 0) {
        this.#faults?.atOctets(piece.length)
        return piece
      }
      await this.#transport.more()
    }
  }

  #recordText(text: string): void {
    let from = 0
    for (let at = text.indexOf('\r\n'); at !== -1; at = text.indexOf('\r\n', from)) {
      this.record.line('out', text.slice(from, at))
      from = at + 2
    }
    if (from < text.length) this.record.line('out', text.slice(from))
  }
}
