import { sortInSteps } from '../../src/core/text/sorting.ts'
import { isSliceOver, nextSlice, runInSlices, type Steps } from '../../src/core/time/time-slice.ts'
import { CAPTURED_OWNER, type Folder, type Owner, PUBLIC_OWNER } from '../../src/storage/store/folder.ts'
import { CAPTURED_ROOT, OTHER_ROOT, PUBLIC_ROOT } from '../../src/storage/store/mailboxes.ts'
import { isVisibleTo } from '../../src/storage/store/visible.ts'
import { sharedFolders } from './acl.ts'
import { seesCaptured, seesFolder } from './captured.ts'
import { capturedInbox, mailboxName, superiors } from './mailbox-names.ts'
import { rightsOf } from './rights.ts'
import type { Identity, ImapSession } from './state.ts'
import { Subscriptions } from './subscriptions.ts'

/** A name in the hierarchy: a mailbox, a level above one, or a subscribed name that does not exist. */
export interface MailboxNode {
  readonly name: string
  readonly folder?: Folder
  readonly subscribed: boolean
  readonly hasChildren: boolean
  /** Whether it is a mailbox or a level above one. */
  readonly exists: boolean
}

/** Which names are wanted. */
interface WantedNames {
  /** The beginning of all of them. Others are not looked at. */
  readonly prefix: string
  /** Whether only the name is wanted that `prefix` is. */
  readonly isWhole?: boolean
  /** Tells whether a name is wanted. Default: all are. */
  readonly matches?: (name: string) => Steps<boolean>
}

const ALL: WantedNames = { prefix: '' }

/** Returns the names that an account can see, in name order. */
export async function mailboxTree(
  session: ImapSession,
  identity: Identity,
  wanted: WantedNames = ALL,
): Promise<MailboxNode[]> {
  const { store, tenants } = session.context
  const { account, owner } = identity
  const tenant = tenants.scopeOf(account.user)
  const groups = partOf(await store.listFolders(PUBLIC_OWNER), PUBLIC_ROOT, wanted)
  const newsgroups = groups.filter((folder) => isVisibleTo(folder, account.user, tenant))
  const captured: Folder[] = []
  const domains = seesCaptured(session, identity) ? await store.listFolders(CAPTURED_OWNER) : []
  for (const folder of partOf(domains, CAPTURED_ROOT, wanted)) {
    if (await seesFolder(session, identity, folder)) captured.push(folder)
  }
  const shared: Folder[] = []
  for (const folder of partOf(await sharedFolders(store), OTHER_ROOT, wanted)) {
    if (folder.owner !== owner && (await rightsOf(session, identity, folder)).includes('l')) shared.push(folder)
    if (isSliceOver()) await nextSlice()
  }
  const own = partOf(await store.listFolders(owner), '', wanted)
  const folders = [...own, ...newsgroups, ...captured, ...shared.map(withoutUse)]
  const subscriptions = await Subscriptions.of(store, owner)
  const ofLab = [...newsgroups, ...captured].map((folder) => mailboxName(folder, owner))
  const subscribed = [...subscriptions.names, ...ofLab.filter((name) => subscriptions.has(name))]
  const tree = await runInSlices(
    treeOf(folders, owner, new Set(subscribed.filter((name) => name.startsWith(wanted.prefix))), wanted),
  )
  const inbox = await capturedInbox(session, identity)
  return inbox ? tree.map((node) => (node.name === 'INBOX' ? { ...node, folder: inbox } : node)) : tree
}

/** Returns what an account sees of a name; undefined if it sees neither a mailbox, nor a level, nor a subscription. */
export async function mailboxNode(
  session: ImapSession,
  identity: Identity,
  name: string,
): Promise<MailboxNode | undefined> {
  return (await mailboxTree(session, identity, { prefix: name, isWhole: true })).at(0)
}

/**
 * Returns those of the folders below a root that wanted names depend on: folders with a wanted name, and one below it if
 * only one name is wanted.
 * @param folders in name order, those of other accounts in any order
 */
function partOf(folders: readonly Folder[], root: string, { prefix, isWhole }: WantedNames): readonly Folder[] {
  const start = root === '' ? '' : `${root}/`
  if (start.startsWith(prefix)) return folders
  if (!prefix.startsWith(start)) return []
  if (root === OTHER_ROOT) return folders
  const name = prefix.slice(start.length)
  if (!isWhole) return startingWith(folders, name)
  const [at, below] = [startingWith(folders, name).at(0), startingWith(folders, `${name}/`).at(0)]
  return [at, below].filter((folder) => folder !== undefined)
}

/** Returns the folders whose names begin with a prefix, given folders in name order. */
function startingWith(folders: readonly Folder[], prefix: string): readonly Folder[] {
  const from = firstWithout(folders, ({ name }) => name < prefix)
  const to = firstWithout(folders, ({ name }) => name < prefix || name.startsWith(prefix))
  return folders.slice(from, to)
}

/** Returns the index of the first folder that does not meet a condition, which only folders before it meet. */
function firstWithout(folders: readonly Folder[], condition: (folder: Folder) => boolean): number {
  let [low, high] = [0, folders.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (condition(folders[middle] as Folder)) low = middle + 1
    else high = middle
  }
  return low
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
  { prefix, isWhole, matches }: WantedNames,
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
  const isWanted = (name: string): boolean => (isWhole ? name === prefix : name.startsWith(prefix))
  const all = [...new Set([...byName.keys(), ...levels, ...subscribed])].filter(isWanted)
  const names = matches ? yield* matching(all, matches) : all
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

function* matching(names: readonly string[], matches: (name: string) => Steps<boolean>): Steps<string[]> {
  const found: string[] = []
  for (const [i, name] of names.entries()) {
    if (yield* matches(name)) found.push(name)
    if (i % NODES_PER_STEP === 0) yield
  }
  return found
}

/** The part of a mailbox that a client sees. */
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
