import type { MessageEntry } from '../../message-entry.ts'
import type { MessageStore } from '../../types.ts'

/** Uids of one page. */
const PAGE = 512

/**
 * Yields a folder's entries from the oldest on, some at a time. Messages arrive in order, so the oldest one has the lowest
 * uid.
 */
export async function* fromOldest(
  store: Pick<MessageStore, 'status' | 'list'>,
  folderId: string,
): AsyncGenerator<readonly MessageEntry[], void, void> {
  const { lowestUid, highestUid } = await store.status(folderId)
  for (let from = lowestUid; from > 0 && from <= highestUid; from += PAGE) {
    const page = await store.list(folderId, { from, to: from + PAGE - 1 })
    if (page.length > 0) yield page
  }
}
