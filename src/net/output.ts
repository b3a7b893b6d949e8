import type { Writable } from 'node:stream'

/** Text and octets gathered until then are sent without waiting for more. */
const GATHER_OCTETS = 64 * 1024
/** Octets that may lie unsent before a session waits for its client. */
const CONGESTED_OCTETS = 256 * 1024
/** Octets up to this size are copied into the gathered piece; larger ones are sent as they are. */
const COPY_OCTETS = 16 * 1024

/** Replies on their way out: gathered so that the replies to pipelined commands leave in one write. */
export class Output {
  readonly #sink: Writable
  #text = ''
  #pieces: Buffer[] = []
  #octets = 0
  /** A fault: the next thing sent ends in its middle. */
  #cut: (() => void) | undefined

  constructor(sink: Writable) {
    this.#sink = sink
  }

  write(data: string | Buffer): void {
    if (typeof data === 'string') this.#text += data
    else if (data.length > 0) {
      this.#settleText()
      this.#pieces.push(data)
    }
    this.#octets += data.length
    if (this.#octets >= GATHER_OCTETS) this.flush()
  }

  flush(): void {
    if (this.#pieces.length === 0) return this.#flushText()
    this.#settleText()
    const pieces = this.#pieces
    this.#pieces = []
    this.#octets = 0
    if (!this.#sink.writable) return
    if (this.#cut) return this.#sendHalf(Buffer.concat(pieces))
    const joined = join(pieces)
    if (joined.length === 1) {
      this.#sink.write(joined[0])
      return
    }
    this.#sink.cork()
    for (const piece of joined) this.#sink.write(piece)
    this.#sink.uncork()
  }

  /** The next thing sent is sent by half; then `done` is called. */
  cutNext(done: () => void): void {
    this.#cut = done
  }

  /** Whether the client takes less than it is sent. */
  get congested(): boolean {
    return this.#sink.writable && this.#sink.writableLength > CONGESTED_OCTETS
  }

  /** Calls `wake` once the client has taken what was sent. */
  onDrain(wake: (() => void) | undefined): void {
    if (wake) this.#sink.once('drain', () => wake())
  }

  /** Sends what has gathered. Whether all of it has been handed to the system, or can no more be. */
  isOut(): boolean {
    this.flush()
    return !this.#sink.writable || this.#sink.writableLength === 0
  }

  /** Resolves when everything written has been handed to the system, or can no more be. */
  end(): Promise<void> {
    if (this.isOut()) return Promise.resolve()
    return new Promise((resolve) => {
      this.#sink.once('close', resolve)
      this.#sink.write('', () => {
        this.#sink.off('close', resolve)
        resolve()
      })
    })
  }

  #sendHalf(whole: Buffer): void {
    const done = this.#cut
    this.#cut = undefined
    this.#sink.write(whole.subarray(0, whole.length >> 1), () => done?.())
  }

  /** Text alone, as most replies are, needs no Buffer. */
  #flushText(): void {
    if (this.#text === '') return
    const text = this.#text
    this.#text = ''
    this.#octets = 0
    if (!this.#sink.writable) return
    if (this.#cut) this.#sendHalf(Buffer.from(text))
    else this.#sink.write(text)
  }

  #settleText(): void {
    if (this.#text === '') return
    this.#pieces.push(Buffer.from(this.#text, 'utf8'))
    this.#text = ''
  }
}

/** Small neighbours are joined, since a write costs more than a copy; large pieces stay views. */
function join(pieces: readonly Buffer[]): Buffer[] {
  const joined: Buffer[] = []
  let small: Buffer[] = []
  const settle = (): void => {
    if (small.length > 0) joined.push(small.length === 1 ? (small[0] as Buffer) : Buffer.concat(small))
    small = []
  }
  for (const piece of pieces) {
    if (piece.length <= COPY_OCTETS) small.push(piece)
    else {
      settle()
      joined.push(piece)
    }
  }
  settle()
  return joined
}
