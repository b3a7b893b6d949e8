import { StoreError } from './errors.ts'
import { CAPTURED_OWNER, type Folder, type FolderSettings, type Owner, PUBLIC_OWNER } from './folder.ts'
import type { MessageStore } from './types.ts'

/** The longest name that a person can give a mailbox. */
export const MAX_NAME_CHARS = 512

/** Returns why a person cannot give a mailbox a name: what to say after “the name”. Undefined if it is a good name. */
export function mailboxNameMistake(name: string): string | undefined {
  if (name.split('/').includes('')) return 'has an empty level'
  if (/\p{Cc}|[\u2028\u2029]/u.test(name)) return 'has control characters' // RFC 9051 section 5.1
  if (name.length > MAX_NAME_CHARS) return `has more than ${MAX_NAME_CHARS} characters`
  const root = sharedRoots.find((one) => name === one || name.startsWith(`${one}/`))
  return root && `begins with ${root}, which stands for mailboxes that accounts share`
}

/** The namespaces that accounts share: the newsgroups, and the mail that the lab has captured, by domain. RFC 2342. */
export const PUBLIC_ROOT = 'Public Folders'
export const CAPTURED_ROOT = 'Captured'
/** The namespace of the mailboxes that other accounts share: `Other Users/alice/INBOX`. */
export const OTHER_ROOT = 'Other Users'
const sharedRoots = [PUBLIC_ROOT, CAPTURED_ROOT, OTHER_ROOT]

/** Returns the name with `INBOX`, alone or as the first level, in capitals: it is case-insensitive. RFC 9051 section 5.1. */
export function withInboxInCapitals(name: string): string {
  if (name === 'INBOX') return name
  return /^inbox(?=\/|$)/i.test(name) ? `INBOX${name.slice(5)}` : name
}

/** Returns the name under which the store keeps an owner's folder. Newsgroups have no INBOX. */
export function folderName(owner: Owner, name: string): string {
  return owner === PUBLIC_OWNER ? name : withInboxInCapitals(name)
}

/** The mailboxes of a new account. INBOX is created last: if it exists, so do the others. RFC 6154 section 2. */
const firstMailboxes = [
  { name: 'Drafts', specialUse: '\\Drafts' },
  { name: 'Sent', specialUse: '\\Sent' },
  { name: 'Junk', specialUse: '\\Junk' },
  { name: 'Trash', specialUse: '\\Trash' },
  { name: 'Archive', specialUse: '\\Archive' },
  { name: 'INBOX' },
] as const

/**
 * Creates an account's mailboxes and subscribes to them, if it has no INBOX. Called at the first log-on or delivery.
 * Mailboxes that the user deletes later are not created again.
 */
export async function ensureMailboxes(store: MessageStore, owner: Owner): Promise<void> {
  if (await store.findFolder(owner, 'INBOX')) return
  for (const { name, ...settings } of firstMailboxes) {
    await createIfMissing(store, owner, name, settings)
    await store.setSubscribed(owner, name, true)
  }
}

/** Returns an account's INBOX, synchronously if the store knows it. Creates it with the other mailboxes if it is missing. RFC 9051 section 5.1. */
export const openInbox = (store: MessageStore, owner: Owner): Folder | Promise<Folder> =>
  store.folderNamed(owner, 'INBOX') ?? findOrCreate(store, owner, 'INBOX', () => ensureMailboxes(store, owner))

/** Returns the folder of the mail that the lab has captured for a domain, as `openFolder` does. Creates it if it is missing. */
export const openCaptured = (store: MessageStore, domain: string): Folder | Promise<Folder> =>
  openFolder(store, CAPTURED_OWNER, domain)

/** Returns a folder, synchronously if the store knows it. Creates it if it is missing, also if another session does so at the same time. */
export const openFolder = (
  store: MessageStore,
  owner: Owner,
  name: string,
  settings: FolderSettings = {},
): Folder | Promise<Folder> =>
  store.folderNamed(owner, name) ??
  findOrCreate(store, owner, name, () => createIfMissing(store, owner, name, settings))

async function findOrCreate(
  store: MessageStore,
  owner: Owner,
  name: string,
  create: () => Promise<void>,
): Promise<Folder> {
  const found = await store.findFolder(owner, name)
  if (found) return found
  await create()
  const created = await store.findFolder(owner, name)
  if (!created)
    throw new StoreError('not-found', `the folder ${name} of ${owner} was deleted while it was being created`)
  return created
}

/** Removes the mailboxes of a new account again, unless one of them has a message. */
export async function removeEmptyMailboxes(store: MessageStore, owner: Owner): Promise<void> {
  for (const { name } of firstMailboxes.toReversed()) {
    const folder = await store.findFolder(owner, name)
    if (folder) await store.deleteFolder(folder.id, { onlyIfEmpty: true })
    // INBOX is removed first: if it is in use, the others stay too.
    if (await store.findFolder(owner, name)) return
    await store.setSubscribed(owner, name, false)
  }
}

/** Creates a folder, unless it exists or another session has just created it. */
export async function createIfMissing(
  store: MessageStore,
  owner: Owner,
  name: string,
  settings: FolderSettings = {},
): Promise<void> {
  try {
    await store.createFolder(owner, name, settings)
  } catch (error) {
    if (!(error instanceof StoreError && error.code === 'exists')) throw error
  }
}
