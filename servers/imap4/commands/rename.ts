import type { Folder } from '../../../src/store/types.ts'
import { defineCommand } from '../command.ts'
import { checkNewName, findMailbox, isPublic, mailboxName } from '../mailbox-names.ts'
import { done, no } from '../reply.ts'
import type { Session } from '../session.ts'
import { type Identity, loggedOn } from '../state.ts'

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
