import type { Duplex } from 'node:stream'
import type { SocketAddress } from '../common/ip-address.ts'
import { countOctets, joinPieces, type Pieces } from '../common/pieces.ts'
import { CommandTurns } from '../common/time-slice.ts'
import type { SessionRecorder, TlsFacts } from '../sessions/types.ts'
import { CompressedStream } from './compression.ts'
import { BlockCollector, Stuffer, stuff } from './dot-stuffing.ts'
import type { EndCause } from './errors.ts'
import { FaultInjector } from './faults/apply-faults.ts'
import type { ConnectionFaults } from './faults/fault-rules.ts'
import { type LineEncoding, textOf } from './input.ts'
import { LogonGuard, type LogonLimits } from './logon-guard.ts'
import { Transport } from './transport.ts'

/** A socket under TLS, and the result of its handshake. */
export interface SecuredSocket {
  readonly socket: Duplex
  readonly facts: TlsFacts
}

/** Performs the server's side of a TLS handshake on a raw socket. */
export interface Securer {
  /** Whether a certificate is assigned. */
  readonly available: boolean
  /** Performs the handshake. @throws HandshakeFailure */
  secure(raw: Duplex): Promise<SecuredSocket>
}

export interface ConnectionOptions {
  readonly socket: Duplex
  readonly remote: SocketAddress
  readonly local: SocketAddress
  readonly record: SessionRecorder
  readonly idleTimeoutMs: number
  readonly securer: Securer
  /** The faults to inject. */
  readonly faults?: ConnectionFaults | undefined
  /** The result of the handshake on a TLS port. */
  readonly facts?: TlsFacts | undefined
  /** The limits until the client logs on. Absent for connections that the lab opens itself. */
  readonly logon?: LogonLimits
}

/**
 * One client connection, for every protocol: reads lines and octets, writes replies (few writes for pipelined commands),
 * handles STARTTLS, compression and the idle timeout, and records the transcript.
 */
export class Connection {
  readonly remote: SocketAddress
  readonly local: SocketAddress
  readonly record: SessionRecorder
  readonly logon: LogonGuard
  readonly #securer: Securer
  readonly #transport: Transport
  readonly #faults: FaultInjector | undefined
  readonly #turns = new CommandTurns()
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
    this.#faults = options.faults && new FaultInjector(options.faults, this.#transport, this)
    this.logon = new LogonGuard(options.logon, this.#transport, this.record)
  }

  /** Resolves with the cause once the socket is closed. Never rejects. */
  get closed(): Promise<EndCause> {
    return this.#transport.closed
  }

  /** The current stream. IMAP4 IDLE uses it to see how much is unsent; nothing else may read or write it. */
  get socket(): Duplex {
    return this.#transport.stream
  }

  /** The result of the TLS handshake; undefined in clear text. */
  get tls(): TlsFacts | undefined {
    return this.#tls
  }

  /** The facts that `logonPolicy` needs: whether TLS is active, and the account that the client's certificate names. */
  get channel(): { readonly secure: boolean; readonly externalIdentity: string | undefined } {
    return { secure: this.#tls !== undefined, externalIdentity: this.#tls?.clientCertificate?.account }
  }

  /** Whether STARTTLS can be offered: a certificate is assigned, and the connection is still in clear text. */
  get canStartTls(): boolean {
    return this.#securer.available && this.#tls === undefined
  }

  get compressed(): boolean {
    return this.#compressed
  }

  /** Whether received octets have not been read yet (pipelining). */
  get hasInput(): boolean {
    return this.#transport.input.heldOctets > 0
  }

  /** Injects the faults before the greeting. Returns false if they closed the connection. @throws ConnectionEnded */
  async meetFirstFaults(): Promise<boolean> {
    return (await this.#faults?.beforeGreeting()) !== 'gone'
  }

  /**
   * Returns the next line without its line end. Other connections are served between many pipelined commands.
   * @param maxOctets the longest line accepted
   * @param encoding how its octets are decoded; in the transcript a line is always UTF-8
   * @param secret masks the whole line in the transcript, for example a SASL response
   * @throws TooLong once a longer line has been read and discarded
   * @throws ConnectionEnded
   */
  async readLine(maxOctets: number, encoding: LineEncoding, secret = false): Promise<string> {
    const transport = this.#transport
    for (;;) {
      const line = transport.takeLine(maxOctets, encoding)
      if (line === undefined) {
        this.#turns.pause()
        await transport.more()
        continue
      }
      const text = encoding === 'latin1' ? textOf(line) : line
      this.record.line('in', text, secret)
      if (transport.congested) await transport.drained()
      const turn = this.#turns.begin()
      if (turn) await turn
      if (secret || !this.#faults || (await this.#faults.atLine(text)) === 'pass') return line
    }
  }

  /**
   * Reads exactly `octets` octets into a new buffer, for literals that fit in memory. A view would keep in memory
   * everything that was received together with a small literal. @throws ConnectionEnded
   */
  async readOctets(octets: number): Promise<Buffer> {
    this.#faults?.messageBegins()
    const whole = Buffer.allocUnsafe(octets)
    for (let filled = 0; filled < octets; ) filled += (await this.#piece(octets - filled)).copy(whole, filled)
    this.#contentEnds(octets)
    return whole
  }

  /** Yields exactly `octets` octets as they arrive, for literals of any size. Read it to its end. @throws ConnectionEnded */
  async *streamOctets(octets: number): AsyncGenerator<Buffer, void, void> {
    this.#faults?.messageBegins()
    for (let left = octets; left > 0; ) {
      const part = await this.#piece(left)
      left -= part.length
      yield part
    }
    this.#contentEnds(octets)
  }

  /**
   * Reads a dot-stuffed block up to the line with a single dot. Returns its lines, unstuffed, each with its CRLF.
   * RFC 3977 section 3.1.1.
   * @throws TooLong once a longer block has been read and discarded
   * @throws ConnectionEnded
   */
  async readBlock(maxOctets: number): Promise<Buffer> {
    return joinPieces(await this.readBlockPieces(maxOctets))
  }

  /** Reads a block as `readBlock` does, but returns it in pieces as received. @throws TooLong, ConnectionEnded */
  async readBlockPieces(maxOctets: number): Promise<Pieces> {
    this.#faults?.messageBegins()
    const collector = new BlockCollector(maxOctets)
    while (!collector.add(await this.#piece(Number.MAX_SAFE_INTEGER), this.#transport.input)) {}
    const pieces = collector.result()
    this.#contentEnds(countOctets(pieces))
    return pieces
  }

  /**
   * Writes output. Text is protocol lines (UTF-8, with their CRLFs) and is recorded in the transcript; a Buffer is message
   * octets, of which the transcript states the size. It is sent by the next `flush`, by the next read that has to wait,
   * or when much output has gathered.
   */
  write(data: string | Buffer): void {
    if (typeof data === 'string') this.#recordText(data)
    else this.record.octets('out', data.length)
    this.#transport.write(data)
  }

  /** Writes a message as a dot-stuffed block with its final dot. RFC 3977 section 3.1.1; RFC 1939 section 3. */
  writeBlock(block: Buffer): void {
    this.record.octets('out', block.length)
    for (const piece of stuff(block)) this.#transport.write(piece)
  }

  /** Writes a block from pieces, as fast as the client reads them, for messages too large to hold. @throws ConnectionEnded */
  async streamBlock(pieces: AsyncIterable<Buffer>): Promise<void> {
    const stuffer = new Stuffer()
    for await (const piece of pieces) {
      this.record.octets('out', piece.length)
      for (const part of stuffer.add(piece)) this.#transport.write(part)
      await this.drained()
    }
    this.#transport.write(stuffer.end())
  }

  /** Sends the output gathered by `write`. */
  flush(): void {
    this.#transport.flush()
  }

  /** Waits until a slow client has read what was sent. Call it between the pieces of a long reply. @throws ConnectionEnded */
  drained(): Promise<void> {
    return this.#transport.drained()
  }

  /**
   * Starts TLS after the positive reply to STARTTLS was written. Discards all octets that the client sent in clear text
   * after the command (CVE-2011-0411). The session must then reset its state (RFC 3207 section 4.2 and similar).
   * @throws HandshakeFailure; the connection is closed then, and the reason recorded
   */
  async startTls(): Promise<TlsFacts> {
    if (!this.canStartTls) throw new Error('STARTTLS without a certificate, or a second time')
    const { heldOctets } = this.#transport.input
    if (heldOctets > 0) this.record.note(`${heldOctets} octets sent in clear text after STARTTLS were discarded`)
    const raw = await this.#transport.release()
    try {
      const { socket, facts } = await this.#securer.secure(raw)
      this.#tls = facts
      this.#transport.adopt(socket)
      this.logon.forgotten()
      return facts
    } catch (error) {
      this.#transport.abandon()
      throw error
    }
  }

  /**
   * Starts compression in both directions after the positive reply was written. RFC 4978, RFC 8054.
   * Octets that the client sent after the command are compressed already.
   */
  startCompression(): void {
    this.#compressed = true
    this.#transport.wrap((below, held) => new CompressedStream(below, held))
  }

  /** Sends the gathered output, then closes. */
  end(cause: EndCause = 'server closed'): void {
    this.#transport.end(cause)
  }

  /** Closes at once. */
  destroy(cause: EndCause = 'server closed'): void {
    this.#transport.destroy(cause)
  }

  /** Makes the current or next read throw ConnectionEnded `stopping`, so that the session can send its farewell. */
  stop(): void {
    this.#transport.interrupt('stopping')
  }

  /** Returns some octets of a message, at most `maxOctets`. @throws ConnectionEnded */
  async #piece(maxOctets: number): Promise<Buffer> {
    for (;;) {
      const piece = this.#transport.takeContent(maxOctets)
      if (piece.length > 0) {
        this.#faults?.atOctets(piece.length)
        return piece
      }
      await this.#transport.more()
    }
  }

  #contentEnds(octets: number): void {
    this.#transport.idle.progress()
    if (octets > 0) this.record.octets('in', octets)
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
