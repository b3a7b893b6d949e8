import type { Duplex } from 'node:stream'
import { clearTimeout, setTimeout } from '../core/time/real-timers.ts'
import { ConnectionEnded, type EndCause } from './errors.ts'
import { Throttle } from './faults/throttle.ts'
import { IdleTimer } from './idle-timer.ts'
import { Input, type LineEncoding } from './input.ts'
import { Output } from './output.ts'

const ignore = (): void => {}

/** Continues a session that waited. @param ended set if the connection has ended */
export type Resume = (ended?: ConnectionEnded) => void

/** How long to wait for the client to close its side. */
const LINGER_MS = 2_000

/**
 * The octets of a connection over its current stream: a socket, TLS over it, or compression over that. Handles waiting for
 * the client, the idle timeout, and every way a connection can end.
 */
export class Transport {
  readonly input = new Input()
  readonly idle: IdleTimer
  /** Resolves with the cause once the stream is closed; never rejects. */
  readonly closed: Promise<EndCause>
  readonly keepAlive: () => void
  readonly #idleTimeoutMs: number
  readonly #onSocketError: (error: Error) => void
  #output: Output
  #stream: Duplex
  #ended: ConnectionEnded | undefined
  /** Continues what waits; with the error if the connection has ended. */
  #waiting: Resume | undefined
  #close: (cause: EndCause) => void = () => {}
  #lingerTimer: NodeJS.Timeout | undefined
  #dropsAfterReply = false
  #greeting: string | undefined
  #injection: string | undefined
  #octetsPerSecond: number | undefined
  /** Whether the current wait is for the client to read what was sent. */
  #draining = false
  /** Whether the current wait is `pause`. */
  #pausing = false
  #ending = false
  /** Whether the next wait sends the output immediately, instead of at the end of the turn of the event loop. */
  #sendsAtOnce = false

  /** @param keepAlive lets the system find out whether the client is still there: for connections that may stay for long */
  constructor(
    stream: Duplex,
    idleTimeoutMs: number,
    onSocketError: (error: Error) => void,
    keepAlive: () => void = ignore,
  ) {
    this.keepAlive = keepAlive
    this.#idleTimeoutMs = idleTimeoutMs
    this.idle = new IdleTimer(idleTimeoutMs, () => this.#onIdle())
    this.#onSocketError = onSocketError
    this.#stream = stream
    this.closed = new Promise((resolve) => {
      this.#close = resolve
    })
    this.#output = this.#listen(stream)
  }

  get isClosed(): boolean {
    return this.#stream.destroyed
  }

  get stream(): Duplex {
    return this.#stream
  }

  /** Checks that more can be taken. Call it before each take. @throws ConnectionEnded */
  checkReadable(): void {
    // Commands sent before the client closed are still answered.
    if (this.#ended && this.#ended.reason !== 'client closed') throw this.#ended
    if (!this.input.attached) this.input.attach(this.#stream)
  }

  /** Takes a line as `Input.takeLine` does. @throws TooLong, ConnectionEnded */
  takeLine(maxOctets: number, encoding: LineEncoding): string | undefined {
    this.checkReadable()
    try {
      const line = this.input.takeLine(maxOctets, encoding)
      if (line !== undefined) this.idle.progress()
      return line
    } catch (error) {
      // A line over the limit is complete, too.
      this.idle.progress()
      throw error
    }
  }

  /** Sends the gathered output, and waits for octets to take. @throws ConnectionEnded */
  more(): Promise<void> {
    return new Promise((resolve, reject) => this.onMore((ended) => (ended ? reject(ended) : resolve())))
  }

  /**
   * Sends the gathered output, and calls `resume` within the event that brings octets to take. At the end of the connection,
   * `resume` is called asynchronously, so that the session does not run inside the call that closes the connection.
   * @throws ConnectionEnded if it has ended
   */
  onMore(resume: Resume): void {
    if (this.#sendsAtOnce) this.#output.flush()
    else this.#output.flushSoon()
    this.#sendsAtOnce = false
    this.#wait(resume)
    if (this.#dropsAfterReply) void this.#flushed().then(() => this.destroy('server closed'))
    else this.input.onMore(this.#wake)
  }

  write(data: string | Buffer): void {
    this.#output.write(this.#greeting ?? data)
    this.#greeting = undefined
  }

  flush(): void {
    this.#output.flush()
  }

  /**
   * Makes the next wait send the output immediately. Called for the greeting after a handshake: OpenSSL has made the session
   * tickets and not sent them, and both leave in one write.
   */
  sendAtOnce(): void {
    this.#sendsAtOnce = true
  }

  get congested(): boolean {
    return this.#output.congested
  }

  /** Waits until a slow client has read what was sent. @throws ConnectionEnded */
  async drained(): Promise<void> {
    this.#output.flush()
    while (this.#output.congested) {
      const drained = this.#waitToWrite()
      this.#output.onDrain(this.#wake)
      await drained
    }
  }

  /** Sends the gathered output, and waits. The client is not idle meanwhile. @throws ConnectionEnded */
  async pause(durationMs: number): Promise<void> {
    this.#output.flush()
    let timer: NodeJS.Timeout | undefined
    this.#pausing = true
    try {
      // As with `drained`, a client that half-closes the connection still receives its reply.
      const over = this.#waitToWrite()
      timer = setTimeout(this.#wake, durationMs)
      timer.unref()
      await over
    } finally {
      this.#pausing = false
      clearTimeout(timer)
    }
  }

  /**
   * Hands over the stream for a handshake. Sends all output first, and discards received octets that were not taken.
   * @throws ConnectionEnded if a fault closes the connection after the output
   */
  async release(): Promise<Duplex> {
    this.input.detach()
    if (this.#injection !== undefined) this.#output.write(this.#injection)
    this.#injection = undefined
    await this.#flushed()
    if (this.#dropsAfterReply) {
      this.destroy('server closed')
      throw ConnectionEnded.by('server closed')
    }
    this.#unlisten(this.#stream)
    return this.#stream
  }

  /** Ends the connection after a failed handshake on the released stream. */
  abandon(): void {
    this.destroy('connection lost')
    this.#onClose()
  }

  /**
   * Hands over the stream for the rest of the connection: nothing is read or written here any more, and the idle timeout
   * ends. `closed` still resolves.
   * @param onStop called when the lab stops
   * @throws ConnectionEnded if the connection has ended: the stream would not say so again
   */
  handOver(onStop: () => void): Duplex {
    if (this.#ended) throw this.#ended
    this.input.detach()
    this.idle.stop()
    this.keepAlive()
    this.#waiting = (ended) => {
      if (ended?.reason === 'stopping') onStop()
    }
    return this.#stream
  }

  /** Continues over another stream, after `release`. */
  adopt(stream: Duplex): void {
    this.#stream = stream
    this.#output = this.#listen(stream)
  }

  /** Continues over a layer above the stream; `layer` gets the received octets that were not taken. */
  async wrap(layer: (below: Duplex, held: Buffer) => Duplex): Promise<void> {
    // The layer writes to the stream immediately, and a throttle writes later.
    if (this.#octetsPerSecond !== undefined) await this.#flushed()
    const held = this.input.take(this.input.heldOctets)
    this.input.detach()
    this.#output.flush()
    this.#unlisten(this.#stream)
    this.adopt(layer(this.#stream, held))
  }

  /** Sends all output, even to a slow client, then closes. */
  end(cause: EndCause): void {
    this.#ended ??= ConnectionEnded.by(cause)
    if (this.#ending || this.#stream.destroyed) return
    this.#ending = true
    // Reads and discards what the client still sends: the system resets a connection that is closed with octets unread, and
    // a reset can take the last reply with it. RFC 1122 section 4.2.2.13
    this.input.close()
    this.#stream.resume()
    this.#output.flush()
    // A stream ends after what was written to it. What waits may write its last words first. A throttle writes later.
    if (this.#output.sink === this.#stream) queueMicrotask(() => this.#endStream())
    else void this.#flushed().then(() => this.#endStream())
  }

  /** Ends the stream. Closes the connection of a client that does not read the output or does not close its side in time. */
  #endStream(): void {
    const isSent = this.#stream.writableLength === 0
    this.#stream.end(isSent ? undefined : () => this.#destroyIn(LINGER_MS))
    this.#destroyIn(isSent ? LINGER_MS : this.#idleTimeoutMs)
  }

  #destroyIn(ms: number): void {
    clearTimeout(this.#lingerTimer)
    if (this.#stream.closed) return
    this.#lingerTimer = setTimeout(() => this.#stream.destroy(), ms)
    this.#lingerTimer.unref()
  }

  /** Closes immediately. */
  destroy(cause: EndCause): void {
    this.#ended ??= ConnectionEnded.by(cause)
    this.#stream.destroy()
  }

  /** Makes the current wait, or the next one, throw ConnectionEnded. */
  interrupt(reason: EndCause): void {
    this.#ended ??= ConnectionEnded.by(reason)
    // A client that half-closes the connection still receives its replies.
    if (reason === 'client closed' && this.#draining) return
    if (!this.#waiting) return
    const ended = this.#ended
    const resume = this.#stopWaiting()
    queueMicrotask(() => resume?.(ended))
  }

  // For fault injection.

  /** Limits further output to a number of octets per second, also over the streams to come. */
  throttle(octetsPerSecond: number): void {
    this.#output.flush()
    this.#octetsPerSecond = octetsPerSecond
    this.#output = this.#outputTo(this.#stream)
  }

  /** Replaces the server's greeting. */
  replaceGreeting(line: string): void {
    this.#greeting = line
  }

  /** Sends lines in clear text after the reply to STARTTLS, in the same write. */
  injectBeforeTls(lines: string): void {
    this.#injection = lines
  }

  /** Sends half of the next output, then closes. */
  cutNextReply(): void {
    this.#output.cutNext(() => this.destroy('server closed'))
  }

  /** Closes instead of waiting for the next command. */
  dropAfterReply(): void {
    this.#dropsAfterReply = true
  }

  /** Closes the server's side, and continues reading. */
  halfClose(): void {
    this.#output.flush()
    if (this.#octetsPerSecond === undefined) this.#stream.end()
    else void this.#flushed().then(() => this.#stream.end())
  }

  /** Waits until `#wake` is called, the end of the connection, or the idle timeout. @throws ConnectionEnded */
  #wait(resume: Resume, draining = false): void {
    if (this.#ended && !(draining && this.#ended.reason === 'client closed')) throw this.#ended
    this.#draining = draining
    if (draining) this.idle.restart()
    else this.idle.wait()
    this.#waiting = resume
  }

  /** Waits as `#wait` does, until the client has read what was sent or time has passed. */
  #waitToWrite(): Promise<void> {
    return new Promise((resolve, reject) => this.#wait((ended) => (ended ? reject(ended) : resolve()), true))
  }

  /** Ends the wait. */
  #stopWaiting(): Resume | undefined {
    const resume = this.#waiting
    this.#waiting = undefined
    this.#draining = false
    this.input.onMore(undefined)
    return resume
  }

  /** Resolves when all output is sent. Closes the connection of a client that does not read it within the idle timeout. */
  async #flushed(): Promise<void> {
    if (this.#output.isFlushed()) return
    const timer = setTimeout(() => this.destroy('idle'), this.#idleTimeoutMs)
    timer.unref()
    await this.#output.end()
    clearTimeout(timer)
  }

  #onIdle(): void {
    // Only a connection that waits for its client is idle.
    if (this.#waiting && !this.#pausing) this.interrupt('idle')
    else this.idle.restart()
  }

  readonly #wake = (): void => this.#stopWaiting()?.()
  readonly #onEnd = (): void => this.interrupt('client closed')
  readonly #onError = (error: Error): void => {
    this.#onSocketError(error)
    this.interrupt('connection lost')
  }
  readonly #onClose = (): void => {
    this.idle.stop()
    clearTimeout(this.#lingerTimer)
    this.interrupt('connection lost')
    this.#close(this.#ended?.reason ?? 'connection lost')
    this.#forget(this.#stream)
  }

  #listen(stream: Duplex): Output {
    stream.on('end', this.#onEnd)
    stream.on('error', this.#onError)
    stream.on('close', this.#onClose)
    if (stream.destroyed) queueMicrotask(this.#onClose)
    return this.#outputTo(stream)
  }

  #outputTo(stream: Duplex): Output {
    return new Output(this.#octetsPerSecond === undefined ? stream : new Throttle(stream, this.#octetsPerSecond))
  }

  /**
   * Detaches a closed stream. V8 frees the stream only in its next full garbage collection, because Node.js's own code
   * held it, and until then everything reachable from it stays in memory.
   */
  #forget(stream: Duplex): void {
    this.#unlisten(stream)
    this.input.close()
    // An error without a listener would end the process.
    stream.on('error', ignore)
    stream.off('error', this.#onError)
  }

  /** Stops listening for the end of a stream; the layer above it reports the end. */
  #unlisten(stream: Duplex): void {
    stream.off('end', this.#onEnd)
    stream.off('close', this.#onClose)
  }
}
