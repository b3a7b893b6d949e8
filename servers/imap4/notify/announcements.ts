import { randomUUID } from 'node:crypto'
import type { Owner } from '../../../src/storage/store/folder.ts'
import type { ImapSession } from '../state.ts'

/** A change by one session that the store does not report to others. */
export type Announcement =
  | { readonly kind: 'subscription'; readonly owner: Owner; readonly name: string; readonly subscribed: boolean }
  /** Annotations of the server. `owner`: of one account. */
  | { readonly kind: 'server-metadata'; readonly owner?: Owner; readonly entries: readonly string[] }

interface Announced {
  /** The id of the session that made the change. */
  readonly by: string
  readonly announcement: Announcement
}

/** How long a node may be away and still hears of a change. */
const KEPT_MS = 60_000

const announcedBy = ({ context }: ImapSession) => context.values.map<Announced>('announcements')

/** Tells all sessions of a lab, on every node, about a change. @param session the one that made it @throws StoreError */
export async function announce(session: ImapSession, announcement: Announcement): Promise<void> {
  const by = session.connection.record.id
  await announcedBy(session).put(randomUUID(), { by, announcement }, { ttlMs: KEPT_MS })
}

/** Calls `listener` for every announcement. Returns a function that stops it. */
export function watchAnnouncements(
  session: ImapSession,
  listener: (announcement: Announcement, isOwn: boolean) => void,
): () => void {
  return announcedBy(session).watch(({ value }) => {
    if (value) listener(value.announcement, value.by === session.connection.record.id)
  })
}
