import type { Duplex } from 'node:stream'
import type { SocketAddress } from '../core/network/ip-address.ts'
import type { MemoryBudget, MemoryReservation } from '../core/octets/memory-budget.ts'
import { viewsOf } from '../core/octets/pieces.ts'
import type { SessionRecorder, TlsFacts } from '../core/sessions/types.ts'
import { CommandTurns, isSliceOver, nextSlice } from '../core/time/time-slice.ts'
import { type ChannelBindings, noChannelBindings } from '../tls/negotiation/binding-types.ts'
import { recordSocketError } from '../tls/negotiation/failure.ts'
import { COMPRESSION_OCTETS, CompressedStream } from './compression.ts'
import type { ConnectionOptions, Securer } from './connection-options.ts'
import { ContentReader } from './content-reader.ts'
import { DotStuffer, stuffDots } from './dot-stuffing.ts'
import type { EndCause } from './errors.ts'
import { type CallFault, FaultInjector } from './faults/apply-faults.ts'
import { unexpectedStart } from './first-octets.ts'
import { decodeLine, type LineEncoding } from './input.ts'
import { LogonGuard } from './logon-guard.ts'
import type { ServedClient } from './served-client.ts'
import { type Resume, Transport } from './transport.ts'

/** Larger messages are read from the store and written in pieces. */
export const WHOLE_OCTETS = 256 * 1024

/** About what a client that does not read makes its connection hold: unsent replies, and commands that arrive meanwhile. */
export const BACKLOG_OCTETS = 512 * 1024

/**
 * One client connection, for every protocol: reads lines and octets, writes replies (few writes for pipelined commands),
 * handles STARTTLS, compression and the idle timeout, and records the transcript.
 */
export class Connection {
  readonly remote: SocketAddress
  readonly local: SocketAddress
  readonly record: SessionRecorder
  readonly logon: LogonGuard
  /** Whether the client is the owner of the lab, who needs no TLS and no log-on. */
  readonly isOwner: boolean
  /** The memory that the lab shares among its clients. */
  readonly memory: MemoryBudget
  /** Reads messages and literals. */
  readonly content: ContentReader
  readonly #client: ServedClient
  readonly #securer: Securer
  readonly #transport: Transport
  readonly #faults: FaultInjector | undefined
  readonly #turns = new CommandTurns()
  /** The memory of `startCompression`. */
  readonly #compression: MemoryReservation
  readonly #isSecuredByProxy: boolean
  #tls: TlsFacts | undefined
  #bindings: ChannelBindings
  #compressed = false
  #hasReceived = false
  #isFinishing = false
  #isHealthCheck: boolean | undefined
  /** Whether the session waits for a command, and nothing is under way. */
  #isBoundary = false

  constructor(options: ConnectionOptions) {
    this.remote = options.remote
    this.local = options.local
    this.record = options.record
    this.#client = options.client
    this.#securer = options.securer
    this.#tls = options.secured?.facts
    this.#bindings = options.secured?.bindings ?? noChannelBindings
    this.#isSecuredByProxy = options.isSecuredByProxy ?? false
    this.isOwner = options.isOwner ?? false
    const { intake } = options
    this.memory = intake.memory
    this.#compression = intake.memory.reservation('compression')
    const onSocketError = (error: Error): void => recordSocketError(this.record, error)
    this.#transport = new Transport(options.socket, options.idleTimeoutMs, onSocketError, options.keepAlive)
    if (options.secured) this.#transport.sendAtOnce()
    this.#faults = options.faults && new FaultInjector(options.faults, this.#transport, this)
    this.content = new ContentReader(this.#transport, this.record, intake, this.#faults)
    this.logon = new LogonGuard(options.logon, this.#transport, this.record)
  }

  /** Resolves with the cause once the socket is closed. Never rejects. */
  get closed(): Promise<EndCause> {
    return this.#transport.closed
  }

  get isClosed(): boolean {
    return this.#transport.isClosed
  }

  /** The current stream. IMAP4 IDLE uses it to see how much is unsent; nothing else may read or write it. */
  get socket(): Duplex {
    return this.#transport.stream
  }

  /** The result of the TLS handshake; undefined in clear text. */
  get tls(): TlsFacts | undefined {
    return this.#tls
  }

  /**
   * The facts that `logonPolicy` and SASL mechanisms need: whether TLS protects the client, here or at a trusted proxy, the
   * account that its certificate names, and what a log-on can be bound to.
   */
  get channel(): {
    readonly secure: boolean
    readonly externalIdentity: string | undefined
    readonly channelBindings: ChannelBindings
  } {
    return {
      secure: this.#tls !== undefined || this.#isSecuredByProxy || this.isOwner,
      externalIdentity: this.#tls?.clientCertificate?.account,
      channelBindings: this.#bindings,
    }
  }

  /** Whether STARTTLS can be offered: a certificate is assigned, and the connection is a client's in clear text. */
  get canStartTls(): boolean {
    return this.#securer.isAvailable() && this.#tls === undefined && !this.#compressed && !this.isOwner
  }

  get compressed(): boolean {
    return this.#compressed
  }

  /** Injects the faults before the greeting; undefined if no fault applies. False if no session follows. @throws ConnectionEnded */
  meetFirstFaults(): Promise<boolean> | undefined {
    return this.#faults?.beforeGreeting()
  }

  /**
   * Returns the next line without its line end: a promise only if something has to be awaited. Other connections are served
   * between many pipelined commands.
   * @param maxOctets the longest line accepted
   * @param encoding how its octets are decoded; in the transcript a line is always UTF-8
   * @param secret masks the whole line in the transcript, for example a SASL response
   * @throws TooLong once a longer line has been read and discarded
   * @throws ConnectionEnded
   */
  readLine(maxOctets: number, encoding: LineEncoding, secret = false): string | Promise<string> {
    return this.takeLine(maxOctets, encoding, secret) ?? this.#waitForLine(maxOctets, encoding, secret)
  }

  /** Takes a line as `readLine` does. Undefined: none has arrived. Take it again after `onMore`. */
  takeLine(maxOctets: number, encoding: LineEncoding, secret = false): string | Promise<string> | undefined {
    const fault = this.#faults?.afterCommand()
    if (fault) return fault.then(() => this.readLine(maxOctets, encoding, secret))
    if (!this.#hasReceived) this.#checkFirstOctets()
    const line = this.#transport.takeLine(maxOctets, encoding)
    if (line === undefined) return undefined
    const pause = this.#receivedLine(line, encoding, secret)
    return pause ? pause.then((passes) => (passes ? line : this.readLine(maxOctets, encoding, secret))) : line
  }

  /** Waits for octets of a line as `Transport.onMore` does. @throws ConnectionEnded if the connection has ended */
  onMore(resume: Resume): void {
    this.#turns.pause()
    if (this.#isFinishing && this.#isAtRest) this.stop()
    this.#transport.onMore(resume)
  }

  async #waitForLine(maxOctets: number, encoding: LineEncoding, secret: boolean): Promise<string> {
    for (;;) {
      await new Promise<void>((resolve, reject) => this.onMore((ended) => (ended ? reject(ended) : resolve())))
      const line = this.takeLine(maxOctets, encoding, secret)
      if (line !== undefined) return line
    }
  }

  /** Records a line. Returns what must be awaited before the session gets it, and whether the session gets it then. */
  #receivedLine(line: string, encoding: LineEncoding, secret: boolean): Promise<boolean> | undefined {
    this.#isBoundary = false
    const text = encoding === 'latin1' ? decodeLine(line) : line
    this.record.line('in', text, secret)
    const turn = this.#transport.congested ? this.drained().then(() => this.#turns.begin()) : this.#turns.begin()
    if (turn) return turn.then(() => this.#atLine(text, secret) ?? true)
    return this.#faults && this.#atLine(text, secret)
  }

  #atLine(text: string, secret: boolean): Promise<boolean> | undefined {
    return secret ? undefined : this.#faults?.atLine(text)?.then((outcome) => outcome === 'pass')
  }

  /**
   * Injects the faults after the content of a message. Call it before the message is stored. Undefined if no fault applies.
   * @param content reads the message, for faults that look at it
   * @throws FaultAnswered if it must not be stored; ConnectionEnded
   */
  endOfData(content: () => Promise<Buffer>): Promise<void> | undefined {
    return this.#faults?.atEndOfData(content)?.()
  }

  /** Returns the same for the reply to one recipient of LMTP, which `matching` of a fault can select, without injecting it yet. */
  endOfDataFor(recipient: string, content: () => Promise<Buffer>): (() => Promise<void>) | undefined {
    return this.#faults?.atEndOfData(content, recipient)
  }

  /** Writes what a fault puts in the place of the reply to a message, where more replies follow. Undefined: nothing. */
  replaceReply(): Promise<unknown> | undefined {
    return this.#faults?.afterCommand()
  }

  /** Injects the faults at a call of JMAP, as `FaultInjector.atCall`. */
  callFault(line: () => string, signal: AbortSignal): Promise<CallFault> | undefined {
    return this.#faults?.atCall(line, signal)
  }

  /** Returns the report that a fault asks for, such as `bounce+550`, once. SMTP calls it at RCPT and after a message. */
  takeReport(): string | undefined {
    return this.#faults?.takeReport()
  }

  /**
   * Writes output. Text is protocol lines (UTF-8, with their CRLFs) and is recorded in the transcript; a Buffer is message
   * octets, of which the transcript states the size. It is sent by the next `flush`, by the next read that has to wait,
   * or when much output has gathered.
   */
  write(data: string | Buffer): void {
    if (this.#faults?.withholds(data)) return
    if (typeof data === 'string') this.record.lines('out', data)
    else this.record.octets('out', data.length)
    this.#transport.write(data)
  }

  /**
   * Writes a message as a dot-stuffed block with its final dot, a large one as fast as the client reads it. Returns
   * synchronously when nothing has to be awaited. RFC 3977 section 3.1.1; RFC 1939 section 3. @throws ConnectionEnded
   */
  writeBlock(block: Buffer): void | Promise<void> {
    if (block.length > WHOLE_OCTETS) return this.streamBlock(viewsOf(block, WHOLE_OCTETS))
    this.record.octets('out', block.length)
    for (const piece of stuffDots(block)) this.#transport.write(piece)
  }

  /**
   * Writes a block from pieces, as fast as the client reads them, for messages too large to hold. Closes the connection if
   * the pieces cannot be read to their end: the client would otherwise accept a part as the whole message, or the next
   * reply as a part of the message. @throws ConnectionEnded, or the error of the pieces
   */
  async streamBlock(pieces: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<void> {
    const stuffer = new DotStuffer()
    try {
      for await (const piece of pieces) {
        this.record.octets('out', piece.length)
        for (const part of stuffer.add(piece)) this.#transport.write(part)
        await this.drained()
        if (isSliceOver()) await nextSlice()
      }
    } catch (error) {
      this.destroy()
      throw error
    }
    this.#transport.write(stuffer.end())
  }

  /** Sends the output gathered by `write`. */
  flush(): void {
    this.#transport.flush()
  }

  /** Waits until a slow client has read what was sent. Call it between the pieces of a long reply. @throws ConnectionEnded */
  async drained(): Promise<void> {
    this.#transport.flush()
    if (!this.#transport.congested) return
    this.memory.hold('connections', BACKLOG_OCTETS)
    try {
      await this.#transport.drained()
    } finally {
      this.memory.give('connections', BACKLOG_OCTETS)
    }
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
      const { socket, facts, bindings } = await this.#securer.secure(raw)
      this.#tls = facts
      this.#bindings = bindings
      this.#transport.adopt(socket)
      this.logon.forgotten()
      return facts
    } catch (error) {
      this.#transport.abandon()
      throw error
    }
  }

  /** Reserves the memory of `startCompression`. Call it before the positive reply. @throws MemoryLimitReached */
  reserveCompression(): void {
    if (this.#compression.octets === 0) this.#compression.grow(COMPRESSION_OCTETS)
  }

  /**
   * Starts compression in both directions after the positive reply was written. RFC 4978, RFC 8054.
   * Octets that the client sent after the command are compressed already.
   */
  startCompression(): Promise<void> {
    this.#compressed = true
    return this.#transport.wrap((below, held) => new CompressedStream(below, held))
  }

  /** Records what a client sent before it reset the connection, and the session did not read. */
  recordUnread(): void {
    const { input } = this.#transport
    const held = input.take(input.heldOctets)
    if (this.content.isReading) return held.length > 0 ? this.record.octets('in', held.length) : undefined
    const lines = held.toString('latin1').split(/\r?\n/)
    for (const line of lines) if (line !== '') this.record.line('in', line)
  }

  /**
   * Hands the stream to another parser (HTTP), which has its own limits, for the rest of the connection.
   * @param onStop called when the lab stops
   * @throws ConnectionEnded
   */
  handOver(onStop: () => void): Duplex {
    this.logon.cancelTimeout()
    this.#isBoundary = true
    return this.#transport.handOver(onStop)
  }

  /**
   * Serves the client of a proxy of HTTP, for one request, or of a proxy of SMTP that uses XCLIENT.
   * @returns why the client is refused, which is recorded; undefined if it is not
   */
  serveForwarded(client: SocketAddress): string | undefined {
    const refusal = this.#client.change(client, this.record)
    if (refusal !== undefined) this.record.refused(refusal)
    return refusal
  }

  /** Sends the gathered output, then closes. */
  end(cause: EndCause = 'server closed'): void {
    this.#transport.end(cause)
  }

  /** Closes immediately. */
  destroy(cause: EndCause = 'server closed'): void {
    this.#transport.destroy(cause)
  }

  /**
   * Says that the next line begins a command, or ends a wait for the client: here `finish` may end the session.
   * @param isUnderWay whether the session is in the middle of something that further commands complete
   */
  atBoundary(isUnderWay = false): void {
    this.#isBoundary = !isUnderWay
  }

  /** Ends the session as `stop` does, once it waits for a command and nothing is under way. Received commands are answered. */
  finish(): void {
    this.#isFinishing = true
    if (this.#isAtRest) this.stop()
  }

  /** Says what a request was for. A connection with health checks only leaves no session. */
  asked(isHealthCheck: boolean): void {
    this.#isHealthCheck = isHealthCheck && this.#isHealthCheck !== false
  }

  get isHealthCheck(): boolean {
    return this.#isHealthCheck === true
  }

  /** Makes the current or next read throw ConnectionEnded `stopping`, so that the session can send its farewell. */
  stop(): void {
    this.#transport.interrupt('stopping')
  }

  /** Releases all memory and temporary files, and ends the time limit of the log-on. Call it when the connection is closed and its session is over. */
  release(): void {
    this.content.release()
    this.#compression.release()
    this.logon.cancelTimeout()
  }

  /** Whether the session could end here: it waits for a command, of which nothing has arrived. */
  get #isAtRest(): boolean {
    return this.#isBoundary && this.#transport.input.heldOctets === 0
  }

  /** Closes the connection of a client that starts TLS on the clear-text port, or of a proxy that is not listed. */
  #checkFirstOctets(): void {
    const { input } = this.#transport
    this.#hasReceived = input.heldOctets > 0
    const why = this.#tls ? undefined : unexpectedStart(input)
    if (why === undefined) return
    this.record.refused(why)
    this.#transport.destroy('server closed')
  }
}
