import type { Readable } from 'node:stream'
import { GrowingPieces, type Pieces } from '../common/pieces.ts'
import { TooLong } from './errors.ts'
import { Unstuffer } from './stuffing.ts'

const LF = 0x0a
const CR = 0x0d
const BLOCK_END = Buffer.from('\r\n.\r\n', 'latin1')
/** The line with the dot, and how much of it can be kept before it is seen to be the end. */
const DOT_LINE_OCTETS = 3
const STRADDLING_OCTETS = 2
/** Of a line as long as it may be, its CR may be there before its LF. */
const CR_OCTETS = 1
const EMPTY = Buffer.alloc(0)
/** Octets held for a session that does not read; beyond it the socket is paused. */
const HIGH_WATER_OCTETS = 256 * 1024

/** What a line's octets are read as: text, or (`latin1`) a character an octet. */
export type LineEncoding = 'utf8' | 'latin1'

const NOT_ASCII = /[^\x00-\x7f]/

/** The text, in UTF-8, of a line that was read as `latin1`. */
export const textOf = (line: string): string =>
  NOT_ASCII.test(line) ? Buffer.from(line, 'latin1').toString('utf8') : line

/**
 * The octets of a connection as lines, counted octets and dot-ended blocks. What is there already is given at once,
 * without a promise; what is not, is waited for by `more`.
 */
export class Input {
  #source: Readable | undefined
  #chunks: Buffer[] = []
  #offset = 0
  #heldOctets = 0
  #wake: (() => void) | undefined
  #skippingLine = false
  readonly #onData = (chunk: Buffer): void => {
    this.#chunks.push(chunk)
    this.#heldOctets += chunk.length
    if (this.#heldOctets > HIGH_WATER_OCTETS) this.#source?.pause()
    this.#wake?.()
  }

  attach(source: Readable): void {
    this.#source = source
    source.on('data', this.#onData)
  }

  /** Lets go of the source, which is left paused, and drops everything received so far. */
  detach(): void {
    this.#source?.off('data', this.#onData)
    this.#source?.pause()
    this.#source = undefined
    this.#chunks = []
    this.#offset = 0
    this.#heldOctets = 0
    this.#skippingLine = false
  }

  /** The source is closed. What was received can still be taken. */
  close(): void {
    this.#source?.off('data', this.#onData)
  }

  get attached(): boolean {
    return this.#source !== undefined
  }

  get heldOctets(): number {
    return this.#heldOctets
  }

  /** Calls `wake` once, when octets arrive. */
  onMore(wake: (() => void) | undefined): void {
    this.#wake = wake
    if (wake && this.#heldOctets <= HIGH_WATER_OCTETS) this.#source?.resume()
  }

  /**
   * The next line without its line end (CRLF, or a bare LF as hand-typed), or undefined where none is whole yet.
   * @throws TooLong once for a line over the limit
   */
  takeLine(maxOctets: number, encoding: LineEncoding): string | undefined {
    for (;;) {
      const end = this.#findLineEnd()
      if (end === -1) {
        if (this.#skippingLine) this.#drop(this.#heldOctets)
        else if (this.#heldOctets > maxOctets + CR_OCTETS) {
          this.#skippingLine = true
          this.#drop(this.#heldOctets)
        }
        return undefined
      }
      if (this.#skippingLine) {
        this.#drop(end + 1)
        this.#skippingLine = false
        throw new TooLong('line', maxOctets)
      }
      const first = this.#chunks[0] as Buffer
      const isInFirst = this.#offset + end < first.length
      const [octets, start] = isInFirst ? [first, this.#offset] : [this.take(end + 1), 0]
      if (isInFirst) this.#drop(end + 1)
      const length = end > 0 && octets[start + end - 1] === CR ? end - 1 : end
      if (length > maxOctets) throw new TooLong('line', maxOctets)
      return octets.toString(encoding, start, start + length)
    }
  }

  /** Exactly `octets` octets that are held: a view where they came in one piece. */
  take(octets: number): Buffer {
    const first = this.#chunks[0]
    if (octets === 0 || first === undefined) return EMPTY
    if (first.length - this.#offset >= octets) {
      const view = first.subarray(this.#offset, this.#offset + octets)
      this.#drop(octets)
      return view
    }
    const whole = Buffer.allocUnsafe(octets)
    let filled = 0
    while (filled < octets) filled += this.takeSome(octets - filled).copy(whole, filled)
    return whole
  }

  /** What is held of the first piece, at most `maxOctets`. */
  takeSome(maxOctets: number): Buffer {
    const first = this.#chunks[0]
    if (first === undefined) return EMPTY
    const isWhole = this.#offset === 0 && first.length <= maxOctets
    const view = isWhole ? first : first.subarray(this.#offset, Math.min(first.length, this.#offset + maxOctets))
    this.#drop(view.length)
    return view
  }

  /** Puts octets back in front. */
  untake(octets: Buffer): void {
    if (octets.length === 0) return
    if (this.#offset > 0) this.#chunks[0] = (this.#chunks[0] as Buffer).subarray(this.#offset)
    this.#offset = 0
    this.#chunks.unshift(octets)
    this.#heldOctets += octets.length
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

  #drop(octets: number): void {
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
}

/**
 * Collects a block of lines that a line with a single dot ends, the dots in front of other lines taken off.
 * RFC 3977 section 3.1.1; RFC 5321 section 4.5.2.
 */
export class BlockCollector {
  readonly #maxOctets: number
  readonly #parts = new GrowingPieces()
  #octets = 0
  #tooLong = false
  /** How many octets of an end the last ones are. A block starts as if after CRLF. */
  #matched = 2

  constructor(maxOctets: number) {
    this.#maxOctets = maxOctets
  }

  /** Takes a piece; true when the end was in it. What follows the end is put back into `input`. */
  add(piece: Buffer, input: Input): boolean {
    const end = this.#findEnd(piece)
    if (end === -1) {
      this.#keep(piece)
      return false
    }
    // The CRLF in front of the dot belongs to the last line of the block.
    const octets = end - DOT_LINE_OCTETS
    if (octets > 0) this.#keep(piece.subarray(0, octets))
    else this.#trim(-octets)
    if (end < piece.length) input.untake(piece.subarray(end))
    return true
  }

  /** Where the end ends in the piece, though it may have begun in an earlier one; -1 where it does not. */
  #findEnd(piece: Buffer): number {
    let at = 0
    // As long as what matches began in an earlier piece.
    for (; at < piece.length && this.#matched > at; at++) {
      this.#matched = nextMatch(this.#matched, piece[at] as number)
      if (this.#matched === BLOCK_END.length) return at + 1
    }
    const start = at - this.#matched
    if (start < 0) return -1
    const found = piece.indexOf(BLOCK_END, start)
    if (found !== -1) return found + BLOCK_END.length
    this.#matched = 0
    for (at = Math.max(start, piece.length - BLOCK_END.length + 1); at < piece.length; at++) {
      this.#matched = nextMatch(this.#matched, piece[at] as number)
    }
    return -1
  }

  /** The block, in pieces as it came. @throws TooLong where it was over the limit */
  result(): Pieces {
    if (this.#tooLong) throw new TooLong('block', this.#maxOctets)
    const unstuffer = new Unstuffer()
    return this.#parts.pieces.map((part) => unstuffer.add(part))
  }

  #keep(piece: Buffer): void {
    if (piece.length === 0) return
    this.#octets += piece.length
    if (this.#octets > this.#maxOctets + STRADDLING_OCTETS) this.#tooLong = true
    if (this.#tooLong) this.#parts.clear()
    else this.#parts.add(piece)
  }

  /** Takes back octets of an end that began in an earlier piece. */
  #trim(octets: number): void {
    this.#parts.trim(octets)
    this.#octets -= octets
  }
}

/** How many octets of an end match once `octet` has come behind `matched` of them. */
function nextMatch(matched: number, octet: number): number {
  if (octet === BLOCK_END[matched]) return matched + 1
  return octet === CR ? 1 : 0
}
