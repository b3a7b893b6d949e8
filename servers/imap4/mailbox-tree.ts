import { sortInSteps } from '../../src/common/sorting.ts'
import { isSliceOver, nextSlice, runInSlices, type Steps } from '../../src/common/time-slice.ts'
import { CAPTURED_OWNER, type Folder, type Owner, PUBLIC_OWNER } from '../../src/store/types.ts'
import { isVisibleTo } from '../../src/store/visible.ts'
import { sharedFolders } from './acl.ts'
import { seesCaptured, seesFolder } from './captured.ts'
import { CAPTURED_ROOT, mailboxName, OTHER_ROOT, PUBLIC_ROOT, superiors } from './mailbox-names.ts'
import { rightsOf } from './rights.ts'
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

/**
 * Returns all names that an account can see, in name order.
 * @param wanted tells whether a name is wanted. Default: all are
 */
export async function mailboxTree(
  session: ImapSession,
  identity: Identity,
  wanted?: (name: string) => Steps<boolean>,
): Promise<MailboxNode[]> {
  const { store, tenants } = session.context
  const { account, owner } = identity
  const tenant = tenants.ofAccount(account.user)
  const groups = await store.listFolders(PUBLIC_OWNER)
  const newsgroups = groups.filter((folder) => isVisibleTo(folder, account.user, tenant))
  const captured: Folder[] = []
  for (const folder of seesCaptured(session, identity) ? await store.listFolders(CAPTURED_OWNER) : []) {
    if (await seesFolder(session, identity, folder)) captured.push(folder)
  }
  const shared: Folder[] = []
  for (const folder of await sharedFolders(store)) {
    if (folder.owner !== owner && (await rightsOf(session, identity, folder)).includes('l')) shared.push(folder)
    if (isSliceOver()) await nextSlice()
  }
  const folders = [...(await store.listFolders(owner)), ...newsgroups, ...captured, ...shared.map(withoutUse)]
  return runInSlices(treeOf(folders, owner, new Set(await store.subscriptions(owner)), wanted))
}

/** Returns a mailbox of another account, whose use is one for that account only. */
function withoutUse(folder: Folder): Folder {
  const { specialUse: _, ...rest } = folder
  return rest
}

function* treeOf(
  folders: readonly Folder[],
  reader: Owner,
  subscribed: ReadonlySet<string>,
  wanted?: (name: string) => Steps<boolean>,
): Steps<MailboxNode[]> {
  const byName = new Map<string, Folder>()
  const levels = new Set<string>()
  for (const folder of folders) {
    const name = mailboxName(folder, reader)
    byName.set(name, folder)
    const above = superiors(name)
    for (const level of above) levels.add(level)
    if (above.length > 0) yield
  }
  const all = [...new Set([...byName.keys(), ...levels, ...subscribed])]
  const names = wanted ? yield* wantedOf(all, wanted) : all
  const nodes: MailboxNode[] = []
  for (const name of yield* sortInSteps(names, (a, b) => (a < b ? -1 : 1))) {
    const folder = byName.get(name)
    nodes.push({
      name,
      exists: folder !== undefined || levels.has(name),
      subscribed: subscribed.has(name),
      hasChildren: levels.has(name),
      ...(folder ? { folder } : {}),
    })
    if (nodes.length % NODES_PER_STEP === 0) yield
  }
  return nodes
}

const NODES_PER_STEP = 256

function* wantedOf(names: readonly string[], wanted: (name: string) => Steps<boolean>): Steps<string[]> {
  const found: string[] = []
  for (const [i, name] of names.entries()) {
    if (yield* wanted(name)) found.push(name)
    if (i % NODES_PER_STEP === 0) yield
  }
  return found
}

/** What a client sees of a mailbox. */
interface Shown {
  /** Whether the client used LIST-EXTENDED. Default: no. */
  readonly extended?: boolean
  /** Whether it sees special uses. Default: yes. */
  readonly showsUse?: boolean
}

/** Returns the mailbox attributes for LIST and LSUB. RFC 9051 section 7.3.1. */
export function attributes(
  { name, folder, hasChildren, exists }: MailboxNode,
  { extended = false, showsUse = true }: Shown = {},
): string[] {
  const found: string[] = []
  const isMissing = !exists || (!folder && name !== PUBLIC_ROOT && name !== CAPTURED_ROOT && name !== OTHER_ROOT)
  if (isMissing) found.push('\\NonExistent')
  // \NonExistent implies \Noselect, but clients without LIST-EXTENDED do not know that. RFC 5258 sections 3 and 3.4
  if (!folder && !(isMissing && extended)) found.push('\\Noselect')
  if (folder?.newsgroup) found.push('\\Noinferiors')
  found.push(hasChildren ? '\\HasChildren' : '\\HasNoChildren')
  if (folder?.specialUse && showsUse) found.push(folder.specialUse)
  return found
}
