import { StoreError } from './errors.ts'
import { ensureMailboxes } from './mailboxes.ts'
import type { Folder, MessageStore, Owner } from './types.ts'

/** The INBOX of an owner, made with the mailboxes beside it if it is missing. RFC 9051 section 5.1. */
export async function openInbox(store: MessageStore, owner: Owner): Promise<Folder> {
  const found = await store.findFolder(owner, 'INBOX')
  if (found) return found
  await ensureMailboxes(store, owner)
  const made = await store.findFolder(owner, 'INBOX')
  if (!made) throw new StoreError('not-found', 'the INBOX was deleted while it was made')
  return made
}
