import type { MessagePart, OctetRange } from './types.ts'

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
