import { selectedGroup } from '../articles.ts'
import { defineCommand } from '../command.ts'
import { nextEntry } from '../groups.ts'
import { NntpError, noCurrentArticle } from '../reply.ts'

/** NEXT. RFC 3977 section 6.1.4. */
export const next = defineCommand({
  name: 'NEXT',
  audience: 'reader',
  async run(session) {
    const group = selectedGroup(session)
    if (group.current === undefined) throw noCurrentArticle()
    const entry = await nextEntry(session.context.store, group.folder, group.current)
    if (!entry) throw new NntpError(421, 'no next article in this group')
    group.current = entry.uid
    session.reply(223, `${entry.uid} ${entry.messageId ?? '<0>'} article exists`)
  },
})
