import { Duplex } from 'node:stream'

/** About what zlib allocates for both directions with its default settings, and the buffers of the streams. */
export const COMPRESSION_OCTETS = 384 * 1024

/** Loaded on demand: most labs compress nothing. */
const zlib = () => process.getBuiltinModule('node:zlib')

/** A stream that compresses both directions of the stream below with raw DEFLATE. RFC 4978 section 3; RFC 8054 section 2.2. */
export class CompressedStream extends Duplex {
  readonly #below: Duplex
  /** Z_SYNC_FLUSH: an unfinished stream is not an error, because a client may close at any time. */
  readonly #inflate = zlib().createInflateRaw({ finishFlush: zlib().constants.Z_SYNC_FLUSH })
  /** Z_SYNC_FLUSH: every write reaches the client completely. */
  readonly #deflate = zlib().createDeflateRaw({ flush: zlib().constants.Z_SYNC_FLUSH })

  /** @param held compressed octets already read from `below` */
  constructor(below: Duplex, held: Buffer) {
    super()
    this.#below = below
    const fail = (error: Error): void => {
      this.destroy(error)
    }
    for (const stream of [below, this.#inflate, this.#deflate]) stream.on('error', fail)
    below.on('close', () => this.destroy())
    this.#inflate.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) this.#inflate.pause()
    })
    this.#inflate.on('end', () => this.push(null))
    if (held.length > 0) this.#inflate.write(held)
    below.pipe(this.#inflate)
    this.#deflate.pipe(below)
  }

  override _read(): void {
    this.#inflate.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#deflate.write(chunk, done)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#below.once('finish', done)
    this.#deflate.end()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#inflate.destroy()
    this.#deflate.destroy()
    this.#below.destroy()
    done(error)
  }
}
