import type { MessageStore } from '../../src/store/types.ts'

/** Maildrops that a session has now, a store. */
const locked = new WeakMap<MessageStore, Set<string>>()

/** Takes a maildrop for one session alone; undefined where another has it. Returns what gives it back. RFC 1939 section 4. */
export function lockMaildrop(store: MessageStore, folderId: string): (() => void) | undefined {
  const held = locked.get(store) ?? new Set<string>()
  locked.set(store, held)
  if (held.has(folderId)) return undefined
  held.add(folderId)
  return () => held.delete(folderId)
}
