import { decodeCharset } from './charsets.ts'
import { partOctetsOrRaw } from './encodings.ts'
import type { MessagePart, OctetRange } from './types.ts'
import { parameterText } from './words.ts'

/** A text part's content as text, line ends as they are. Unknown encodings and charsets are read as they most likely were meant. */
export function partText(raw: Buffer, part: MessagePart): string {
  return decodeCharset(partOctetsOrRaw(raw, part), parameterText(part.params, 'charset'))
}

/** Whether a part is text/*, as one without Content-Type is, and one whose Content-Type nobody can read. RFC 2045 section 5.2. */
export const isText = (part: MessagePart): boolean => part.kind === 'leaf' && /^(text)?$/i.test(part.type)

/** Every part of the tree, the message itself first, those inside message/rfc822 included. */
export function* everyPart(part: MessagePart): Generator<MessagePart> {
  yield part
  for (const child of part.children) yield* everyPart(child)
  if (part.message) yield* everyPart(part.message)
}

/**
 * The part an IMAP section number names, `[1, 2]` for `1.2`, those inside message/rfc822 included; `[]` is the message
 * itself, and so is `[1]` where it is no multipart. RFC 9051 section 6.4.5.1.
 */
export function part(structure: MessagePart, path: readonly number[]): MessagePart | undefined {
  let here: MessagePart | undefined = structure
  let numbered = false // whether `here` was reached by its own number, so that `.1` must lead inside
  for (const number of path) {
    const inside: MessagePart | undefined = numbered ? here?.message : here
    if (inside?.kind === 'multipart') here = inside.children[number - 1]
    else if (numbered && here?.kind === 'multipart') here = here.children[number - 1]
    else here = number === 1 ? inside : undefined
    if (!here) return undefined
    numbered = true
  }
  return here
}

export type SectionText = 'HEADER' | 'TEXT' | 'MIME'

/** The octets of `path.text`: a part's content without `text`; HEADER and TEXT of the message (or message part) there; a part's MIME header. */
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

export type MailErrorCode = 'unknown-encoding'

/** The one error of this room: reading mail never fails for being broken, only where a promise cannot be kept. */
export class MailError extends Error {
  override readonly name = 'MailError'
  readonly code: MailErrorCode
  constructor(code: MailErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
