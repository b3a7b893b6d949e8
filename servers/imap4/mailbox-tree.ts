import { type Folder, PUBLIC_OWNER } from '../../src/store/types.ts'
import { fullName, PUBLIC_ROOT, superiors } from './mailbox-names.ts'
import type { Session } from './session.ts'
import type { Identity } from './state.ts'

/** A name in the hierarchy: a mailbox, a level above one, or a name subscribed to that is no more. */
export interface MailboxNode {
  readonly name: string
  readonly folder?: Folder
  readonly subscribed: boolean
  readonly hasChildren: boolean
  /** Whether there is such a mailbox, or at least a level of that name. */
  readonly exists: boolean
}

/** All names that an account can see, in name order. */
export async function mailboxTree({ context }: Session, { owner }: Identity): Promise<MailboxNode[]> {
  const { store } = context
  const folders = [...(await store.listFolders(owner)), ...(await store.listFolders(PUBLIC_OWNER))]
  const subscribed = new Set(await store.subscriptions(owner))
  const byName = new Map(folders.map((folder) => [fullName(folder), folder] as const))
  const levels = new Set([...byName.keys()].flatMap(superiors))
  const names = new Set([...byName.keys(), ...levels, ...subscribed])
  return [...names].sort().map((name) => {
    const folder = byName.get(name)
    const exists = folder !== undefined || levels.has(name)
    return {
      name,
      exists,
      subscribed: subscribed.has(name),
      hasChildren: levels.has(name),
      ...(folder ? { folder } : {}),
    }
  })
}

/** RFC 9051 section 7.3.1. */
export function attributes({ name, folder, hasChildren, exists }: MailboxNode): string[] {
  const found: string[] = []
  if (!exists || (!folder && name !== PUBLIC_ROOT)) found.push('\\NonExistent')
  // Clients from before LIST-EXTENDED do not know that the one means the other. RFC 5258 section 3
  if (!folder) found.push('\\Noselect')
  if (folder?.newsgroup) found.push('\\Noinferiors')
  found.push(hasChildren ? '\\HasChildren' : '\\HasNoChildren')
  if (folder?.specialUse) found.push(folder.specialUse)
  return found
}
