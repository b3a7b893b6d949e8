import type { ReceivedOctets } from '../core/octets/received-octets.ts'
import { TooLong } from './errors.ts'
import type { Input } from './input.ts'

const LF = 0x0a
const CR = 0x0d
const DOT = 0x2e
const BLOCK_END = Buffer.from('\r\n.\r\n', 'latin1')
/** Length of the final line: a dot and CRLF. */
const DOT_LINE_OCTETS = 3
const CRLF_OCTETS = 2
const STUFFED_DOT = Buffer.from('.')
const LINE_WITH_DOT = Buffer.from('\r\n.', 'latin1')
const END_OF_LINES = Buffer.from('.\r\n')
const END_OF_LINE_AND_LINES = Buffer.from('\r\n.\r\n')

/** Distance up to which a loop is faster than a native call: dots may be close together. */
const NEAR_OCTETS = 64

/** Returns the position of the next dot at the start of a line whose CRLF is at `from` or later; -1 if no such dot exists. */
function nextLineDot(octets: Buffer, from: number): number {
  const near = Math.min(from + NEAR_OCTETS, octets.length - 2)
  for (let at = from; at < near; at++) {
    if (octets[at + 2] === DOT && octets[at + 1] === LF && octets[at] === CR) return at + 2
  }
  const at = octets.indexOf(LINE_WITH_DOT, Math.max(from, near))
  return at === -1 ? -1 : at + 2
}

/** Copies octets and returns their number. For few octets, a loop is faster than a native call. */
function copyOctets(source: Buffer, start: number, end: number, target: Buffer, to: number): number {
  if (end - start > NEAR_OCTETS) return source.copy(target, to, start, end)
  for (let at = start; at < end; at++) target[to + at - start] = source[at] as number
  return end - start
}

/** Finds the dots at the start of lines in octets that arrive in pieces. */
class LineDots {
  atLineStart = true
  #afterCr = false

  /** Returns the positions of such dots in the next piece, in ascending order. */
  next(piece: Buffer): number[] {
    const dots: number[] = []
    const first = this.#afterCr && piece[0] === LF ? 1 : this.atLineStart ? 0 : -1
    if (first !== -1 && piece[first] === DOT) dots.push(first)
    for (let at = nextLineDot(piece, 0); at !== -1; at = nextLineDot(piece, at)) dots.push(at)
    this.#remember(piece)
    return dots
  }

  #remember(piece: Buffer): void {
    const last = piece[piece.length - 1]
    if (last === undefined) return
    this.atLineStart = last === LF && (piece.length > 1 ? piece[piece.length - 2] === CR : this.#afterCr)
    this.#afterCr = last === CR
  }
}

/**
 * Turns octets that arrive in pieces into a dot-stuffed block: adds a dot to each line that begins with one, ends the last
 * line, and adds the final dot. RFC 3977 section 3.1.1; RFC 1939 section 3.
 */
export class DotStuffer {
  readonly #lineDots = new LineDots()

  /** Returns the piece with the added dots: views of it if they are few. */
  add(piece: Buffer): Buffer[] {
    const dots = this.#lineDots.next(piece)
    return dots.length * NEAR_OCTETS < piece.length ? stuffedViews(piece, dots) : [stuffedCopy(piece, dots)]
  }

  /** Returns the end of the block. */
  end(): Buffer {
    return this.#lineDots.atLineStart ? END_OF_LINES : END_OF_LINE_AND_LINES
  }
}

function stuffedViews(piece: Buffer, dots: readonly number[]): Buffer[] {
  const out: Buffer[] = []
  let from = 0
  for (const dot of dots) {
    out.push(piece.subarray(from, dot), STUFFED_DOT)
    from = dot
  }
  out.push(piece.subarray(from))
  return out
}

function stuffedCopy(piece: Buffer, dots: readonly number[]): Buffer {
  const out = Buffer.allocUnsafe(piece.length + dots.length)
  let written = 0
  let from = 0
  for (const dot of dots) {
    written += copyOctets(piece, from, dot, out, written)
    out[written++] = DOT
    from = dot
  }
  copyOctets(piece, from, piece.length, out, written)
  return out
}

/** Returns a part of a piece without those dots; without dots, a view of it. */
function removeDots(piece: Buffer, start: number, end: number, dots: readonly number[]): Buffer {
  if (dots.length === 0) return start === 0 && end === piece.length ? piece : piece.subarray(start, end)
  const out = Buffer.allocUnsafe(end - start - dots.length)
  let written = 0
  let from = start
  for (const dot of dots) {
    written += copyOctets(piece, from, dot, out, written)
    from = dot + 1
  }
  copyOctets(piece, from, end, out, written)
  return out
}

/** Turns all octets of a message into a dot-stuffed block. */
export function stuffDots(block: Buffer): Buffer[] {
  const stuffer = new DotStuffer()
  const out = stuffer.add(block)
  out.push(stuffer.end())
  return out
}

/**
 * Reads a block of lines up to the line with a single dot, and removes the stuffed dots of other lines.
 * RFC 3977 section 3.1.1; RFC 5321 section 4.5.2.
 */
export class BlockReader {
  readonly #maxOctets: number
  readonly #received: ReceivedOctets
  readonly #convert: (piece: Buffer) => Buffer
  /** Whether the end has arrived. */
  isComplete = false
  /** How many octets of BLOCK_END the last octets match. A block starts as if after CRLF. */
  #matched = CRLF_OCTETS

  /**
   * @param maxOctets the longest block, without stuffed dots. A longer one is discarded with the reason TooLong
   * @param received receives the block
   * @param convert returns what is kept of each piece without stuffed dots
   */
  constructor(maxOctets: number, received: ReceivedOctets, convert = (piece: Buffer) => piece) {
    this.#maxOctets = maxOctets
    this.#received = received
    this.#convert = convert
  }

  /** Takes octets of the first piece of `input`: all, or those up to the end of the block. Returns their number. */
  take(input: Input): number {
    const { first: piece, offset: start } = input
    if (piece === undefined) return 0
    const dots: number[] = []
    const end = this.#scan(piece, start, dots)
    this.isComplete = end !== -1
    // Octets that may belong to the final line are held back. The CRLF before it belongs to the block.
    const kept = this.isComplete ? end - DOT_LINE_OCTETS : piece.length - this.#heldOctets
    if (kept > start) this.#keep(removeDots(piece, start, kept, dots))
    const taken = (this.isComplete ? end : piece.length) - start
    input.drop(taken)
    return taken
  }

  /** Octets of the final line at the end of what was received, if it is the final line. */
  get #heldOctets(): number {
    return Math.max(0, this.#matched - CRLF_OCTETS)
  }

  /** Returns the position after the end; -1 if the piece does not contain it. Adds the stuffed dots before it to `dots`. */
  #scan(piece: Buffer, start: number, dots: number[]): number {
    const before = this.#matched
    const from = this.#continueMatch(piece, start)
    if (this.#matched === BLOCK_END.length) return from
    // The match goes on in the next piece.
    if (this.#matched > from - start) return -1
    // It was no final line. The dot that was held back was a stuffed one.
    if (before === BLOCK_END.length - 1) this.#keep(HELD_CR)
    const dotAt = start + CRLF_OCTETS - before
    if (dotAt >= start && dotAt < from && piece[dotAt] === DOT) dots.push(dotAt)
    return this.#scanLines(piece, from - this.#matched, dots)
  }

  /** Follows a match that began in an earlier piece. Returns the position after it. */
  #continueMatch(piece: Buffer, start: number): number {
    let at = start
    while (at < piece.length && this.#matched > at - start && this.#matched < BLOCK_END.length) {
      this.#matched = nextMatch(this.#matched, piece[at++] as number)
    }
    return at
  }

  #scanLines(piece: Buffer, from: number, dots: number[]): number {
    for (let dot = nextLineDot(piece, from); dot !== -1; dot = nextLineDot(piece, dot)) {
      if (isLineEnd(piece, dot + 1)) {
        const end = dot + DOT_LINE_OCTETS
        this.#matched = BLOCK_END.length + Math.min(0, piece.length - end)
        return end > piece.length ? -1 : end
      }
      dots.push(dot)
    }
    this.#matched = piece.at(-1) === CR ? 1 : piece.at(-1) === LF && piece.at(-2) === CR ? CRLF_OCTETS : 0
    return -1
  }

  #keep(piece: Buffer): void {
    this.#received.add(this.#convert(piece))
    if (this.#received.octets > this.#maxOctets) this.#received.discard(new TooLong('block', this.#maxOctets))
  }
}

const HELD_CR = Buffer.from('\r')

/** Returns whether CRLF is at a position, as far as the piece has octets there. */
const isLineEnd = (piece: Buffer, at: number): boolean =>
  (at >= piece.length || piece[at] === CR) && (at + 1 >= piece.length || piece[at + 1] === LF)

/** Returns how many octets of BLOCK_END match after one more octet. */
function nextMatch(matched: number, octet: number): number {
  if (octet === BLOCK_END[matched]) return matched + 1
  return octet === CR ? 1 : 0
}
