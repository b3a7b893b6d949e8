import { StoreError } from './errors.ts'
import { ensureMailboxes } from './mailboxes.ts'
import { CAPTURED_OWNER, type Folder, type MessageStore, type Owner } from './types.ts'

/** The INBOX of an owner, made if it is missing, an account's with its other mailboxes. RFC 9051 section 5.1. */
export async function openInbox(store: MessageStore, owner: Owner): Promise<Folder> {
  const found = await store.findFolder(owner, 'INBOX')
  if (found) return found
  await (owner === CAPTURED_OWNER ? makeInbox(store, owner) : ensureMailboxes(store, owner))
  const made = await store.findFolder(owner, 'INBOX')
  if (!made) throw new StoreError('not-found', `the INBOX of ${owner} was deleted as it was made`)
  return made
}

async function makeInbox(store: MessageStore, owner: Owner): Promise<void> {
  try {
    await store.createFolder(owner, 'INBOX')
  } catch (error) {
    // Another session was quicker.
    if (!(error instanceof StoreError && error.code === 'exists')) throw error
  }
}
