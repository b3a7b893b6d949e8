import { defineCommand } from '../command.ts'
import { findMailbox, isPublic, mailboxName } from '../mailbox-names.ts'
import { done, no } from '../reply.ts'
import { loggedOn } from '../state.ts'

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
