import type { Writable } from 'node:stream'
import { setImmediate } from '../core/time/real-timers.ts'

/** Gathered output of this size is sent without waiting for more. */
const GATHER_OCTETS = 64 * 1024
/** Unsent octets above which a session waits for its client. */
const CONGESTED_OCTETS = 256 * 1024
/** Pieces up to this size are joined by copying; larger ones are sent as they are. */
const COPY_OCTETS = 16 * 1024

/** Outgoing replies, gathered so that the replies to pipelined commands are sent in one write. */
export class Output {
  /** Outputs that are sent at the end of this turn of the event loop. */
  static #due: Output[] = []
  readonly #sink: Writable
  #text = ''
  #pieces: Buffer[] = []
  #octets = 0
  #isDue = false
  /** Set by a fault: called after half of the next output is sent. */
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

  /**
   * Sends the gathered output at the end of this turn of the event loop, with other connections' output: the clients wake
   * up less often than if the replies came one by one, which is a large part of what a write costs.
   */
  flushSoon(): void {
    if (this.#octets === 0 || this.#isDue) return
    this.#isDue = true
    if (Output.#due.push(this) === 1) setImmediate(Output.#sendDue)
  }

  static readonly #sendDue = (): void => {
    const due = Output.#due
    Output.#due = []
    for (const output of due) output.#isDue = false
    for (const output of due) output.flush()
  }

  /** Where the output goes. */
  get sink(): Writable {
    return this.#sink
  }

  flush(): void {
    this.#isDue = false
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

  /** Sends only half of the next output, then calls `done`. */
  cutNext(done: () => void): void {
    this.#cut = done
  }

  /** Whether so much output is unsent that the session should wait for the client. */
  get congested(): boolean {
    return this.#sink.writable && this.#sink.writableLength > CONGESTED_OCTETS
  }

  /** Calls `wake` once the client has read what was sent. */
  onDrain(wake: (() => void) | undefined): void {
    if (wake) this.#sink.once('drain', () => wake())
  }

  /** Sends the gathered output. Returns whether all output is with the operating system, or the stream is closed. */
  isFlushed(): boolean {
    this.flush()
    return !this.#sink.writable || this.#sink.writableLength === 0
  }

  /** Resolves when all output is with the operating system, or the stream is closed. */
  end(): Promise<void> {
    if (this.isFlushed()) return Promise.resolve()
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

  /** Sends the text. Most replies are text alone, and need no Buffer. */
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

/** Joins adjacent small pieces, because a write costs more than a copy. Large pieces are not copied. */
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
