import type { Wildmat } from '../../../src/news/wildmat.ts'
import { defineCommand } from '../command.ts'
import { parseSince } from '../dates.ts'
import { pages } from '../groups.ts'
import { Listing } from '../listing.ts'
import { MAX_ARTICLE_NUMBER, wildmat } from '../wire.ts'

/** NEWNEWS wildmat date time [GMT]: what arrived since, each message-id once. RFC 3977 section 7.4. */
export const newnews = defineCommand<{ groups: Wildmat; since: number }>({
  name: 'NEWNEWS',
  syntax: 'wildmat [yy]yymmdd hhmmss [GMT]',
  audience: 'reader',
  args: [3, 4],
  parse: ([groups = '', date = '', time = '', zone], session) => ({
    groups: wildmat(groups),
    since: parseSince(date, time, zone, session.context.clock.now()),
  }),
  async run(session, { groups, since }) {
    const { connection, context } = session
    const chosen = (await session.readableGroups()).filter(({ name }) => groups(name))
    const told = new Set<string>()
    const listing = new Listing(connection, 'latin1')
    session.reply(230, 'list of new articles follows')
    for (const folder of chosen) {
      for await (const page of pages(context.store, folder, { from: 1, to: MAX_ARTICLE_NUMBER })) {
        for (const { savedAt, messageId } of page) {
          if (savedAt < since || messageId === undefined || told.has(messageId)) continue
          told.add(messageId)
          listing.line(messageId)
        }
        await listing.pause()
      }
    }
    listing.end()
  },
})
