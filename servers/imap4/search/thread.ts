import { TimeSlice } from '../../../src/common/time-slice.ts'
import { headerValue } from '../../../src/mail/headers.ts'
import { messageIds, threadAncestors } from '../../../src/mail/message-ids.ts'
import { orderedSubject, type Thread, type Threadable, threadReferences } from '../../../src/mail/threading.ts'
import type { MessageEntry } from '../../../src/store/types.ts'
import { ContentReader } from '../fetch/content.ts'
import type { Selection } from '../selection.ts'
import type { Session } from '../session.ts'
import { sentDate, subjectOf } from './sort.ts'

/** RFC 5256 section 3. */
export const threadAlgorithms = {
  REFERENCES: threadReferences,
  ORDEREDSUBJECT: orderedSubject,
} as const satisfies Record<string, (messages: readonly Threadable[]) => Thread[]>

export type ThreadAlgorithm = keyof typeof threadAlgorithms

/** What threading needs of the messages; those expunged meanwhile are left out. */
export async function threadables(
  session: Session,
  selection: Selection,
  indexes: readonly number[],
  byUid: boolean,
): Promise<Threadable[]> {
  const found: Threadable[] = []
  const contents = new ContentReader(session, selection)
  const timeSlice = new TimeSlice()
  for (const index of indexes) {
    const entry = selection.messages[index] as MessageEntry
    const content = await contents.read(entry)
    if (!content) continue
    const value = (name: string) => headerValue(content.raw, content.parsed.fieldsOf(content.raw), name)
    const [messageId] = messageIds(value('message-id') ?? '')
    found.push({
      number: byUid ? entry.uid : index + 1,
      ancestors: threadAncestors(value('references'), value('in-reply-to')),
      subject: subjectOf(content),
      date: sentDate(entry, content),
      ...(messageId === undefined ? {} : { messageId }),
    })
    if (timeSlice.isOver()) await timeSlice.yield()
  }
  return found
}
