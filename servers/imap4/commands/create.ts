import { defineCommand } from '../command.ts'
import { checkNewName, mailboxName, place } from '../mailbox-names.ts'
import { bad, done, no } from '../reply.ts'
import { loggedOn } from '../state.ts'
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
