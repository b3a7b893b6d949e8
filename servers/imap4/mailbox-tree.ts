import { type Folder, PUBLIC_OWNER } from '../../src/store/types.ts'
import { mailboxName, PUBLIC_ROOT, superiors } from './mailbox-names.ts'
import type { Identity, ImapSession } from './state.ts'

/** A name in the hierarchy: a mailbox, a level above one, or a subscribed name that does not exist. */
export interface MailboxNode {
  readonly name: string
  readonly folder?: Folder
  readonly subscribed: boolean
  readonly hasChildren: boolean
  /** Whether it is a mailbox or a level above one. */
  readonly exists: boolean
}

/** Returns all names that an account can see, in name order. */
export async function mailboxTree({ context }: ImapSession, { owner }: Identity): Promise<MailboxNode[]> {
  const { store } = context
  const folders = [...(await store.listFolders(owner)), ...(await store.listFolders(PUBLIC_OWNER))]
  const subscribed = new Set(await store.subscriptions(owner))
  const byName = new Map(folders.map((folder) => [mailboxName(folder), folder] as const))
  const levels = new Set([...byName.keys()].flatMap(superiors))
  const names = new Set([...byName.keys(), ...levels, ...subscribed])
  return [...names].sort().map((name) => {
    const folder = byName.get(name)
    return {
      name,
      exists: folder !== undefined || levels.has(name),
      subscribed: subscribed.has(name),
      hasChildren: levels.has(name),
      ...(folder ? { folder } : {}),
    }
  })
}

/** Returns the mailbox attributes for LIST and LSUB. RFC 9051 section 7.3.1. */
export function attributes({ name, folder, hasChildren, exists }: MailboxNode): string[] {
  const found: string[] = []
  if (!exists || (!folder && name !== PUBLIC_ROOT)) found.push('\\NonExistent')
  // \NonExistent implies \Noselect, but clients without LIST-EXTENDED do not know that. RFC 5258 section 3
  if (!folder) found.push('\\Noselect')
  if (folder?.newsgroup) found.push('\\Noinferiors')
  found.push(hasChildren ? '\\HasChildren' : '\\HasNoChildren')
  if (folder?.specialUse) found.push(folder.specialUse)
  return found
}
