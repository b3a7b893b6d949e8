import { type Boundary, boundaryOf, type Delimiter, delimiterAt, findDelimiter } from './boundaries.ts'
import { type Content, headerContent } from './content.ts'
import { headerFields, isEmptyLine } from './headers.ts'
import { beforeLineEnd, LF, lineCount, lineEnd } from './octets.ts'
import type { ContentFields, MessagePart, PartKind } from './types.ts'

/** Deeper parts are leaves; more parts than that, and the rest are leaves: no message can exhaust the stack. */
const MAX_DEPTH = 100
const MAX_PARTS = 10_000

/** The MIME tree of a whole message. Any octets will do: what is broken is read as mildly as it can be. RFC 2045, 2046. */
export function parseMessage(raw: Buffer): MessagePart {
  return new Parser(raw).entity(0, { born: false, digest: false }, 0)
}

interface Birth {
  /** A part of a multipart: MIME without saying so. */
  readonly born: boolean
  /** A part of multipart/digest: message/rfc822 unless it says otherwise. RFC 2046 section 5.1.5. */
  readonly digest: boolean
}

class Parser {
  private readonly raw: Buffer
  /** Boundaries of the multiparts around, outermost first. */
  private readonly open: Boundary[] = []
  /** What ended the entity read last; absent at the end of the message. */
  private stop: Delimiter | undefined
  private parts = 0

  constructor(raw: Buffer) {
    this.raw = raw
  }

  entity(headerStart: number, birth: Birth, depth: number): MessagePart {
    this.parts++
    const header = this.header(headerStart)
    const content = headerContent(this.raw, headerFields(this.raw, headerStart, header.end), birth.born)
    const fields = contentFields(content, birth.digest)
    const boundary = content.typed ? boundaryParameter(fields) : undefined
    const kind = depth >= MAX_DEPTH || this.parts >= MAX_PARTS ? 'leaf' : kindOf(fields, boundary)
    const start = { ...fields, kind, headerStart, bodyStart: header.end }
    if (header.stopped) return this.finished(start, [])
    if (kind === 'message') return this.message(start, depth)
    if (kind === 'multipart' && boundary !== undefined) return this.multipart(start, boundaryOf(boundary), depth)
    this.stop = findDelimiter(this.raw, header.end, this.open)
    return this.finished(start, [])
  }

  /** A header ends at its empty line, or where a delimiter line of a multipart around it cuts it short. */
  private header(start: number): { end: number; stopped: boolean } {
    const { raw } = this
    for (let at = start; at < raw.length; at = lineEnd(raw, at, raw.length)) {
      if (isEmptyLine(raw, at)) return { end: raw[at] === LF ? at + 1 : at + 2, stopped: false }
      this.stop = delimiterAt(raw, at, this.open)
      if (this.stop) return { end: beforeLineEnd(raw, at, start), stopped: true }
    }
    this.stop = undefined
    return { end: raw.length, stopped: true }
  }

  private multipart(start: Unfinished, own: Boundary, depth: number): MessagePart {
    const children: MessagePart[] = []
    const digest = start.subtype.toLowerCase() === 'digest'
    this.open.push(own)
    this.stop = findDelimiter(this.raw, start.bodyStart, this.open)
    while (this.stop?.boundary === own && !this.stop.closes) {
      children.push(this.entity(this.stop.lineEnd, { born: true, digest }, depth + 1))
    }
    this.open.pop()
    if (this.stop?.boundary === own) this.stop = findDelimiter(this.raw, this.stop.lineEnd, this.open) // epilogue
    return this.finished(start, children)
  }

  private message(start: Unfinished, depth: number): MessagePart {
    const message = this.entity(start.bodyStart, { born: false, digest: false }, depth + 1)
    return { ...this.finished(start, []), message }
  }

  private finished(start: Unfinished, children: readonly MessagePart[]): MessagePart {
    const { raw, stop } = this
    const bodyEnd = stop ? Math.max(start.bodyStart, beforeLineEnd(raw, stop.lineStart, start.bodyStart)) : raw.length
    const counted = start.kind === 'message' || start.type.toLowerCase() === 'text'
    return { ...start, bodyEnd, lines: counted ? lineCount(raw, start.bodyStart, bodyEnd) : 0, children }
  }
}

type Unfinished = Omit<MessagePart, 'bodyEnd' | 'lines' | 'children'>

function contentFields({ isMime: _, typed, ...fields }: Content, digest: boolean): ContentFields {
  return digest && !typed ? { ...fields, type: 'message', subtype: 'rfc822' } : fields
}

const boundaryParameter = (fields: ContentFields): string | undefined =>
  fields.params.find((param) => param.name.toLowerCase() === 'boundary')?.value

function kindOf(fields: ContentFields, boundary: string | undefined): PartKind {
  const type = fields.type.toLowerCase()
  if (type === 'multipart') return boundary === undefined ? 'leaf' : 'multipart'
  return type === 'message' && /^(rfc822|global)$/i.test(fields.subtype) ? 'message' : 'leaf'
}
