import { filenameOf } from '../../../src/mail/format/attachments.ts'
import { headerFields, unfoldValue } from '../../../src/mail/format/headers.ts'
import type { ReadableMessage } from '../../../src/mail/format/readable.ts'
import type { MessagePart } from '../../../src/mail/format/types.ts'
import { decodeWords } from '../../../src/mail/format/words.ts'

interface Smtp4devAttachment {
  readonly fileName: string | null
  readonly contentId: string | null
  readonly id: string
  readonly url: string
}

/** A part as smtp4dev shows it. Its id is its place in the order of the parts, counted from 0. */
interface Smtp4devPart {
  readonly id: string
  readonly headers: readonly { readonly name: string; readonly value: string }[]
  readonly childParts: readonly Smtp4devPart[]
  readonly name: string
  readonly messageId: string
  readonly contentId: string | null
  readonly attachments: readonly Smtp4devAttachment[]
  readonly warnings: readonly { readonly details: string }[]
  readonly size: number
  readonly isAttachment: boolean
}

const childrenOf = ({ kind, children, message }: MessagePart): readonly MessagePart[] =>
  kind === 'message' && message ? [message] : children

/** Returns the parts of a message in the order of their ids. */
export const partsInOrder = (part: MessagePart): MessagePart[] => [part, ...childrenOf(part).flatMap(partsInOrder)]

/** Returns the outermost part of a message with all others in it. */
export function partTree({ raw, structure }: ReadableMessage, messageId: string): Smtp4devPart {
  let next = 0
  const shapeOf = (part: MessagePart, isInside: boolean): Smtp4devPart => {
    const id = `${next++}`
    const contentId = part.id?.replaceAll(/^<|>$/g, '') ?? null
    const filename = filenameOf(part)
    const children = childrenOf(part)
    const childParts = children.map((child) => shapeOf(child, true))
    const attachments = childParts.flatMap((child, at) =>
      child.isAttachment ? [attachmentOf(child, filenameOf(children[at] as MessagePart))] : [],
    )
    return {
      id,
      headers: fieldsOf(raw, part, isInside),
      childParts,
      name: `${filename ?? contentId ?? id} - ${`${part.type}/${part.subtype}`.toLowerCase()}`,
      messageId,
      contentId,
      attachments,
      warnings: [],
      size: part.bodyEnd - part.headerStart,
      isAttachment: isInside && isAttached(part, filename),
    }
  }
  return shapeOf(structure, false)
}

const attachmentOf = (
  { id, contentId, messageId }: Smtp4devPart,
  filename: string | undefined,
): Smtp4devAttachment => ({
  fileName: filename ?? null,
  contentId,
  id,
  url: `api/messages/${messageId}/part/${id}/content?download=true`,
})

function isAttached({ disposition }: MessagePart, filename: string | undefined): boolean {
  const type = disposition?.type.toLowerCase()
  return type === 'attachment' || (type !== 'inline' && filename !== undefined)
}

/** Returns the header of a part. The outermost part has the Content fields of the message. */
function fieldsOf(raw: Buffer, { headerStart, bodyStart }: MessagePart, isInside: boolean): Smtp4devPart['headers'] {
  return headerFields(raw, headerStart, bodyStart)
    .filter(({ name, nameLower }) => name !== '' && (isInside || nameLower.startsWith('content-')))
    .map((field) => ({ name: field.name, value: decodeWords(unfoldValue(raw, field)) }))
}
