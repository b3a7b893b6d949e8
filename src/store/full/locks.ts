import type { MessageStore } from '../types.ts'

/** The folders of a store that a session has for itself, and those of which the lab is deleting messages. */
interface Locks {
  readonly sessions: Set<string>
  readonly deletions: Map<string, Promise<unknown>>
}

const locksByStore = new WeakMap<MessageStore, Locks>()

function locksOf(store: MessageStore): Locks {
  const known = locksByStore.get(store)
  if (known) return known
  const locks = { sessions: new Set<string>(), deletions: new Map<string, Promise<unknown>>() }
  locksByStore.set(store, locks)
  return locks
}

/**
 * Locks a folder for a session, so that the lab deletes no messages of it. RFC 1939 section 4. Resolves with the function
 * that unlocks it, or undefined if another session has locked it.
 * @param store the store that all sessions share
 */
export async function lockFolder(store: MessageStore, folderId: string): Promise<(() => void) | undefined> {
  const { sessions, deletions } = locksOf(store)
  if (sessions.has(folderId)) return undefined
  sessions.add(folderId)
  await deletions.get(folderId)
  return () => sessions.delete(folderId)
}

/** Returns whether a session has locked a folder. */
export const isLocked = (store: MessageStore, folderId: string): boolean =>
  locksByStore.get(store)?.sessions.has(folderId) === true

/** Deletes messages of a folder, unless a session has locked it. Returns the number of deleted messages. */
export async function expungeUnlocked(
  store: MessageStore,
  folderId: string,
  uids: readonly number[],
  origin?: object,
): Promise<number> {
  const { sessions, deletions } = locksOf(store)
  await deletions.get(folderId)
  if (sessions.has(folderId)) return 0
  const deletion = store.expunge(folderId, uids, origin)
  const ended = deletion.catch(() => {})
  deletions.set(folderId, ended)
  try {
    return (await deletion).length
  } finally {
    if (deletions.get(folderId) === ended) deletions.delete(folderId)
  }
}
