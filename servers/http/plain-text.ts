import { everyPart, isText } from '../../src/mail/format/parts.ts'
import { filenameOf, type ReadableMessage } from '../../src/mail/format/readable.ts'

/** Returns the plain text of a message; undefined if it has only HTML, whose text `ReadableMessage.text` is. */
export function plainTextOf({ structure, text }: ReadableMessage): string | undefined {
  const isPlain = everyPart(structure).some(
    (part) =>
      isText(part) &&
      !/^html$/i.test(part.subtype) &&
      filenameOf(part) === undefined &&
      part.disposition?.type.toLowerCase() !== 'attachment',
  )
  return isPlain ? text : undefined
}
