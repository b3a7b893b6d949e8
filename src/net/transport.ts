import type { Duplex } from 'node:stream'
import { ConnectionEnded, type EndCause } from './errors.ts'
import { Throttle } from './faults/throttle.ts'
import { Input } from './input.ts'
import { Output } from './output.ts'

const ignore = (): void => {}
/** How long a client that does not close its side is waited for. */
const LINGER_MS = 2_000

/**
 * The octets of a connection, whichever stream carries them now: a socket, TLS over it, compression over that. Waiting for
 * the client, the idle time-out and every kind of end are here, once.
 */
export class Transport {
  readonly input = new Input()
  /** Resolves with the cause once the stream is closed; never rejects. */
  readonly closed: Promise<EndCause>
  readonly #idleTimeoutMs: number
  readonly #onSocketError: (error: Error) => void
  #output: Output
  #stream: Duplex
  #ended: ConnectionEnded | undefined
  #waiting: ((ended?: ConnectionEnded) => void) | undefined
  #close: (cause: EndCause) => void = () => {}
  #idleTimer: NodeJS.Timeout | undefined
  #lingerTimer: NodeJS.Timeout | undefined
  #dropsAfterReply = false
  #greeting: string | undefined
  #injection: string | undefined
  /** What is waited for is that the client takes what was sent. */
  #draining = false
  #ending = false

  constructor(stream: Duplex, idleTimeoutMs: number, onSocketError: (error: Error) => void) {
    this.#idleTimeoutMs = idleTimeoutMs
    this.#onSocketError = onSocketError
    this.#stream = stream
    this.closed = new Promise((resolve) => {
      this.#close = resolve
    })
    this.#output = this.#listen(stream)
  }

  get stream(): Duplex {
    return this.#stream
  }

  /** Call before each take. @throws ConnectionEnded where there is nothing more to take */
  checkReadable(): void {
    // What a client sent before it closed is still answered.
    if (this.#ended && this.#ended.reason !== 'client closed') throw this.#ended
    if (!this.input.attached) this.input.attach(this.#stream)
  }

  /** Sends what has gathered, and waits for octets to take. @throws ConnectionEnded */
  more(): Promise<void> {
    this.#output.flush()
    if (this.#dropsAfterReply) return this.#sent().then(() => this.#dropped())
    return this.#wait(() => this.input.onMore(() => this.#waiting?.()))
  }

  write(data: string | Buffer): void {
    this.#output.write(this.#greeting ?? data)
    this.#greeting = undefined
  }

  flush(): void {
    this.#output.flush()
  }

  get congested(): boolean {
    return this.#output.congested
  }

  /** Waits until a slow client has taken what was sent. @throws ConnectionEnded */
  async drained(): Promise<void> {
    this.#output.flush()
    while (this.#output.congested) await this.#wait(() => this.#output.onDrain(this.#waiting), true)
  }

  /** Lets go of the stream for a handshake: everything written is out, everything received and not taken is dropped. */
  async release(): Promise<Duplex> {
    this.input.detach()
    if (this.#injection !== undefined) this.#output.write(this.#injection)
    this.#injection = undefined
    await this.#sent()
    this.#unlisten(this.#stream)
    return this.#stream
  }

  /** A stream that was released turned out useless: its end is told here. */
  abandon(): void {
    this.destroy('connection lost')
    this.#onClose()
  }

  /** Goes on over another stream, after `release`. */
  adopt(stream: Duplex): void {
    this.#stream = stream
    this.#output = this.#listen(stream)
  }

  /** Goes on over a layer above the stream; `layer` gets what was received and not taken. */
  wrap(layer: (below: Duplex, held: Buffer) => Duplex): void {
    const held = this.input.take(this.input.heldOctets)
    this.input.detach()
    this.#output.flush()
    this.#unlisten(this.#stream)
    this.adopt(layer(this.#stream, held))
  }

  /** Sends what was written, however slowly the client takes it, then closes. */
  end(cause: EndCause): void {
    this.#ended ??= ConnectionEnded.by(cause)
    if (this.#ending || this.#stream.destroyed) return
    this.#ending = true
    this.#stream.resume()
    void this.#sent().then(() => {
      this.#stream.end()
      if (this.#stream.closed) return
      this.#lingerTimer = setTimeout(() => this.#stream.destroy(), LINGER_MS)
      this.#lingerTimer.unref()
    })
  }

  /** Closes at once. */
  destroy(cause: EndCause): void {
    this.#ended ??= ConnectionEnded.by(cause)
    this.#stream.destroy()
  }

  /** A wait that is on, or the next one, throws ConnectionEnded. */
  interrupt(reason: EndCause): void {
    this.#ended ??= ConnectionEnded.by(reason)
    // Who has said all there is to say still wants the answers.
    if (reason === 'client closed' && this.#draining) return
    this.#waiting?.(this.#ended)
  }

  // What faults do.

  /** From here on the client gets so many octets a second. */
  throttle(octetsPerSecond: number): void {
    this.#output.flush()
    this.#output = new Output(new Throttle(this.#stream, octetsPerSecond))
  }

  /** Said instead of the greeting that comes. */
  greetWith(line: string): void {
    this.#greeting = line
  }

  /** Said in clear behind the reply to STARTTLS, in one write with it. */
  injectBehindReply(lines: string): void {
    this.#injection = lines
  }

  /** The next thing sent is sent by half; then the connection is closed. */
  cutNextReply(): void {
    this.#output.cutNext(() => this.destroy('server closed'))
  }

  /** Closes instead of waiting for the next command. */
  dropAfterReply(): void {
    this.#dropsAfterReply = true
  }

  /** Ends the server's side, and goes on reading. */
  halfClose(): void {
    this.#output.flush()
    this.#stream.end()
  }

  #dropped(): Promise<void> {
    this.destroy('server closed')
    return this.#wait(() => {})
  }

  /** Waits for `arm` to call, for the end of the connection, or for the idle time-out. */
  #wait(arm: () => void, draining = false): Promise<void> {
    if (this.#ended && !(draining && this.#ended.reason === 'client closed')) throw this.#ended
    return new Promise((resolve, reject) => {
      this.#draining = draining
      this.#waiting = (ended) => {
        this.#waiting = undefined
        this.#draining = false
        this.input.onMore(undefined)
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

  /** Everything written is out. A client that does not take it for as long as one may be idle is let go. */
  async #sent(): Promise<void> {
    if (this.#output.isOut()) return
    const timer = setTimeout(() => this.destroy('idle'), this.#idleTimeoutMs)
    timer.unref()
    await this.#output.end()
    clearTimeout(timer)
  }

  #onIdle(): void {
    // Only a connection that waits for its client can be idle.
    if (this.#waiting) this.interrupt('idle')
    else this.#idleTimer?.refresh()
  }

  readonly #onEnd = (): void => this.interrupt('client closed')
  readonly #onError = (error: Error): void => {
    this.#onSocketError(error)
    this.interrupt('connection lost')
  }
  readonly #onClose = (): void => {
    clearTimeout(this.#idleTimer)
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
    return new Output(stream)
  }

  /**
   * A closed socket lives on until the next full collection, and all that it can reach with it: V8's quick ones take an
   * object that Node.js's own code held for alive.
   */
  #forget(stream: Duplex): void {
    this.#unlisten(stream)
    this.input.close()
    // Without a listener, a late error would end the process.
    stream.on('error', ignore)
    stream.off('error', this.#onError)
  }

  /** The layer below another one: its end is told by the upper one. */
  #unlisten(stream: Duplex): void {
    stream.off('end', this.#onEnd)
    stream.off('close', this.#onClose)
  }
}
