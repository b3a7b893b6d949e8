import { defineCommand } from '../command.ts'
import { findMailbox, mailboxName } from '../mailbox-names.ts'
import { done } from '../reply.ts'
import { loggedOn } from '../state.ts'
import { statusItems, statusLine } from '../status-line.ts'

/** STATUS mailbox (items). RFC 9051 section 6.3.11. */
export const status = defineCommand({
  name: 'STATUS',
  states: loggedOn,
  parse(cursor, session) {
    cursor.space()
    const name = mailboxName(cursor, session)
    cursor.space()
    return { name, items: statusItems(cursor) }
  },
  async run(session, { identity }, { name, items }) {
    session.say(await statusLine(session, await findMailbox(session, identity, name), items))
    return done('that is its status')
  },
})
