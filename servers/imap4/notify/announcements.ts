import type { MemoryBudget } from '../../../src/core/octets/memory-budget.ts'
import type { Owner } from '../../../src/storage/store/types.ts'
import type { ImapSession } from '../state.ts'

/** A change by one session that the store does not report to others. */
export type Announcement =
  | { readonly kind: 'subscription'; readonly owner: Owner; readonly name: string; readonly subscribed: boolean }
  /** Annotations of the server. `owner`: of one account. */
  | { readonly kind: 'server-metadata'; readonly owner?: Owner; readonly entries: readonly string[] }

type Listener = (announcement: Announcement, by: ImapSession) => void

/** The listeners of each lab: its sessions share one memory budget. */
const listeners = new WeakMap<MemoryBudget, Set<Listener>>()

/** Tells all sessions of a lab about a change. @param by the session that made it */
export function announce(by: ImapSession, announcement: Announcement): void {
  for (const listener of listeners.get(by.connection.memory) ?? []) listener(announcement, by)
}

/** Calls `listener` for every announcement. Returns a function that stops it. */
export function hear({ connection: { memory } }: ImapSession, listener: Listener): () => void {
  const all = listeners.get(memory) ?? new Set()
  listeners.set(memory, all)
  all.add(listener)
  return () => all.delete(listener)
}
