const LF = 0x0a
const CR = 0x0d
const DOT = 0x2e
const STUFFED_DOT = Buffer.from('.')
const LINE_WITH_DOT = Buffer.from('\r\n.', 'latin1')
const END_OF_LINES = Buffer.from('.\r\n')
const END_OF_LINE_AND_LINES = Buffer.from('\r\n.\r\n')

/** So far a loop looks, or copies, before a call does: dots may stand close together. */
const NEAR_OCTETS = 64

/** Where the next dot stands that begins a line, its CRLF from `from` on; -1 where none does. */
function nextLineDot(octets: Buffer, from: number): number {
  const near = Math.min(from + NEAR_OCTETS, octets.length - 2)
  for (let at = from; at < near; at++) {
    if (octets[at + 2] === DOT && octets[at + 1] === LF && octets[at] === CR) return at + 2
  }
  const at = octets.indexOf(LINE_WITH_DOT, Math.max(from, near))
  return at === -1 ? -1 : at + 2
}

/** Copies octets that may be few. Returns how many they were. */
function copyOctets(source: Buffer, start: number, end: number, target: Buffer, to: number): number {
  if (end - start > NEAR_OCTETS) return source.copy(target, to, start, end)
  for (let at = start; at < end; at++) target[to + at - start] = source[at] as number
  return end - start
}

/** Finds the dots that begin lines in octets that come in pieces. */
class LineDots {
  atLineStart = true
  #afterCr = false

  /** Where they stand in the next piece, ascending. */
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
 * Makes a block of lines out of octets that come in pieces: a dot in front of each line beginning with one, the last line
 * ended, the ending dot. RFC 3977 section 3.1.1; RFC 1939 section 3.
 */
export class Stuffer {
  readonly #lineDots = new LineDots()

  /** The piece with the dots that it needs: views of it where they are few. */
  add(piece: Buffer): Buffer[] {
    const dots = this.#lineDots.next(piece)
    return dots.length * NEAR_OCTETS < piece.length ? stuffedViews(piece, dots) : [stuffedCopy(piece, dots)]
  }

  /** What ends the block. */
  end(): Buffer {
    return this.#lineDots.atLineStart ? END_OF_LINES : END_OF_LINE_AND_LINES
  }
}

/** Takes off the dot that was put in front of each line beginning with one. RFC 3977 section 3.1.1; RFC 5321 section 4.5.2. */
export class Unstuffer {
  readonly #lineDots = new LineDots()

  /** The piece without those dots: itself where there is none. */
  add(piece: Buffer): Buffer {
    const dots = this.#lineDots.next(piece)
    return dots.length === 0 ? piece : unstuffedCopy(piece, dots)
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

function unstuffedCopy(piece: Buffer, dots: readonly number[]): Buffer {
  const out = Buffer.allocUnsafe(piece.length - dots.length)
  let written = 0
  let from = 0
  for (const dot of dots) {
    written += copyOctets(piece, from, dot, out, written)
    from = dot + 1
  }
  copyOctets(piece, from, piece.length, out, written)
  return out
}

/** The same for octets that are all there. */
export function stuff(block: Buffer): Buffer[] {
  const stuffer = new Stuffer()
  const out = stuffer.add(block)
  out.push(stuffer.end())
  return out
}
