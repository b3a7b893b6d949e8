import { runToEnd, type Steps } from '../../core/time/time-slice.ts'
import { headerContent, type Surroundings } from './content-fields.ts'
import { type HeaderBlock, headerBlock, headerFields, isEmptyLine } from './headers.ts'
import { beforeLineEnd, HYPHEN, LF, lineCount, lineEnd } from './octets.ts'
import type { ContentFields, MessagePart, PartKind } from './types.ts'

/** Limits, so that no message exhausts the stack or memory. Deeper parts are leaves; text after the last part is ignored. */
const MAX_DEPTH = 99
const MAX_PARTS = 10_000

/** Returns the MIME tree of a whole message. Never fails: malformed messages are read as well as possible. RFC 2045, 2046. */
export const parseMessage = (raw: Buffer): MessagePart => runToEnd(parseInSteps(raw))

/** Parses as `parseMessage`, in steps. */
export const parseInSteps = (raw: Buffer): Steps<MessagePart> =>
  new Parser(raw).entity(0, { inMultipart: false, inDigest: false }, 0)

/** Work between two pauses, in octets that are looked at. A part counts as many octets as take the same time. */
const STEP_OCTETS = 128 * 1024
const PART_OCTETS = 2048
const LINE_OCTETS = 32

class Parser {
  readonly #raw: Buffer
  readonly #open = new OpenBoundaries()
  /** The delimiter line that ended the last entity; undefined at the end of the message. */
  #stop: Delimiter | undefined
  #parts = 0
  #lines: LineCounter | undefined
  /** Octets looked at since the last pause. */
  #work = 0

  constructor(raw: Buffer) {
    this.#raw = raw
  }

  *entity(headerStart: number, surroundings: Surroundings, depth: number): Steps<MessagePart> {
    this.#parts++
    const header = this.#open.isEmpty ? headerBlock(this.#raw, headerStart) : yield* this.#header(headerStart)
    if (this.#hasWorked(header.end - headerStart + PART_OCTETS)) yield
    const fields = header.fields ?? headerFields(this.#raw, headerStart, header.end)
    const content = headerContent(this.#raw, fields, surroundings)
    const kind = kindOf(content)
    const start = { ...content, kind, headerStart, bodyStart: header.end, bodyEnd: header.end, lines: 0, children: [] }
    if (kind !== 'leaf' && (depth >= MAX_DEPTH || this.#parts >= MAX_PARTS))
      return yield* this.#leaf({ ...start, ...OPAQUE }, header.cut)
    if (kind === 'message') return yield* this.#message(start, depth, header.cut)
    const boundary = kind === 'multipart' && !header.cut ? boundaryParameter(content) : undefined
    if (boundary === undefined) return yield* this.#leaf(start, header.cut)
    return yield* this.#multipart(start, boundaryOf(boundary), depth)
  }

  /** Counts work. Returns whether it is time for a pause. */
  #hasWorked(octets: number): boolean {
    this.#work += octets
    if (this.#work < STEP_OCTETS) return false
    this.#work = 0
    return true
  }

  /** Finds the end of a header: its empty line, or a delimiter line of a multipart around it (`cut`). */
  *#header(start: number): Steps<Omit<HeaderBlock, 'fields'> & Partial<HeaderBlock>> {
    let next = start
    for (let at = start; at < this.#raw.length; at = next) {
      if (isEmptyLine(this.#raw, at)) return { end: this.#raw[at] === LF ? at + 1 : at + 2, cut: false }
      this.#stop = delimiterAt(this.#raw, at, this.#open)
      if (this.#stop) return { end: beforeLineEnd(this.#raw, at, start), cut: true }
      next = lineEnd(this.#raw, at, this.#raw.length)
      if (this.#hasWorked(next - at)) yield
    }
    this.#stop = undefined
    return { end: this.#raw.length, cut: true }
  }

  /** Returns the first delimiter line of an open boundary from `from` on, which must be the start of a line. */
  *#delimiter(from: number): Steps<Delimiter | undefined> {
    if (this.#open.isEmpty) return undefined
    for (let at = from; at < this.#raw.length; ) {
      const delimiter = delimiterAt(this.#raw, at, this.#open)
      if (delimiter) return delimiter
      const next = this.#raw.indexOf(DELIMITER_START, at)
      if (next < 0) return undefined
      // Looking at a line costs more than searching for the next one.
      if (this.#hasWorked(LINE_OCTETS + (next - at) / 16)) yield
      at = next + 1
    }
    return undefined
  }

  *#leaf(start: Unfinished, cut: boolean): Steps<MessagePart> {
    if (!cut) this.#stop = this.#open.isEmpty ? undefined : yield* this.#delimiter(start.bodyStart)
    return yield* this.#finished(start)
  }

  *#multipart(start: Unfinished, own: Boundary, depth: number): Steps<MessagePart> {
    const children: MessagePart[] = []
    const inDigest = start.subtype.toLowerCase() === 'digest'
    this.#open.push(own)
    this.#stop = yield* this.#delimiter(start.bodyStart)
    while (this.#stop?.boundary === own && !this.#stop.closes && this.#parts < MAX_PARTS) {
      children.push(yield* this.entity(this.#stop.lineEnd, { inMultipart: true, inDigest }, depth + 1))
    }
    this.#open.pop(own)
    if (this.#stop?.boundary === own) this.#stop = yield* this.#delimiter(this.#stop.lineEnd) // epilogue
    start.children = children
    return yield* this.#finished(start)
  }

  /** Reads a message/rfc822. If its header was cut, the message inside is empty. */
  *#message(start: Unfinished, depth: number, cut: boolean): Steps<MessagePart> {
    const lines = (this.#lines ??= new LineCounter((from, to) => this.#countLines(from, to)))
    yield* lines.enter(start.bodyStart)
    const message = cut
      ? yield* this.#finished(emptyMessage(start.bodyStart))
      : yield* this.entity(start.bodyStart, { inMultipart: false, inDigest: false }, depth + 1)
    start.children = [message]
    const part = yield* this.#finished(start)
    return { ...part, lines: yield* lines.leave(part.bodyEnd), children: [], message }
  }

  *#finished(part: Unfinished): Steps<MessagePart> {
    // The line end before the delimiter may belong to a delimiter line of a child.
    const floor = part.children.at(-1)?.bodyEnd ?? part.bodyStart
    part.bodyEnd = this.#stop
      ? Math.max(floor, beforeLineEnd(this.#raw, this.#stop.lineStart, part.bodyStart))
      : this.#raw.length
    if (part.type.toLowerCase() === 'text') part.lines = yield* this.#countLines(part.bodyStart, part.bodyEnd)
    return part
  }

  *#countLines(from: number, to: number): Steps<number> {
    let lines = 0
    for (let at = from; at < to; at += STEP_OCTETS) {
      const end = Math.min(at + STEP_OCTETS, to)
      lines += lineCount(this.#raw, at, end)
      if (this.#hasWorked(end - at)) yield
    }
    return lines
  }
}

/** Counts the lines of messages inside messages in one pass, however deep they are. */
class LineCounter {
  readonly #count: (from: number, to: number) => Steps<number>
  /** The lines before the body of each open message, counted from the outermost one. */
  readonly #before: number[] = []
  #counted = 0
  #lines = 0

  constructor(count: (from: number, to: number) => Steps<number>) {
    this.#count = count
  }

  /** Begins the body of a message inside all open ones. */
  *enter(bodyStart: number): Steps<void> {
    if (this.#before.length === 0) this.#counted = bodyStart
    this.#before.push(yield* this.#linesBefore(bodyStart))
  }

  /** Ends the innermost message. Returns the number of line ends in its body. */
  *leave(bodyEnd: number): Steps<number> {
    return (yield* this.#linesBefore(bodyEnd)) - (this.#before.pop() ?? 0)
  }

  *#linesBefore(position: number): Steps<number> {
    if (position < this.#counted) return this.#lines - (yield* this.#count(position, this.#counted))
    this.#lines += yield* this.#count(this.#counted, position)
    this.#counted = position
    return this.#lines
  }
}

/** A part whose end is not yet known. */
type Unfinished = MessagePart & { bodyEnd: number; lines: number; children: readonly MessagePart[] }

const boundaryParameter = (fields: ContentFields): string | undefined =>
  fields.params.find((param) => param.name.toLowerCase() === 'boundary')?.value

/** The type of a part that is nested too deep. */
const OPAQUE = { kind: 'leaf', type: 'application', subtype: 'octet-stream' } as const

const emptyMessage = (at: number): Unfinished => ({
  kind: 'leaf',
  type: 'text',
  subtype: 'plain',
  params: [],
  headerStart: at,
  bodyStart: at,
  bodyEnd: at,
  lines: 0,
  children: [],
})

function kindOf(fields: ContentFields): PartKind {
  const type = fields.type.toLowerCase()
  if (type === 'multipart' && fields.subtype !== '') return 'multipart'
  return type === 'message' && /^(rfc822|global)$/i.test(fields.subtype) ? 'message' : 'leaf' // RFC 6532 section 3.7
}

interface Boundary {
  readonly octets: Buffer
}

/** A delimiter line. */
interface Delimiter {
  readonly boundary: Boundary
  readonly lineStart: number
  /** Start of the next line. */
  readonly lineEnd: number
  /** Whether it ends the multipart. */
  readonly closes: boolean
}

/** Longer boundaries are cut. RFC 2046 section 5.1.1 allows 70 characters. */
const MAX_BOUNDARY_OCTETS = 80

const DELIMITER_START = Buffer.from('\n--')

const boundaryOf = (value: string): Boundary => ({
  octets: Buffer.from(value.slice(0, MAX_BOUNDARY_OCTETS), 'latin1'),
})

/** A node of the tree of open boundaries: the octets that may follow, and the boundaries that end here, outermost first. */
interface Node {
  readonly next: Map<number, Node>
  readonly ending: { readonly boundary: Boundary; readonly depth: number }[]
}

const node = (): Node => ({ next: new Map(), ending: [] })
const EMPTY_NODE = node()

/** The boundaries of the surrounding multiparts as a tree of octets, so that a line is read once for all of them. */
class OpenBoundaries {
  #root = EMPTY_NODE
  #depth = 0

  get isEmpty(): boolean {
    return this.#depth === 0
  }

  push(boundary: Boundary): void {
    if (this.#root === EMPTY_NODE) this.#root = node()
    let at = this.#root
    for (const octet of boundary.octets) {
      const next = at.next.get(octet) ?? node()
      at.next.set(octet, next)
      at = next
    }
    at.ending.push({ boundary, depth: this.#depth++ })
  }

  /** Removes the boundary that was pushed last. */
  pop(boundary: Boundary): void {
    let at: Node | undefined = this.#root
    for (const octet of boundary.octets) at = at?.next.get(octet)
    at?.ending.pop()
    this.#depth--
  }

  /**
   * Returns the boundary with which a line begins. The rest of the line is ignored (RFC 2046 sections 5.1.1, 5.1.2). Of
   * several boundaries the longest wins, unless the line is an inner boundary with closing hyphens.
   */
  match(raw: Buffer, start: number, end: number): Boundary | undefined {
    const closing = end - start > 2 && raw[end - 1] === HYPHEN && raw[end - 2] === HYPHEN ? end - 2 : -1
    let longest: Node['ending'][number] | undefined
    let closed: Node['ending'][number] | undefined
    let found: Node | undefined = this.#root
    for (let at = start; ; at++) {
      longest = found.ending.at(-1) ?? longest
      if (at === closing) closed = found.ending.at(-1)
      found = at < end ? found.next.get(raw[at] as number) : undefined
      if (!found) break
    }
    const inner = closed && longest && closed.depth > longest.depth ? closed : longest
    return inner?.boundary
  }
}

/** Returns the delimiter line that starts at `at`, if there is one. */
function delimiterAt(raw: Buffer, at: number, open: OpenBoundaries): Delimiter | undefined {
  if (raw[at] !== HYPHEN || raw[at + 1] !== HYPHEN || open.isEmpty) return undefined
  const end = lineEnd(raw, at, raw.length)
  const boundary = open.match(raw, at + 2, textEnd(raw, at + 2, end))
  if (!boundary) return undefined
  const tail = at + 2 + boundary.octets.length
  const closes = tail + 2 <= raw.length && raw[tail] === HYPHEN && raw[tail + 1] === HYPHEN
  return { boundary, lineStart: at, lineEnd: end, closes }
}

function textEnd(raw: Buffer, start: number, end: number): number {
  if (end <= start || raw[end - 1] !== LF) return end
  return end - 1 > start && raw[end - 2] === 0x0d ? end - 2 : end - 1
}
