import { StoreError } from './errors.ts'
import type { Folder, MessageStore, Owner } from './types.ts'

/** The INBOX of an owner, made if it is missing. RFC 9051 section 5.1. */
export async function openInbox(store: MessageStore, owner: Owner): Promise<Folder> {
  const found = await store.findFolder(owner, 'INBOX')
  if (found) return found
  try {
    return await store.createFolder(owner, 'INBOX')
  } catch (error) {
    // Another session was quicker.
    const made = error instanceof StoreError && error.code === 'exists' && (await store.findFolder(owner, 'INBOX'))
    if (made) return made
    throw error
  }
}
