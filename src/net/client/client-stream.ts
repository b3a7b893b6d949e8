import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { Intake } from '../../core/octets/received-octets.ts'
import { clearTimeout, setTimeout } from '../../core/time/real-timers.ts'
import { BlockReader, stuffDots } from '../dot-stuffing.ts'
import { TooLong } from '../errors.ts'
import { Input } from '../input.ts'

/** Why nothing more can be read from a server. */
export type StreamEnd =
  | { readonly kind: 'closed' }
  | { readonly kind: 'lost'; readonly error: NodeJS.ErrnoException }
  | { readonly kind: 'silent'; readonly timeoutMs: number }
  | { readonly kind: 'line too long' | 'block too long'; readonly maxOctets: number }

export interface ClientStreamOptions {
  /** Longest line that is read. */
  readonly maxLineOctets: number
  /** Longest wait for the server, in milliseconds. Default: no limit. */
  readonly timeoutMs?: number
  /** Returns what reads throw at the end. */
  readonly errorOf: (end: StreamEnd) => Error
}

const ignore = (): void => {}

/** How many times its limit a block may exceed before the connection is closed. Up to there it is discarded. */
const MAX_DISCARDED_TIMES = 4

/**
 * The client's end of a connection to a server that speaks in lines: reads lines, octets and blocks, writes as fast as the
 * server takes it, and starts TLS. Reads nothing from the socket until something is asked for.
 */
export class ClientStream {
  /** Resolves once the connection is closed. */
  readonly closed: Promise<void>
  readonly #options: ClientStreamOptions
  readonly #input = new Input()
  #stream: Duplex
  #ended: Error | undefined
  #wake = ignore
  #onClosed = ignore
  readonly #onEnd = (): void => void this.#end({ kind: 'closed' })
  readonly #onError = (error: Error): void => void this.#end({ kind: 'lost', error })
  readonly #onClose = (): void => {
    this.#end({ kind: 'closed' })
    this.#onClosed()
  }

  constructor(stream: Duplex, options: ClientStreamOptions) {
    this.#options = options
    this.#stream = stream
    this.closed = new Promise((resolve) => {
      this.#onClosed = resolve
    })
    this.#listen(stream)
  }

  /** Reads a line, without its line end. @throws what `errorOf` returns */
  async line(): Promise<string> {
    const { maxLineOctets } = this.#options
    for (;;) {
      const line = this.#takeLine(maxLineOctets)
      if (line !== undefined) return line
      if (this.#input.isSkippingLine) throw this.#end({ kind: 'line too long', maxOctets: maxLineOctets })
      await this.#more()
    }
  }

  #takeLine(maxOctets: number): string | undefined {
    try {
      return this.#held.takeLine(maxOctets, 'utf8')
    } catch (error) {
      throw error instanceof TooLong ? this.#end({ kind: 'line too long', maxOctets }) : error
    }
  }

  /** Returns the octets received so far, or waits for the next ones. @throws what `errorOf` returns */
  async octets(timeoutMs = this.#options.timeoutMs): Promise<Buffer> {
    while (this.#held.heldOctets === 0) await this.#more(timeoutMs)
    return this.#input.take(this.#input.heldOctets)
  }

  /**
   * Reads a dot-stuffed block up to the line with a single dot. RFC 3977 section 3.1.1.
   * @throws TooLong once a longer block has been read and discarded, or is so long that the connection is closed; what
   * `errorOf` returns
   */
  async block(maxOctets: number): Promise<Buffer> {
    using received = new Intake().receive()
    const reader = new BlockReader(maxOctets, received)
    while (!reader.isComplete) {
      if (reader.take(this.#held) === 0) await this.#more()
      if (!reader.isComplete && received.octets > maxOctets * MAX_DISCARDED_TIMES) {
        this.destroy(this.#options.errorOf({ kind: 'block too long', maxOctets }))
        break
      }
    }
    await received.end()
    return await received.toBuffer()
  }

  /** Writes. Returns a promise if the server takes no more for now. It resolves also at the end of the connection. */
  write(data: string | Buffer): void | Promise<void> {
    const stream = this.#stream
    if (stream.destroyed || stream.write(data)) return
    const { timeoutMs } = this.#options
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        stream.off('drain', done).off('close', done)
        resolve()
      }
      const silent = (ms: number): void => this.destroy(this.#options.errorOf({ kind: 'silent', timeoutMs: ms }))
      const timer = timeoutMs === undefined ? undefined : setTimeout(silent, timeoutMs, timeoutMs)
      stream.on('drain', done).on('close', done)
    })
  }

  /** Writes octets as a dot-stuffed block with its final dot. RFC 3977 section 3.1.1; RFC 5321 section 4.5.2. */
  writeBlock(block: Buffer): void | Promise<void> {
    return this.write(Buffer.concat(stuffDots(block)))
  }

  /** Holds back what is written, to send it in as few packets as possible. */
  cork(): void {
    this.#stream.cork()
  }

  uncork(): void {
    this.#stream.uncork()
  }

  /** Octets that were received and not read. */
  get heldOctets(): number {
    return this.#input.heldOctets
  }

  /** Continues under TLS. Discards what the server sent in clear text before (CVE-2011-0411). @throws what `secure` throws */
  async startTls<S extends TLSSocket>(secure: (raw: Duplex) => Promise<S>): Promise<S> {
    const raw = this.#stream
    this.#input.detach()
    const socket = await secure(raw)
    raw.off('end', this.#onEnd).off('error', this.#onError).off('close', this.#onClose)
    // An error without a listener would end the process.
    raw.on('error', ignore)
    this.#stream = socket
    this.#listen(socket)
    this.#wake()
    return socket
  }

  /** Closes the direction to the server. Its answers can still be read. */
  end(): void {
    this.#stream.end()
  }

  /** Closes the connection. Reads throw `error`, by default that the connection is closed. */
  destroy(error?: Error): void {
    if (error) this.#ended ??= error
    this.#wake()
    this.#stream.destroy()
  }

  get #held(): Input {
    if (!this.#input.attached) this.#input.attach(this.#stream)
    return this.#input
  }

  #listen(stream: Duplex): void {
    stream.on('end', this.#onEnd).on('error', this.#onError).on('close', this.#onClose)
    if (stream.destroyed) this.#onClose()
  }

  #end(end: StreamEnd): Error {
    this.#ended ??= this.#options.errorOf(end)
    this.#wake()
    return this.#ended
  }

  #more(timeoutMs = this.#options.timeoutMs): Promise<void> {
    if (this.#ended) return Promise.reject(this.#ended)
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer)
        this.#wake = ignore
        this.#input.onMore(undefined)
      }
      const silent = (): void => {
        settle()
        reject(this.#options.errorOf({ kind: 'silent', timeoutMs: timeoutMs ?? 0 }))
      }
      const timer = timeoutMs === undefined ? undefined : setTimeout(silent, timeoutMs)
      this.#wake = () => {
        settle()
        resolve()
      }
      this.#input.onMore(this.#wake)
    })
  }
}
