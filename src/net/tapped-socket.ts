import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import type { CapturedStream } from '../sessions/capture/stream.ts'

/** A socket whose octets are captured both ways. Only used while capturing: TLS over it costs more than over a socket. */
export class TappedSocket extends Duplex {
  readonly #socket: Socket
  readonly #captures: readonly CapturedStream[]

  constructor(socket: Socket, captures: readonly CapturedStream[]) {
    super({ allowHalfOpen: true })
    this.#socket = socket
    this.#captures = captures
    socket.pause()
    socket.on('data', (chunk: Buffer) => {
      for (const capture of captures) capture.received(chunk)
      if (!this.push(chunk)) socket.pause()
    })
    socket.on('end', () => this.push(null))
    socket.on('error', (error) => this.destroy(error))
    socket.on('close', () => this.destroy())
    this.on('close', () => {
      for (const capture of captures) capture.close()
    })
  }

  /** Takes the secrets of a TLS handshake made over this socket: lines of the NSS key log. */
  readonly keyLog = (line: Buffer): void => {
    for (const capture of this.#captures) capture.secret(line)
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    // An empty write waits for those before it: nothing of it goes out.
    if (chunk.length > 0) for (const capture of this.#captures) capture.sent(chunk)
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
