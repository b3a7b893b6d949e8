import { filenameOf } from './attachments.ts'
import type { MessagePart } from './types.ts'

/** The leaves of a message by their use, as RFC 8621 section 4.1.4 sorts them. A part may be in several lists. */
export interface BodyLists {
  /** The parts to show to someone who prefers plain text. */
  readonly text: readonly MessagePart[]
  /** The parts to show to someone who prefers HTML. */
  readonly html: readonly MessagePart[]
  readonly attachments: readonly MessagePart[]
}

/** Returns the media type of a part in lower case. A part without a valid one is plain text. RFC 2045 section 5.2. */
export const mediaTypeOf = ({ type, subtype }: MessagePart): string =>
  type === '' || subtype === '' ? 'text/plain' : `${type}/${subtype}`.toLowerCase()

const isMedia = (type: string): boolean => /^(?:image|audio|video)\//.test(type)
const isAttached = ({ disposition }: MessagePart): boolean => disposition?.type.toLowerCase() === 'attachment'

/** The lists while they grow. Undefined: the part around shows another alternative in this list. */
interface Growing {
  readonly text: MessagePart[] | undefined
  readonly html: MessagePart[] | undefined
  readonly attachments: MessagePart[]
}

/** Returns the lists of a message. RFC 8621 section 4.1.4. */
export function bodyLists(structure: MessagePart): BodyLists {
  const lists = { text: [], html: [], attachments: [] }
  sort([structure], 'mixed', false, lists)
  return lists
}

/** Whether a user downloads something of the message: an attachment that is not shown in the text. RFC 8621 section 4.1.4. */
export const hasDownload = ({ attachments }: BodyLists): boolean =>
  attachments.some(({ disposition }) => disposition?.type.toLowerCase() !== 'inline')

function sort(parts: readonly MessagePart[], around: string, inAlternative: boolean, lists: Growing): void {
  const { attachments } = lists
  let { text, html } = lists
  const [texts, htmls] = [text?.length ?? 0, html?.length ?? 0]
  for (const [index, part] of parts.entries()) {
    const type = mediaTypeOf(part)
    if (part.kind === 'multipart') {
      const subtype = part.subtype.toLowerCase()
      sort(part.children, subtype, inAlternative || subtype === 'alternative', { text, html, attachments })
    } else if (!isShown(part, type, index, around)) attachments.push(part)
    else if (around === 'alternative') {
      const list = type === 'text/plain' ? text : type === 'text/html' ? html : attachments
      list?.push(part)
    } else {
      if (inAlternative && type === 'text/plain') html = undefined
      if (inAlternative && type === 'text/html') text = undefined
      text?.push(part)
      html?.push(part)
      if (!(text && html) && isMedia(type)) attachments.push(part)
    }
  }
  if (around !== 'alternative' || !text || !html) return
  // Only one form was found: it stands for the other.
  if (text.length === texts && html.length > htmls) text.push(...html.slice(htmls))
  else if (html.length === htmls && text.length > texts) html.push(...text.slice(texts))
}

/** Whether a part belongs to the text rather than to the attachments. */
function isShown(part: MessagePart, type: string, index: number, around: string): boolean {
  if (isAttached(part) || !(type === 'text/plain' || type === 'text/html' || isMedia(type))) return false
  // A later text with a file name is a file, and so is everything after the root of multipart/related.
  return index === 0 || (around !== 'related' && (isMedia(type) || filenameOf(part) === undefined))
}
