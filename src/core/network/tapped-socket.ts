import { Duplex } from 'node:stream'

/** Observes the octets of a socket: a capture, or a probe's recording. */
export interface SocketObserver {
  readonly received: (octets: Buffer) => void
  readonly sent: (octets: Buffer) => void
  /** Receives the end of the observation, once the socket is closed. */
  readonly close: () => void
}

/**
 * A stream around a socket that shows its octets to observers. node:tls reads a plain socket in native code, so only a
 * stream between the two can see the octets. It makes TLS slower: use it only if there is an observer.
 */
export class TappedSocket extends Duplex {
  readonly #socket: Duplex
  readonly #observers: readonly SocketObserver[]

  constructor(socket: Duplex, observers: readonly SocketObserver[]) {
    super({ allowHalfOpen: true })
    this.#socket = socket
    this.#observers = observers
    socket.pause()
    socket.on('data', (chunk: Buffer) => {
      for (const observer of observers) observer.received(chunk)
      if (!this.push(chunk)) socket.pause()
    })
    socket.on('end', () => this.push(null))
    socket.on('error', (error) => this.destroy(error))
    socket.on('close', () => this.destroy())
    this.on('close', () => {
      for (const observer of observers) observer.close()
    })
  }

  /** Number of octets sent so far. */
  get bytesWritten(): number {
    return (this.#socket as Duplex & { readonly bytesWritten?: number }).bytesWritten ?? 0
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    // An empty write only waits for the writes before it; it sends nothing.
    if (chunk.length > 0) for (const observer of this.#observers) observer.sent(chunk)
    this.#socket.write(chunk, done)
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'buffer' as BufferEncoding, done)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(() => done())
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy()
    done(error)
  }
}
