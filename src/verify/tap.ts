import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'

/** What is kept of each direction: more than any probe says. */
const MAX_KEPT_OCTETS = 4 * 1024 * 1024

/** A socket that keeps what crosses the wire, in both directions, for a look at it afterwards. */
export class Tap extends Duplex {
  readonly received: Buffer[] = []
  readonly sent: Buffer[] = []
  readonly #socket: Socket
  #kept = 0

  constructor(socket: Socket) {
    super({ allowHalfOpen: true })
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#keep(this.received, chunk)
      if (!this.push(chunk)) socket.pause()
    })
    socket.on('end', () => this.push(null))
    socket.on('error', (error) => this.destroy(error))
    socket.on('close', () => this.destroy())
  }

  /** Whether a text crossed the wire readable. */
  saw(text: string): boolean {
    return [this.received, this.sent].some((side) => Buffer.concat(side).includes(text))
  }

  get octets(): number {
    return this.#kept
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#keep(this.sent, chunk)
    this.#socket.write(chunk, done)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(() => done())
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy()
    done(error)
  }

  #keep(side: Buffer[], chunk: Buffer): void {
    this.#kept += chunk.length
    if (this.#kept <= MAX_KEPT_OCTETS) side.push(chunk)
  }
}
