import type { NewsgroupAttributes } from './newsgroup-attributes.ts'

/**
 * The owner of folders: an account (`accountOwner`), the public (newsgroups), the lab (mail captured for other domains), or
 * the queue of outgoing mail.
 */
export type Owner = `user:${string}` | 'public:' | 'captured:' | 'outgoing:'
export const PUBLIC_OWNER = 'public:' satisfies Owner
export const CAPTURED_OWNER = 'captured:' satisfies Owner
/** Its folders are hidden: `listOwners` does not return it, and only listeners for the folder get its events. */
export const OUTGOING_OWNER = 'outgoing:' satisfies Owner

let lastOwner: { readonly user: string; readonly owner: Owner } = { user: '', owner: 'user:' }

/** Caches the last owner: several steps of a delivery ask for the same. */
export function accountOwner(user: string): Owner {
  if (user !== lastOwner.user) lastOwner = { user, owner: `user:${user}` }
  return lastOwner.owner
}

/** Returns the account that owns a folder; undefined for newsgroups and captured mail. */
export const accountOf = ({ owner }: { readonly owner: Owner }): string | undefined =>
  owner.startsWith('user:') ? owner.slice('user:'.length) : undefined

export interface Folder {
  /** Never reused and not changed by a rename: MAILBOXID (RFC 8474). */
  readonly id: string
  readonly owner: Owner
  /** Full name, with `/` between levels (dots in a newsgroup's name are not separators). `INBOX` is in upper case. UTF-8. */
  readonly name: string
  /** Never changes. A new folder with the name of a deleted one gets a greater value. RFC 9051 section 2.3.1.1. */
  readonly uidValidity: number
  /** `\Sent`, `\Trash` … RFC 6154. */
  readonly specialUse?: string
  readonly newsgroup?: NewsgroupAttributes
  /** The place among the mailboxes of the account that a client has given it. RFC 8621 section 2. */
  readonly sortOrder?: number
}

export type FolderSettings = Pick<Folder, 'specialUse' | 'newsgroup' | 'sortOrder'>
