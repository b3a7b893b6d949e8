import type { GrowingBuffer } from '../../core/octets/growing-buffer.ts'
import { runToEnd, type Steps } from '../../core/time/time-slice.ts'
import { decodeCharset, decodedPieces } from './charsets.ts'
import { base64Steps, quotedPrintableSteps } from './encodings.ts'
import type { ContentFields, MessagePart, OctetRange } from './types.ts'
import { parameterText } from './words.ts'

type MailErrorCode = 'unknown-encoding'

/** The only error of this module: malformed mail is read as well as possible instead. */
export class MailError extends Error {
  override readonly name = 'MailError'
  readonly code: MailErrorCode
  constructor(code: MailErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

/** Returns every part of the tree, the message itself first, including the parts of messages inside message/rfc822. */
export function everyPart(part: MessagePart): MessagePart[] {
  const found: MessagePart[] = []
  const ahead = [part]
  for (let next = ahead.pop(); next; next = ahead.pop()) {
    found.push(next)
    if (next.message) ahead.push(next.message)
    for (let i = next.children.length - 1; i >= 0; i--) ahead.push(next.children[i] as MessagePart)
  }
  return found
}

/** Returns whether a part is text/*. A part without a valid Content-Type is. RFC 2045 section 5.2. */
export const isText = (part: MessagePart): boolean => part.kind === 'leaf' && /^(text)?$/i.test(part.type)

/**
 * Returns the part of an IMAP section number, such as `[1, 2]` for `1.2`. `[]` is the message itself, and so is `[1]` if
 * it is not a multipart. RFC 9051 section 6.4.5.1.
 */
export function part(structure: MessagePart, path: readonly number[]): MessagePart | undefined {
  let here: MessagePart | undefined = structure
  // Whether a number led to `here`. Then `.1` leads into the message that it holds.
  let isNumbered = false
  for (const number of path) {
    const inside: MessagePart | undefined = isNumbered ? here?.message : here
    if (inside?.kind === 'multipart') here = inside.children[number - 1]
    else if (isNumbered && here?.kind === 'multipart') here = here.children[number - 1]
    else here = number === 1 ? inside : undefined
    if (!here) return undefined
    isNumbered = true
  }
  return here
}

export type SectionText = 'HEADER' | 'TEXT' | 'MIME'

/**
 * Returns the octets of an IMAP section: a part's content without `text`, the header or text of the message at `path` with
 * HEADER or TEXT, a part's own header with MIME. RFC 9051 section 6.4.5.1.
 */
export function section(structure: MessagePart, path: readonly number[], text?: SectionText): OctetRange | undefined {
  const found = part(structure, path)
  if (!found) return undefined
  if (text === undefined && path.length === 0) return { start: found.headerStart, end: found.bodyEnd }
  if (text === undefined) return { start: found.bodyStart, end: found.bodyEnd }
  if (text === 'MIME') return path.length === 0 ? undefined : { start: found.headerStart, end: found.bodyStart }
  const message = path.length === 0 ? found : found.message
  if (!message) return undefined
  if (text === 'HEADER') return { start: message.headerStart, end: message.bodyStart }
  return { start: message.bodyStart, end: message.bodyEnd }
}

type TransferEncoding = 'identity' | 'base64' | 'quoted-printable'

const ENCODINGS: ReadonlyMap<string, TransferEncoding> = new Map([
  ['7bit', 'identity'],
  ['8bit', 'identity'],
  ['binary', 'identity'],
  ['base64', 'base64'],
  ['quoted-printable', 'quoted-printable'],
])

/** Returns a part's transfer encoding, or undefined if it is unknown. RFC 2045 section 6.1. */
export const transferEncoding = (part: ContentFields): TransferEncoding | undefined =>
  part.encoding === undefined ? 'identity' : ENCODINGS.get(part.encoding.toLowerCase())

/**
 * Returns a part's decoded content, in steps, as a view of `raw` if it is not encoded. BINARY, RFC 3516 section 4.3.
 * @throws MailError `unknown-encoding`
 */
export function* partOctetsInSteps(raw: Buffer, part: MessagePart): Steps<Buffer> {
  const encoding = transferEncoding(part)
  if (encoding === undefined)
    throw new MailError('unknown-encoding', `unknown content transfer encoding ${part.encoding}`)
  const body = raw.subarray(part.bodyStart, part.bodyEnd)
  if (encoding === 'identity' || part.kind === 'multipart') return body
  return yield* encoding === 'base64' ? base64Steps(body) : quotedPrintableSteps(body)
}

/** Returns a part's decoded content, or its raw content if the encoding is unknown. RFC 2045 section 6.2. */
export const partOctetsOrRaw = (raw: Buffer, part: MessagePart): Buffer => runToEnd(partOctetsOrRawInSteps(raw, part))

/** Decodes as `partOctetsOrRaw`, in steps. */
export function* partOctetsOrRawInSteps(raw: Buffer, part: MessagePart): Steps<Buffer> {
  if (transferEncoding(part) === undefined) return raw.subarray(part.bodyStart, part.bodyEnd)
  return yield* partOctetsInSteps(raw, part)
}

/** Octets of a character in a body at most: four, each encoded as `=F0`. */
const MAX_CHAR_OCTETS = 12

/** Characters that the octets of an incomplete one may become. */
const INCOMPLETE_CHARS = 8

/** Returns about the first characters of a text part's content, at most `chars`, and whether there are more. */
export function partStart(raw: Buffer, part: MessagePart, chars: number): { text: string; isCut: boolean } {
  if (chars === Number.POSITIVE_INFINITY) return { text: partText(raw, part), isCut: false }
  const bodyEnd = Math.min(part.bodyEnd, part.bodyStart + chars * MAX_CHAR_OCTETS)
  const text = partText(raw, { ...part, bodyEnd })
  if (bodyEnd === part.bodyEnd) return { text: text.slice(0, chars), isCut: text.length > chars }
  // Soft line breaks, for example, can take more octets than the characters.
  return { text: text.slice(0, Math.max(0, Math.min(chars, text.length - INCOMPLETE_CHARS))), isCut: true }
}

/** Characters of a text that are encoded between two pauses. */
const TEXT_STEP_CHARS = 128 * 1024

/**
 * Appends a text part's content to a text in UTF-8, in steps.
 * @param change returns what is appended of each piece, which is never half a line end
 */
export function* appendPartText(
  text: GrowingBuffer,
  raw: Buffer,
  part: MessagePart,
  change: (piece: string) => string = (piece) => piece,
): Steps<void> {
  const octets = yield* partOctetsOrRawInSteps(raw, part)
  let pending = ''
  const flush = (): void => {
    // The LF of the last CR may be in the next piece.
    const end = pending.endsWith('\r') ? -1 : pending.length
    text.append(Buffer.from(change(pending.slice(0, end))))
    pending = end === -1 ? '\r' : ''
  }
  for (const piece of decodedPieces(octets, parameterText(part.params, 'charset'))) {
    pending += piece
    if (pending.length < TEXT_STEP_CHARS) continue
    flush()
    yield
  }
  flush()
  if (pending !== '') text.append(Buffer.from(change(pending)))
}

/** Returns a text part's content as text, with its line ends. If the encoding or charset is unknown, guesses. */
export function partText(raw: Buffer, part: MessagePart): string {
  return decodeCharset(partOctetsOrRaw(raw, part), parameterText(part.params, 'charset'))
}
