import { HYPHEN, LF, lineEnd } from './octets.ts'

export interface Boundary {
  readonly octets: Buffer
}

/** A delimiter line found: whose it is, where its line starts, where the next one starts. */
export interface Delimiter {
  readonly boundary: Boundary
  readonly lineStart: number
  readonly lineEnd: number
  readonly closes: boolean
}

/** Longer ones are cut: RFC 2046 section 5.1.1 allows 70 characters. */
const MAX_BOUNDARY = 80

const DELIMITER_START = Buffer.from('\n--')

export const boundaryOf = (value: string): Boundary => ({
  octets: Buffer.from(value.slice(0, MAX_BOUNDARY), 'latin1'),
})

/** An octet of open boundaries: what may follow it, and the boundaries that end with it, outermost first. */
interface Node {
  readonly next: Map<number, Node>
  readonly ending: { readonly boundary: Boundary; readonly depth: number }[]
}

const node = (): Node => ({ next: new Map(), ending: [] })

/** The boundaries of the multiparts around, as a tree of their octets: however many are open, a line is read once. */
export class OpenBoundaries {
  readonly #root = node()
  #depth = 0

  get isEmpty(): boolean {
    return this.#depth === 0
  }

  push(boundary: Boundary): void {
    let at = this.#root
    for (const octet of boundary.octets) {
      const next = at.next.get(octet) ?? node()
      at.next.set(octet, next)
      at = next
    }
    at.ending.push({ boundary, depth: this.#depth++ })
  }

  /** Takes back the one pushed last. */
  pop(boundary: Boundary): void {
    let at: Node | undefined = this.#root
    for (const octet of boundary.octets) at = at?.next.get(octet)
    at?.ending.pop()
    this.#depth--
  }

  /**
   * Only the line's beginning has to match (RFC 2046 section 5.1.1 and 5.1.2); of boundaries that begin alike the longest
   * wins, unless the line is one further in with its closing hyphens.
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

/** The first delimiter line of any of `open` from `from` on; `from` must be the start of a line. */
export function findDelimiter(raw: Buffer, from: number, open: OpenBoundaries): Delimiter | undefined {
  if (open.isEmpty) return undefined
  for (let at = from; at < raw.length; ) {
    const delimiter = delimiterAt(raw, at, open)
    if (delimiter) return delimiter
    const next = raw.indexOf(DELIMITER_START, at)
    if (next < 0) return undefined
    at = next + 1
  }
  return undefined
}

/** The delimiter line that starts at `at`, if one does. */
export function delimiterAt(raw: Buffer, at: number, open: OpenBoundaries): Delimiter | undefined {
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
