import { Writable } from 'node:stream'
import { setTimeout } from '../../core/time/real-timers.ts'

/** Portions per second: enough for a client to see a slow line instead of pauses. */
const PORTIONS = 20

/** Writes a limited number of octets per second to a stream. */
export class Throttle extends Writable {
  readonly #below: Writable
  readonly #portion: number

  constructor(below: Writable, octetsPerSecond: number) {
    super()
    this.#below = below
    this.#portion = Math.max(1, Math.floor(octetsPerSecond / PORTIONS))
    below.once('close', () => this.destroy())
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const next = (at: number): void => {
      if (this.destroyed || !this.#below.writable) return done()
      if (at >= chunk.length) return done()
      this.#below.write(chunk.subarray(at, at + this.#portion))
      setTimeout(next, 1000 / PORTIONS, at + this.#portion).unref()
    }
    next(0)
  }

  /** Ends the stream below after the last portion. */
  override _final(done: (error?: Error | null) => void): void {
    this.#below.end()
    done()
  }
}
