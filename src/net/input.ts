import type { Readable } from 'node:stream'
import { countShortLived } from '../core/octets/short-lived.ts'
import { TooLong } from './errors.ts'

const LF = 0x0a
const CR = 0x0d
/** The CR of a maximum-length line may arrive before its LF. */
const CR_OCTETS = 1
/** How much of the start and of the end of a line that is too long is kept. */
const EDGE_OCTETS = 16
const EMPTY = Buffer.alloc(0)
/** Received octets, not yet read by the session, above which the socket is paused. */
const HIGH_WATER_OCTETS = 256 * 1024

/** How the octets of a line are decoded; `latin1` makes each octet one character. */
export type LineEncoding = 'utf8' | 'latin1'

const NOT_ASCII = /[^\x00-\x7f]/

/** Decodes a line that was read as `latin1` as UTF-8. */
export const decodeLine = (line: string): string =>
  NOT_ASCII.test(line) ? Buffer.from(line, 'latin1').toString('utf8') : line

/**
 * The received octets of a connection, taken as lines or as a number of octets. No method waits;
 * `Transport.more` waits for further octets.
 */
export class Input {
  #source: Readable | undefined
  #chunks: Buffer[] = []
  #offset = 0
  #heldOctets = 0
  #wake: (() => void) | undefined
  #isPaused = false
  #skippingLine = false
  /** The start and the end of the line that is being skipped. */
  #skippedStart = ''
  #skippedTail: Buffer = EMPTY
  readonly #onData = (chunk: Buffer): void => {
    this.#chunks.push(chunk)
    this.#heldOctets += chunk.length
    countShortLived(chunk.length)
    if (this.#heldOctets > HIGH_WATER_OCTETS) this.#pause()
    this.#wake?.()
  }

  attach(source: Readable): void {
    this.#source = source
    // A listener alone does not resume a source that was paused before.
    this.#isPaused = true
    source.on('data', this.#onData)
  }

  /** Stops reading the source, leaves it paused, and discards everything received so far. */
  detach(): void {
    this.#source?.off('data', this.#onData)
    this.#source?.pause()
    this.#source = undefined
    this.#chunks = []
    this.#offset = 0
    this.#heldOctets = 0
    this.#skippingLine = false
  }

  /** Stops listening to a closed source. Octets received before can still be taken. */
  close(): void {
    this.#source?.off('data', this.#onData)
  }

  get attached(): boolean {
    return this.#source !== undefined
  }

  get heldOctets(): number {
    return this.#heldOctets
  }

  /** Whether the held line is too long. Its octets are discarded as they arrive. */
  get isSkippingLine(): boolean {
    return this.#skippingLine
  }

  /** The first piece; undefined if none has arrived. Its octets before `offset` have been taken. */
  get first(): Buffer | undefined {
    return this.#chunks[0]
  }

  get offset(): number {
    return this.#offset
  }

  /** Calls `wake` when octets arrive; undefined removes it. */
  onMore(wake: (() => void) | undefined): void {
    this.#wake = wake
    if (!wake || !this.#isPaused || this.#heldOctets > HIGH_WATER_OCTETS) return
    this.#isPaused = false
    this.#source?.resume()
  }

  #pause(): void {
    this.#isPaused = true
    this.#source?.pause()
  }

  /**
   * Returns the next line without its line end, or undefined when it is not complete yet. The line end is CRLF, or a
   * bare LF as typed by hand.
   * @throws TooLong once for a line above the limit
   */
  takeLine(maxOctets: number, encoding: LineEncoding): string | undefined {
    const end = this.#findLineEnd()
    if (end === -1) {
      if (this.#skippingLine) this.#skip(this.#heldOctets)
      else if (this.#heldOctets > maxOctets + CR_OCTETS) this.#startSkipping()
      return undefined
    }
    if (this.#skippingLine) {
      this.#skip(end + 1)
      this.#skippingLine = false
      const tail = this.#skippedTail.toString('latin1').replace(/\r?\n$/, '')
      throw new TooLong('line', maxOctets, this.#skippedStart, tail)
    }
    let octets = this.#chunks[0] as Buffer
    let start = this.#offset
    if (start + end < octets.length) this.drop(end + 1)
    else {
      octets = this.take(end + 1)
      start = 0
    }
    const length = end > 0 && octets[start + end - 1] === CR ? end - 1 : end
    if (length > maxOctets) {
      const line = octets.subarray(start, start + length)
      const tail = line.subarray(-EDGE_OCTETS).toString('latin1')
      throw new TooLong('line', maxOctets, line.toString('latin1', 0, EDGE_OCTETS), tail)
    }
    return octets.toString(encoding, start, start + length)
  }

  /** Returns whether the held octets begin with some octets. */
  startsWith(octets: Buffer): boolean {
    const first = this.#chunks[0]
    if (first === undefined || first.length - this.#offset < octets.length) return false
    // Most begin otherwise.
    for (let at = 0; at < octets.length; at++) if (first[this.#offset + at] !== octets[at]) return false
    return true
  }

  /** Takes exactly `octets` octets, which must be held: a view if they arrived in one piece. */
  take(octets: number): Buffer {
    const first = this.#chunks[0]
    if (octets === 0 || first === undefined) return EMPTY
    if (first.length - this.#offset >= octets) {
      const view = first.subarray(this.#offset, this.#offset + octets)
      this.drop(octets)
      return view
    }
    const whole = Buffer.allocUnsafe(octets)
    let filled = 0
    while (filled < octets) filled += this.takeSome(octets - filled).copy(whole, filled)
    return whole
  }

  /** Takes the rest of the first piece, at most `maxOctets`. */
  takeSome(maxOctets: number): Buffer {
    const first = this.#chunks[0]
    if (first === undefined) return EMPTY
    const isWhole = this.#offset === 0 && first.length <= maxOctets
    const view = isWhole ? first : first.subarray(this.#offset, Math.min(first.length, this.#offset + maxOctets))
    this.drop(view.length)
    return view
  }

  /** Discards octets, which must be held. */
  drop(octets: number): void {
    this.#heldOctets -= octets
    let left = octets
    while (left > 0) {
      const rest = (this.#chunks[0] as Buffer).length - this.#offset
      if (left < rest) {
        this.#offset += left
        return
      }
      left -= rest
      this.#chunks.shift()
      this.#offset = 0
    }
  }

  /** Begins to discard the held line, which is too long. */
  #startSkipping(): void {
    this.#skippingLine = true
    const held = this.take(this.#heldOctets)
    this.#skippedStart = held.toString('latin1', 0, EDGE_OCTETS)
    this.#skippedTail = held.subarray(-EDGE_OCTETS)
  }

  /** Discards octets of a line that is too long, and keeps its end. */
  #skip(octets: number): void {
    const piece = this.take(octets).subarray(-EDGE_OCTETS)
    this.#skippedTail = Buffer.concat([this.#skippedTail, piece]).subarray(-EDGE_OCTETS)
  }

  #findLineEnd(): number {
    let before = -this.#offset
    for (let i = 0; i < this.#chunks.length; i++) {
      const chunk = this.#chunks[i] as Buffer
      const at = chunk.indexOf(LF, i === 0 ? this.#offset : 0)
      if (at !== -1) return before + at
      before += chunk.length
    }
    return -1
  }
}
