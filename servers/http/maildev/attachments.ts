import { createHash } from 'node:crypto'
import { extname } from 'node:path'
import type { Steps } from '../../../src/core/time/time-slice.ts'
import { AttachedPart, type Attachment } from '../../../src/mail/format/attachments.ts'
import type { ReadableMessage } from '../../../src/mail/format/readable.ts'
import type { MessagePart } from '../../../src/mail/format/types.ts'

/** An attachment with the name that its path has in the API. */
export interface NamedAttachment {
  readonly file: Attachment
  readonly part: MessagePart
  /** Name in the API: a hash with the extension of the file. */
  readonly generatedFileName: string
  readonly md5: string
}

/** Extensions of attachments without a file name, by their type. */
const EXTENSIONS: Readonly<Record<string, string>> = {
  'image/jpeg': '.jpg',
  'image/png': '.png',
  'image/gif': '.gif',
  'image/webp': '.webp',
  'application/pdf': '.pdf',
  'text/plain': '.txt',
  'text/html': '.html',
  'application/json': '.json',
  'text/calendar': '.ics',
}

const md5 = (of: string): string => createHash('md5').update(of).digest('hex')

/**
 * Returns the attachments of a message. Their names are hashes of the Content-ID, or of name and size, as in MailDev. An
 * invitation beside the text is one of them.
 */
export function* attachmentsOf(message: ReadableMessage): Steps<NamedAttachment[]> {
  const attachments = yield* message.attachmentsInSteps('md5')
  const found = message.attachedParts.map((part, at) => ({ part, file: attachments[at] as Attachment }))
  for (const part of message.calendarParts) {
    const file = new AttachedPart(message.raw, part)
    yield* file.prepare(['md5'])
    found.push({ part, file })
  }
  const used = new Set<string>()
  return found
    .sort((a, b) => a.part.headerStart - b.part.headerStart)
    .map(({ file, part }, at) => {
      const { filename = '', contentType, cid, sizeOctets } = file
      const extension = extname(filename) || (EXTENSIONS[contentType] ?? '')
      const source = cid ?? `${filename}-${sizeOctets}`
      const first = `${md5(source)}${extension}`
      const generatedFileName = used.has(first) ? `${md5(`${source}-${at}`)}${extension}` : first
      used.add(generatedFileName)
      return { file, part, generatedFileName, md5: file.digest('md5') }
    })
}
