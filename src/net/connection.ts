import type { Duplex } from 'node:stream'
import type { SessionRecorder, TlsFacts } from '../sessions/types.ts'
import { CompressedStream } from './compression.ts'
import { ConnectionEnded, type EndCause } from './errors.ts'
import type { ConnectionFaults } from './faults/fault-book.ts'
import { type Outcome, strike } from './faults/perform.ts'
import { Throttle } from './faults/throttle.ts'
import { BlockCollector, Input } from './input.ts'
import { Output } from './output.ts'
import { Stuffer, stuff } from './stuffing.ts'

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
  /** Resolves with the cause once the socket is closed; never rejects. */
  readonly closed: Promise<EndCause>
  readonly #securer: Securer
  readonly #idleTimeoutMs: number
  readonly #faults: ConnectionFaults | undefined
  readonly #input = new Input()
  #output: Output
  #socket: Duplex
  #tls: TlsFacts | undefined
  #compressed = false
  #ended: ConnectionEnded | undefined
  #waiting: ((ended?: ConnectionEnded) => void) | undefined
  #close: (cause: EndCause) => void = () => {}
  #idleTimer: NodeJS.Timeout | undefined
  #dropsAfterReply = false
  /** Octets of the message that is coming in. */
  #dataOctets = 0
  #dataLimit: number | undefined

  constructor(options: ConnectionOptions) {
    this.remote = options.remote
    this.local = options.local
    this.record = options.record
    this.#securer = options.securer
    this.#idleTimeoutMs = options.idleTimeoutMs
    this.#tls = options.facts
    this.#faults = options.faults
    this.#socket = options.socket
    this.closed = new Promise((resolve) => {
      this.#close = resolve
    })
    this.#output = this.#listen(options.socket)
  }

  /** The stream under the protocol, for an engine that does its own reading (SMTP). Nobody else reads it then. */
  get socket(): Duplex {
    return this.#socket
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
    return this.#input.heldOctets > 0
  }

  /**
   * The next line, without its line end.
   * @param maxOctets the longest line taken
   * @param secret the whole line is a secret, as a SASL response: masked in the transcript
   * @throws TooLong once a longer line has been read and dropped
   * @throws ConnectionEnded
   */
  async readLine(maxOctets: number, secret = false): Promise<Buffer> {
    for (;;) {
      this.#checkReadable()
      const line = this.#input.takeLine(maxOctets)
      if (line !== undefined) {
        this.record.line('in', line.toString('utf8'), secret)
        if (this.#output.congested) await this.drained()
        if (secret || !this.#faults || (await this.#meetFaults(this.#faults, line)) === 'pass') return line
        continue
      }
      await this.#more()
    }
  }

  /** Exactly so many octets, for literals that fit in memory. @throws ConnectionEnded */
  async readOctets(octets: number): Promise<Buffer> {
    const parts: Buffer[] = []
    for await (const part of this.streamOctets(octets)) parts.push(part)
    return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts, octets)
  }

  /** The same as they come, without holding them. Read it to its end. @throws ConnectionEnded */
  async *streamOctets(octets: number): AsyncGenerator<Buffer, void, void> {
    let left = octets
    while (left > 0) {
      this.#checkReadable()
      const part = this.#input.takeSome(left)
      if (part.length === 0) {
        await this.#more()
        continue
      }
      left -= part.length
      if (this.#faults) this.#countData(this.#faults, part.length)
      yield part
    }
    this.#dataOctets = 0
    if (octets > 0) this.record.octets('in', octets)
  }

  /**
   * A block of lines up to the line with a single dot, dots unstuffed, each line with its CRLF. RFC 3977 section 3.1.1.
   * @param head put in front of the block, in the same copy (trace fields)
   * @throws TooLong once a longer block has been read and dropped
   * @throws ConnectionEnded
   */
  async readBlock(maxOctets: number, head: Buffer = NO_HEAD): Promise<Buffer> {
    const collector = new BlockCollector(maxOctets)
    for (;;) {
      this.#checkReadable()
      const piece = this.#input.takeSome(Number.MAX_SAFE_INTEGER)
      if (piece.length === 0) {
        await this.#more()
        continue
      }
      if (this.#faults) this.#countData(this.#faults, piece.length)
      if (!collector.add(piece, this.#input)) continue
      this.#dataOctets = 0
      const block = collector.result(head)
      this.record.octets('in', block.length - head.length)
      return block
    }
  }

  /**
   * Says something. Text is protocol lines (UTF-8, with their CRLFs) and goes into the transcript; a Buffer is message
   * octets and is summarized there. It leaves with the next `flush`, with the next read that has to wait, or when much
   * has gathered.
   */
  write(data: string | Buffer): void {
    if (typeof data === 'string') this.#recordText(data)
    else this.record.octets('out', data.length)
    this.#output.write(data)
  }

  /** Message octets as a dot-stuffed block with its ending dot. RFC 3977 section 3.1.1; RFC 1939 section 3. */
  writeBlock(block: Buffer): void {
    this.record.octets('out', block.length)
    for (const piece of stuff(block)) this.#output.write(piece)
  }

  /** The same from pieces, as fast as the client takes them: for messages too large to hold. @throws ConnectionEnded */
  async streamBlock(pieces: AsyncIterable<Buffer>): Promise<void> {
    const stuffer = new Stuffer()
    for await (const piece of pieces) {
      this.record.octets('out', piece.length)
      for (const part of stuffer.add(piece)) this.#output.write(part)
      await this.drained()
    }
    this.#output.write(stuffer.end())
  }

  /** Sends what `write` has gathered. */
  flush(): void {
    this.#output.flush()
  }

  /** Waits until a slow client has taken what was sent. Await it between the pieces of a long answer. @throws ConnectionEnded */
  async drained(): Promise<void> {
    this.#output.flush()
    while (this.#output.congested) await this.#wait(() => this.#output.onDrain(this.#waiting))
  }

  /**
   * STARTTLS, after its positive reply was written: whatever the client sent in clear behind the command is dropped
   * (CVE-2011-0411), then the handshake is made. The session must forget all it knew (RFC 3207 section 4.2 and its siblings).
   * @throws HandshakeFailure the connection is gone, the reason on record
   */
  async startTls(): Promise<TlsFacts> {
    if (!this.canStartTls) throw new Error('STARTTLS without a certificate, or a second time')
    if (this.#input.heldOctets > 0) {
      this.record.note(`${this.#input.heldOctets} octets sent in clear behind STARTTLS dropped`)
    }
    this.#input.detach()
    await this.#output.end()
    this.#unlisten(this.#socket)
    const { socket, facts } = await this.#securer.secure(this.#socket).catch((error: unknown) => {
      // Nobody listens to the raw socket any more: its end is told here.
      this.destroy('connection lost')
      this.#onClose()
      throw error
    })
    this.#tls = facts
    this.#socket = socket
    this.#output = this.#listen(socket)
    return facts
  }

  /**
   * Compresses both directions from here on, after the positive reply was written. RFC 4978, RFC 8054.
   * Octets that the client sent behind the command are compressed already.
   */
  startCompression(): void {
    const held = this.#input.take(this.#input.heldOctets)
    this.#input.detach()
    this.#output.flush()
    this.#unlisten(this.#socket)
    const layer = new CompressedStream(this.#socket, held)
    this.#compressed = true
    this.#socket = layer
    this.#output = this.#listen(layer)
  }

  /** Sends what was written, then closes. */
  end(cause: EndCause = 'server closed'): void {
    this.#ended ??= new ConnectionEnded(cause)
    this.#output.flush()
    if (this.#socket.destroyed) return
    this.#socket.end()
    // A client that does not close its side is not waited for longer than the linger time.
    const linger = setTimeout(() => this.#socket.destroy(), LINGER_MS)
    linger.unref()
    this.#socket.resume()
    this.#socket.once('close', () => clearTimeout(linger))
  }

  /** Closes at once. */
  destroy(cause: EndCause = 'server closed'): void {
    this.#ended ??= new ConnectionEnded(cause)
    this.#socket.destroy()
  }

  // What faults do (`faults/perform.ts`).

  /** From here on the client gets so many octets a second. */
  throttle(octetsPerSecond: number): void {
    this.#output.flush()
    this.#output = new Output(new Throttle(this.#socket, octetsPerSecond))
  }

  cutNextReply(): void {
    this.#output.cutNext(() => this.destroy('server closed'))
  }

  dropAfterReply(): void {
    this.#dropsAfterReply = true
  }

  halfClose(): void {
    this.#output.flush()
    this.#socket.end()
  }

  async ignoreClient(): Promise<never> {
    for (;;) {
      this.#checkReadable()
      this.#input.take(this.#input.heldOctets)
      await this.#more()
    }
  }

  /** Faults that strike before the greeting; false: there is nobody left to greet. */
  async meetFirstFaults(): Promise<boolean> {
    const strikes = this.#faults?.due('connect') ?? []
    if (!this.#faults || strikes.length === 0) return true
    return (await strike(this.#faults, strikes, this)) === 'pass'
  }

  /** The lab stops: a read that waits, or the next one, throws ConnectionEnded `stopping`; the session says good-bye. */
  stop(): void {
    this.#interrupt('stopping')
  }

  async #meetFaults(faults: ConnectionFaults, line: Buffer): Promise<Outcome> {
    const text = line.toString('utf8')
    const strikes = faults.due('command', text)
    return strikes.length === 0 ? 'pass' : strike(faults, strikes, this, text)
  }

  /** Message octets that came in: a fault may have had enough of them. @throws ConnectionEnded then */
  #countData(faults: ConnectionFaults, octets: number): void {
    if (this.#dataOctets === 0) {
      const [first] = faults.due('data')
      this.#dataLimit = first?.action.dropAfterOctets
      if (first) this.record.note(`fault: ${first.name}`)
    }
    this.#dataOctets += octets
    if (this.#dataLimit === undefined || this.#dataOctets < this.#dataLimit) return
    this.destroy('server closed')
    this.#checkReadable()
  }

  #checkReadable(): void {
    // What a client sent before it closed is still answered.
    if (this.#ended && this.#ended.reason !== 'client closed') throw this.#ended
    if (!this.#input.attached) this.#input.attach(this.#socket)
  }

  async #more(): Promise<void> {
    this.#output.flush()
    if (this.#dropsAfterReply) {
      await this.#output.end()
      this.destroy('server closed')
    }
    return this.#wait(() => this.#input.onMore(() => this.#waiting?.()))
  }

  /** Waits for `arm` to call, for the end of the connection, or for the idle time-out. */
  #wait(arm: () => void): Promise<void> {
    if (this.#ended) throw this.#ended
    return new Promise((resolve, reject) => {
      this.#waiting = (ended) => {
        this.#waiting = undefined
        this.#input.onMore(undefined)
        if (ended) reject(ended)
        else resolve()
      }
      if (this.#idleTimer) this.#idleTimer.refresh()
      else {
        this.#idleTimer = setTimeout(() => this.#onIdle(), this.#idleTimeoutMs)
        this.#idleTimer.unref()
      }
      arm()
    })
  }

  #onIdle(): void {
    // Only a connection that waits for its client can be idle.
    if (this.#waiting) this.#interrupt('idle')
    else this.#idleTimer?.refresh()
  }

  #interrupt(reason: EndCause): void {
    this.#ended ??= new ConnectionEnded(reason)
    this.#waiting?.(this.#ended)
  }

  #recordText(text: string): void {
    let from = 0
    for (let at = text.indexOf('\r\n'); at !== -1; at = text.indexOf('\r\n', from)) {
      this.record.line('out', text.slice(from, at))
      from = at + 2
    }
    if (from < text.length) this.record.line('out', text.slice(from))
  }

  readonly #onEnd = (): void => this.#interrupt('client closed')
  readonly #onError = (error: Error): void => {
    this.record.note(`socket error: ${error.message}`)
    this.#interrupt('connection lost')
  }
  readonly #onClose = (): void => {
    clearTimeout(this.#idleTimer)
    this.#interrupt('connection lost')
    this.#close(this.#ended?.reason ?? 'connection lost')
  }

  #listen(socket: Duplex): Output {
    socket.on('end', this.#onEnd)
    socket.on('error', this.#onError)
    socket.on('close', this.#onClose)
    if (socket.destroyed) queueMicrotask(this.#onClose)
    return new Output(socket)
  }

  /** The layer below another one: its errors and its end are told by the upper one. */
  #unlisten(socket: Duplex): void {
    socket.off('end', this.#onEnd)
    socket.off('close', this.#onClose)
  }
}

const LINGER_MS = 2_000
const NO_HEAD = Buffer.alloc(0)
