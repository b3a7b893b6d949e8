import { StoreError } from './errors.ts'
import type { MessageStore, Owner } from './types.ts'

/** Every account's mailboxes, INBOX last: where it stands, the others have been made. RFC 6154 section 2. */
const firstMailboxes = [
  { name: 'Drafts', specialUse: '\\Drafts' },
  { name: 'Sent', specialUse: '\\Sent' },
  { name: 'Junk', specialUse: '\\Junk' },
  { name: 'Trash', specialUse: '\\Trash' },
  { name: 'Archive', specialUse: '\\Archive' },
  { name: 'INBOX' },
] as const

/** Makes an account's mailboxes, subscribed to, at its first log-on or delivery. What a user deletes later stays so. */
export async function ensureMailboxes(store: MessageStore, owner: Owner): Promise<void> {
  if (await store.findFolder(owner, 'INBOX')) return
  for (const { name, ...settings } of firstMailboxes) {
    try {
      await store.createFolder(owner, name, settings)
    } catch (error) {
      // Two first deliveries at once.
      if (!(error instanceof StoreError && error.code === 'exists')) throw error
    }
    await store.setSubscribed(owner, name, true)
  }
}
