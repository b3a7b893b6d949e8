import { CAPTURED_OWNER, type Folder, type MessageStore, type Owner, PUBLIC_OWNER, StoreError } from './types.ts'

/** Writes `INBOX`, alone or as the first level, in capitals: it is case-insensitive. RFC 9051 section 5.1. */
export function withInboxInCapitals(name: string): string {
  return /^inbox(?=\/|$)/i.test(name) ? `INBOX${name.slice(5)}` : name
}

/** Returns the name under which the store keeps an owner's folder. Newsgroups have no INBOX. */
export function folderName(owner: Owner, name: string): string {
  return owner === PUBLIC_OWNER ? name : withInboxInCapitals(name)
}

/** The name after `from` was renamed to `to`, or undefined where `name` is neither that folder nor below it. */
export function renamed(name: string, from: string, to: string): string | undefined {
  if (name === from) return to
  return name.startsWith(`${from}/`) ? to + name.slice(from.length) : undefined
}

export const byName = (a: { readonly name: string }, b: { readonly name: string }): number =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : 0

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
