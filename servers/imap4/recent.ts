import type { MessageStore } from '../../src/store/types.ts'
import type { Selection } from './selection.ts'
import type { Session } from './session.ts'

/** Folder by folder, the highest uid that some session has been told is `\Recent`. RFC 3501 section 2.3.2. */
const marks = new WeakMap<MessageStore, Map<string, number>>()

function marksOf(store: MessageStore): Map<string, number> {
  const known = marks.get(store) ?? new Map<string, number>()
  marks.set(store, known)
  return known
}

/** The messages that no session was told of yet are recent in this one, and in no later one unless it only examines. */
export function claimRecent({ context, enabled }: Session, selection: Selection): void {
  if (enabled.has('IMAP4rev2')) return // knows no \Recent. RFC 9051 appendix E
  const claimed = marksOf(context.store)
  const mark = claimed.get(selection.folder.id) ?? 0
  const { messages } = selection
  for (let index = messages.length - 1; index >= 0; index--) {
    const uid = messages[index]?.uid ?? 0
    if (uid <= mark) break
    selection.recent.add(uid)
  }
  if (!selection.readOnly) claimed.set(selection.folder.id, Math.max(mark, messages.at(-1)?.uid ?? 0))
}

/** Above which uid messages are recent. */
export function recentMark(store: MessageStore, folderId: string): number {
  return marksOf(store).get(folderId) ?? 0
}
