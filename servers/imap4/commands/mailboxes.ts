import type { Folder } from '../../../src/store/types.ts'
import { defineCommand } from '../command.ts'
import { checkNewName, findMailbox, isPublic, mailboxName, place } from '../mailbox-names.ts'
import { bad, done, no } from '../reply.ts'
import type { Session } from '../session.ts'
import { type Identity, loggedOn } from '../state.ts'
import type { Cursor } from '../wire/cursor.ts'

/** What a mailbox can be made for. RFC 6154 section 2. `\All` and `\Flagged` are views, which are not to be had here. */
const USES = new Map(['\\Archive', '\\Drafts', '\\Junk', '\\Sent', '\\Trash'].map((use) => [use.toLowerCase(), use]))

/** CREATE mailbox [(USE (…))]. RFC 9051 section 6.3.4; RFC 6154 section 3. */
export const create = defineCommand({
  name: 'CREATE',
  states: loggedOn,
  parse(cursor, session) {
    cursor.space()
    const name = mailboxName(cursor, session)
    const uses = cursor.take(' ') ? createParameters(cursor) : []
    // A trailing separator says that names will be made below; nothing needs doing for it. RFC 9051 section 6.3.4
    return { name: name.endsWith('/') ? name.slice(0, -1) : name, uses }
  },
  async run(session, { identity }, { name, uses }) {
    if (name === 'INBOX') throw no('INBOX is there always', 'ALREADYEXISTS')
    checkNewName(name)
    const known = uses.map((use) => USES.get(use.toLowerCase()))
    const [specialUse] = known
    // RFC 6154 section 3: not made where the use cannot be given to it.
    if (known.length > 1 || known.includes(undefined)) throw no('a mailbox can be made for one known use', 'USEATTR')
    const { owner, name: inside } = place(name, identity)
    const folder = await session.context.store.createFolder(
      owner,
      inside,
      specialUse === undefined ? {} : { specialUse },
    )
    return done('created', `MAILBOXID (${folder.id})`) // RFC 8474 section 4.1
  },
})

function createParameters(cursor: Cursor): string[] {
  const uses: string[] = []
  cursor.list(() => {
    if (cursor.keyword() !== 'USE') throw bad('USE is the only parameter of CREATE')
    cursor.space()
    uses.push(...cursor.list(() => cursor.flag(), true))
  })
  return uses
}

/**
 * DELETE mailbox. Its inferiors stay, and its name is then a level without a mailbox; such a name cannot be deleted.
 * RFC 9051 section 6.3.5.
 */
export const deleteMailbox = defineCommand({
  name: 'DELETE',
  states: loggedOn,
  parse(cursor, session) {
    cursor.space()
    return mailboxName(cursor, session)
  },
  async run(session, state, name) {
    if (name === 'INBOX') throw no('INBOX cannot be deleted', 'CANNOT')
    if (isPublic(name)) throw no('newsgroups are removed by the configuration', 'NOPERM')
    const folder = await findMailbox(session, state.identity, name)
    // A client that deletes what it has selected has left it.
    if (state.name === 'selected' && state.selection.folder.id === folder.id) session.deselect()
    await session.context.store.deleteFolder(folder.id)
    return done('deleted')
  },
})

/** RENAME old new, what is below it included. RFC 9051 section 6.3.6. */
export const rename = defineCommand({
  name: 'RENAME',
  states: loggedOn,
  parse(cursor, session) {
    cursor.space()
    const from = mailboxName(cursor, session)
    cursor.space()
    return { from, to: mailboxName(cursor, session).replace(/\/$/, '') }
  },
  async run(session, { identity }, { from, to }) {
    if (isPublic(from)) throw no('newsgroups are named by the configuration', 'NOPERM')
    if (to === 'INBOX') throw no('INBOX is there always', 'ALREADYEXISTS')
    checkNewName(to)
    if (to === from || to.startsWith(`${from}/`)) throw no('a mailbox cannot be moved below itself', 'CANNOT')
    if (from === 'INBOX') await emptyInbox(session, identity, to)
    else await renameTree(session, identity, from, to)
    return done('renamed')
  },
})

/** INBOX stays, its messages go; what is below INBOX stays too. RFC 9051 section 6.3.6. */
async function emptyInbox(session: Session, identity: Identity, to: string): Promise<void> {
  const { store } = session.context
  const inbox = await findMailbox(session, identity, 'INBOX')
  const target = await store.createFolder(identity.owner, to)
  const uids = (await store.list(inbox.id)).map(({ uid }) => uid)
  if (uids.length > 0) await store.move(inbox.id, uids, target.id)
}

async function renameTree(session: Session, identity: Identity, from: string, to: string): Promise<void> {
  const { store } = session.context
  const folder = await store.findFolder(identity.owner, from)
  if (folder) return void (await store.renameFolder(folder.id, to))
  // A level without a mailbox of its own: the mailboxes below it move.
  const below = (await store.listFolders(identity.owner)).filter(({ name }) => name.startsWith(`${from}/`))
  if (below.length === 0) throw no('there is no such mailbox', 'NONEXISTENT')
  if (await store.findFolder(identity.owner, to)) throw no('there is such a mailbox already', 'ALREADYEXISTS')
  for (const inferior of topmost(below)) await store.renameFolder(inferior.id, to + inferior.name.slice(from.length))
}

/** Those that no other one stands above: they take what is below them along. In name order. */
function topmost(folders: readonly Folder[]): Folder[] {
  return folders.filter(({ name }) => !folders.some((above) => name.startsWith(`${above.name}/`)))
}

/** SUBSCRIBE mailbox: the name, whether there is such a mailbox or not. RFC 9051 section 6.3.7. */
export const subscribe = defineCommand({
  name: 'SUBSCRIBE',
  states: loggedOn,
  parse: oneMailbox,
  run: (session, { identity }, name) => setSubscribed(session, identity, name, true),
})

/** UNSUBSCRIBE mailbox. RFC 9051 section 6.3.8. */
export const unsubscribe = defineCommand({
  name: 'UNSUBSCRIBE',
  states: loggedOn,
  parse: oneMailbox,
  run: (session, { identity }, name) => setSubscribed(session, identity, name, false),
})

function oneMailbox(cursor: Cursor, session: Session): string {
  cursor.space()
  return mailboxName(cursor, session)
}

async function setSubscribed({ context }: Session, { owner }: Identity, name: string, subscribed: boolean) {
  await context.store.setSubscribed(owner, name, subscribed)
  return done(subscribed ? 'subscribed' : 'unsubscribed')
}
