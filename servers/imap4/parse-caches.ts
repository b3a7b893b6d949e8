import { ParseCache } from '../../src/mail/parse-cache.ts'
import type { MessageStore } from '../../src/store/types.ts'

const caches = new WeakMap<MessageStore, ParseCache>()

/** What has been found out about a store's messages, shared by all sessions: a structure is parsed once. */
export function parseCacheOf(store: MessageStore): ParseCache {
  const known = caches.get(store) ?? new ParseCache()
  caches.set(store, known)
  return known
}
