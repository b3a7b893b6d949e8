import type { Folder } from '../../../src/storage/store/folder.ts'
import { createIfMissing } from '../../../src/storage/store/mailboxes.ts'
import { inheritAcl as copyAcl } from '../acl.ts'
import { defineCommand } from '../command.ts'
import {
  checkNewName,
  checkOwnMailbox,
  findMailbox,
  locate,
  mailboxName,
  readMailboxName,
  superiors,
} from '../mailbox-names.ts'
import { mailboxNode } from '../mailbox-tree.ts'
import { announce } from '../notify/announcements.ts'
import { bad, type CommandResult, no, ok } from '../reply.ts'
import { type Identity, type ImapSession, loggedOn, originOf } from '../state.ts'
import { changeSubscription } from '../subscriptions.ts'
import type { Cursor } from '../wire/cursor.ts'
import { flag } from '../wire/flags.ts'

/** Special uses a client can give a mailbox. `\All` and `\Flagged` are virtual mailboxes, which are not supported. RFC 6154 section 2. */
const USES = new Map(['\\Archive', '\\Drafts', '\\Junk', '\\Sent', '\\Trash'].map((use) => [use.toLowerCase(), use]))

/** CREATE mailbox [(USE (…))]. RFC 9051 section 6.3.4; RFC 6154 section 3. */
export const create = defineCommand({
  name: 'CREATE',
  states: loggedOn,
  parse(cursor, session) {
    const name = oneMailbox(cursor, session)
    const uses = cursor.take(' ') ? createParameters(cursor) : []
    return { name: withoutTrailingSeparator(name), uses }
  },
  async run(session, { identity }, { name, uses }) {
    if (name === 'INBOX') throw inboxExists()
    checkNewName(name)
    const known = uses.map((use) => USES.get(use.toLowerCase()))
    const [specialUse] = known
    // A mailbox that cannot get the requested use is not created. RFC 6154 section 3
    if (known.length > 1 || known.includes(undefined)) throw no('Only one known special use is supported.', 'USEATTR')
    const { owner, name: folderName } = locate(name, identity)
    const settings = specialUse === undefined ? {} : { specialUse }
    const parent = await nearestSuperior(session, identity, name)
    await createSuperiors(session, { owner }, folderName)
    const folder = await session.context.store.createFolder(owner, folderName, settings)
    if (parent) await inheritAcl(session, parent, folder)
    session.notifier?.forget([...superiors(name), name])
    return ok(`MAILBOXID (${folder.id})`) // RFC 8474 section 4.1
  },
})

/** Returns the nearest mailbox above a new one. Below another account's mailbox, it needs the right `k`. @throws ImapError */
async function nearestSuperior(session: ImapSession, identity: Identity, name: string): Promise<Folder | undefined> {
  const { owner, name: folderName } = locate(name, identity)
  for (const level of superiors(folderName).reverse()) {
    const found = await session.context.store.findFolder(owner, level)
    if (!found) continue
    if (owner === identity.owner) return found
    return findMailbox(session, identity, mailboxName(found, identity.owner), 'NONEXISTENT', 'k')
  }
  if (owner !== identity.owner) throw no('The mailbox above it does not exist.', 'NONEXISTENT')
  return undefined
}

/** Gives new mailboxes, from below `parent` down to `folder`, the access control list of `parent`. */
async function inheritAcl({ context: { store } }: ImapSession, parent: Folder, folder: Folder): Promise<void> {
  for (const level of [...superiors(folder.name), folder.name]) {
    const created = level.length > parent.name.length ? await store.findFolder(folder.owner, level) : undefined
    if (created) await copyAcl(store, parent, created)
  }
}

/** Creates the mailboxes above a new one that are missing. RFC 9051 sections 6.3.4 and 6.3.6. */
async function createSuperiors(
  { context: { store } }: ImapSession,
  { owner }: Pick<Identity, 'owner'>,
  name: string,
): Promise<void> {
  for (const level of superiors(name)) await createIfMissing(store, owner, level)
}

function createParameters(cursor: Cursor): string[] {
  const uses: string[] = []
  cursor.list(() => {
    if (cursor.keyword() !== 'USE') throw bad('USE is the only parameter of CREATE.')
    cursor.space()
    uses.push(...cursor.list(flag, true))
  })
  return uses
}

/**
 * DELETE mailbox. Keeps the mailboxes below it. Its name is then a level without a mailbox, which cannot be deleted.
 * RFC 9051 section 6.3.5.
 */
export const deleteMailbox = defineCommand({
  name: 'DELETE',
  states: loggedOn,
  parse: oneMailbox,
  async run(session, state, name) {
    if (name === 'INBOX') throw no('INBOX cannot be deleted.', 'CANNOT')
    checkOwnMailbox(name, 'deleted')
    const node = await mailboxNode(session, state.identity, name)
    // RFC 5530 section 3
    if (node?.hasChildren && !node.folder) throw no('Only mailboxes below it exist.', 'HASCHILDREN')
    const folder = await findMailbox(session, state.identity, name, 'NONEXISTENT', 'x')
    if (folder.name === 'INBOX') throw no('INBOX cannot be deleted.', 'CANNOT')
    // Deleting the selected mailbox also deselects it, so the session continues.
    if (state.name === 'selected' && state.selection.folder.id === folder.id) session.deselect()
    await session.context.store.deleteFolder(folder.id)
    session.notifier?.forget([...superiors(name).slice(-1), name])
    return ok()
  },
})

/** RENAME old new, with all mailboxes below. RFC 9051 section 6.3.6. */
export const rename = defineCommand({
  name: 'RENAME',
  states: loggedOn,
  parse(cursor, session) {
    const from = oneMailbox(cursor, session)
    return { from, to: withoutTrailingSeparator(oneMailbox(cursor, session)) }
  },
  async run(session, { identity }, { from, to }) {
    checkOwnMailbox(from, 'renamed')
    if (to === 'INBOX') throw inboxExists()
    checkNewName(to)
    if (to === from || to.startsWith(`${from}/`)) throw no('A mailbox cannot be moved below itself.', 'CANNOT')
    const [old, target] = [locate(from, identity), locate(to, identity)]
    if (old.owner !== target.owner) throw no('A mailbox stays with its owner.', 'CANNOT')
    if (from === 'INBOX') await emptyInbox(session, identity, to)
    else if (old.owner === identity.owner) await renameTree(session, identity, from, to)
    else await renameOther(session, identity, from, to)
    session.notifier?.forget([...superiors(to), to])
    return ok()
  },
})

/** Moves the messages of INBOX to a new mailbox. INBOX and the mailboxes below it stay. RFC 9051 section 6.3.6. */
async function emptyInbox(session: ImapSession, identity: Identity, to: string): Promise<void> {
  const { store } = session.context
  const inbox = await findMailbox(session, identity, 'INBOX')
  await createSuperiors(session, identity, to)
  const target = await store.createFolder(identity.owner, to)
  const uids = (await store.list(inbox.id)).map(({ uid }) => uid)
  if (uids.length > 0) await store.move(inbox.id, uids, target.id, originOf(session))
}

async function renameTree(session: ImapSession, identity: Identity, from: string, to: string): Promise<void> {
  const { store } = session.context
  const folder = await store.findFolder(identity.owner, from)
  if (folder) {
    if (!(await store.findFolder(identity.owner, to))) await createSuperiors(session, identity, to)
    return void (await store.renameFolder(folder.id, to))
  }
  // `from` is a level, not a mailbox: rename the mailboxes below it.
  const below = (await store.listFolders(identity.owner)).filter(({ name }) => name.startsWith(`${from}/`))
  if (below.length === 0) throw no('The mailbox does not exist.', 'NONEXISTENT')
  if (await store.findFolder(identity.owner, to)) throw no('The mailbox already exists.', 'ALREADYEXISTS')
  await createSuperiors(session, identity, to)
  for (const { id, name } of topmostFolders(below)) await store.renameFolder(id, to + name.slice(from.length))
}

/** Renames a mailbox of another account, which needs the rights `x` and, on the mailbox above, `k`. RFC 4314 section 4. */
async function renameOther(session: ImapSession, identity: Identity, from: string, to: string): Promise<void> {
  const folder = await findMailbox(session, identity, from, 'NONEXISTENT', 'x')
  if (folder.name === 'INBOX') throw no('INBOX cannot be renamed.', 'CANNOT')
  await nearestSuperior(session, identity, to)
  const { owner, name } = locate(to, identity)
  await createSuperiors(session, { owner }, name)
  await session.context.store.renameFolder(folder.id, name)
}

/** Returns the folders that are not below another one. Renaming them also renames the folders below them. */
function topmostFolders(folders: readonly Folder[]): Folder[] {
  return folders.filter(({ name }) => !folders.some((above) => name.startsWith(`${above.name}/`)))
}

/**
 * SUBSCRIBE mailbox. The mailbox must exist, as section 6.3.7 of RFC 9051 allows: clients show names that never existed.
 * A mailbox that is deleted stays subscribed, and to subscribe to it again changes nothing.
 */
export const subscribe = defineCommand({
  name: 'SUBSCRIBE',
  states: loggedOn,
  parse: oneMailbox,
  async run(session, { identity }, name) {
    if (!(await mailboxNode(session, identity, name))) throw no('The mailbox does not exist.', 'NONEXISTENT')
    return setSubscribed(session, identity, name, true)
  },
})

/** UNSUBSCRIBE mailbox. RFC 9051 section 6.3.8. */
export const unsubscribe = defineCommand({
  name: 'UNSUBSCRIBE',
  states: loggedOn,
  parse: oneMailbox,
  run: (session, { identity }, name) => setSubscribed(session, identity, name, false),
})

async function setSubscribed(
  session: ImapSession,
  { owner }: Identity,
  name: string,
  subscribed: boolean,
): Promise<CommandResult> {
  await changeSubscription(session.context.store, owner, name, subscribed)
  await announce(session, { kind: 'subscription', owner, name, subscribed })
  return ok()
}

function oneMailbox(cursor: Cursor, session: ImapSession): string {
  cursor.space()
  return readMailboxName(cursor, session)
}

/** Removes a trailing separator. It announces mailboxes below this one, which need no preparation here. RFC 9051 section 6.3.4. */
const withoutTrailingSeparator = (name: string): string => (name.endsWith('/') ? name.slice(0, -1) : name)

const inboxExists = () => no('INBOX always exists.', 'ALREADYEXISTS')
