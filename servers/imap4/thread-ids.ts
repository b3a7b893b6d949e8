import { findThreadIds as findInStore } from '../../src/storage/store/thread-ids.ts'
import { entriesAt } from './fetch/content.ts'
import type { Selection } from './selection.ts'
import type { ImapSession } from './state.ts'

/** Finds the thread ids of messages that the selection does not know yet. RFC 8474 section 5.2. */
export function findThreadIds(
  { context: { store } }: ImapSession,
  selection: Selection,
  indexes: readonly number[],
): Promise<void> {
  const { folder, threadIds } = selection
  const unknown = {
    *[Symbol.iterator]() {
      for (const entry of entriesAt(selection, indexes)) if (!threadIds.has(entry.uid)) yield { folder, entry }
    },
  }
  return findInStore(store, unknown, ({ entry }, threadId) => threadIds.set(entry.uid, threadId))
}
