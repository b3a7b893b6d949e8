import { assembled, newMessage } from '../assemble.ts'
import { defineCommand } from '../command.ts'
import { findMailbox, isPublic, mailboxName } from '../mailbox-names.ts'
import { postArticle } from '../post.ts'
import { checkQuota } from '../quota.ts'
import { done, no } from '../reply.ts'
import { loggedOn } from '../state.ts'
import { type GivenMessage, givenMessage } from '../wire/append-messages.ts'
import { formatNumbers } from '../wire/numbers.ts'

/** APPEND mailbox message…, all or none. RFC 9051 section 6.3.12; RFC 3502, 4469, 7889. */
export const append = defineCommand({
  name: 'APPEND',
  states: loggedOn,
  takesMessages: true,
  parse(cursor, session) {
    cursor.space()
    const name = mailboxName(cursor, session)
    const messages: GivenMessage[] = []
    do messages.push(givenMessage(cursor, session))
    while (!cursor.atEnd)
    return { name, messages }
  },
  async foresee(cursor, session, octets) {
    cursor.space()
    const name = mailboxName(cursor, session)
    if (session.state.name === 'not-authenticated' || session.state.name === 'logout') return
    await findMailbox(session, session.state.identity, name, 'TRYCREATE')
    if (!isPublic(name)) await checkQuota(session, session.state.identity, octets, 1)
  },
  async run(session, state, { name, messages }) {
    const folder = await findMailbox(session, state.identity, name, 'TRYCREATE') // RFC 9051 section 6.3.12
    const [first, ...more] = messages as [GivenMessage, ...GivenMessage[]]
    if (isPublic(name)) {
      if (more.length > 0) throw no('articles are posted one by one', 'CANNOT')
      return postArticle(session, state.identity, folder, await assembled(session, state, first))
    }
    const batch = []
    for (const given of messages) batch.push(newMessage(await assembled(session, state, given), given, folder.id))
    const octets = batch.reduce((sum, { raw }) => sum + (raw as Buffer).length, 0)
    await checkQuota(session, state.identity, octets, batch.length)
    const stored = await session.context.store.append(batch)
    const uids = stored.map(({ entry }) => entry.uid)
    return done('appended', `APPENDUID ${folder.uidValidity} ${formatNumbers(uids)}`) // RFC 4315 section 3
  },
})
