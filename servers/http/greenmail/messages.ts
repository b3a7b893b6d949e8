import type { Api } from '../../../src/api/api.ts'
import { ApiProblem } from '../../../src/api/problem.ts'
import { isSliceOver, nextSlice } from '../../../src/core/time/time-slice.ts'
import { readable } from '../../../src/mail/format/readable.ts'
import { MAX_ANSWER_OCTETS } from '../tool-mail.ts'

/** Returns the messages of a folder as GreenMail writes them, the oldest first. @throws ApiProblem `too-large` */
export async function messagesOf({ lab: { store } }: Api, folderId: string): Promise<object[]> {
  const entries = await store.list(folderId)
  const octets = entries.reduce((sum, { sizeOctets }) => sum + sizeOctets, 0)
  if (octets > MAX_ANSWER_OCTETS) {
    const why = `the messages of the folder have ${octets} octets together, and an answer at most ${MAX_ANSWER_OCTETS}`
    throw new ApiProblem('too-large', `${why}; read them by IMAP4 or /api/v1/messages`, { message: why })
  }
  const found: object[] = []
  for (const { uid } of entries) {
    if (isSliceOver()) await nextSlice()
    const raw = await store.read(folderId, uid)
    if (raw) found.push(messageOf(uid, raw))
  }
  return found
}

function messageOf(uid: number, raw: Buffer): object {
  const { messageId, subject, headers } = readable(raw)
  return {
    uid: `${uid}`,
    'Message-ID': messageId === '' ? null : messageId,
    subject: headers.has('subject') ? subject : null,
    // RFC 2045 section 5.2
    contentType: headers.get('content-type') ?? 'text/plain',
    mimeMessage: raw.toString('utf8'),
  }
}
