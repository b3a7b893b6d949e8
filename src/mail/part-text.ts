import { decodeCharset } from './charsets.ts'
import { partOctetsOrRaw } from './encodings.ts'
import type { MessagePart } from './types.ts'
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
