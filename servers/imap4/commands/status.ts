import { defineCommand } from '../command.ts'
import { findMailbox, readMailboxName } from '../mailbox-names.ts'
import { ok } from '../reply.ts'
import { loggedOn } from '../state.ts'
import { enableByItems, statusItems, statusLine } from '../status-items.ts'

/** STATUS mailbox (items). RFC 9051 section 6.3.11. */
export const status = defineCommand({
  name: 'STATUS',
  states: loggedOn,
  parse(cursor, session) {
    cursor.space()
    const name = readMailboxName(cursor, session)
    cursor.space()
    return { name, items: statusItems(cursor) }
  },
  async run(session, { identity }, { name, items }) {
    const folder = await findMailbox(session, identity, name, 'NONEXISTENT', 'r')
    const line = await statusLine(session, identity, folder, items, name)
    enableByItems(session, items)
    session.send(line)
    return ok()
  },
})
