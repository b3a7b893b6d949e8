import { selectedGroup } from '../articles.ts'
import { defineCommand } from '../command.ts'
import { previousEntry } from '../groups.ts'
import { NntpError, noCurrentArticle } from '../reply.ts'

/** LAST. RFC 3977 section 6.1.3. */
export const last = defineCommand({
  name: 'LAST',
  audience: 'reader',
  async run(session) {
    const group = selectedGroup(session)
    if (group.current === undefined) throw noCurrentArticle()
    const entry = await previousEntry(session.context.store, group.folder, group.current)
    if (!entry) throw new NntpError(422, 'no previous article in this group')
    group.current = entry.uid
    session.reply(223, `${entry.uid} ${entry.messageId ?? '<0>'} article exists`)
  },
})
