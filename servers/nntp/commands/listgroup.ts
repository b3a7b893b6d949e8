import { selectedGroup } from '../articles.ts'
import { defineCommand } from '../command.ts'
import { pages } from '../groups.ts'
import { Listing } from '../listing.ts'
import { responseLine } from '../reply.ts'
import { MAX_ARTICLE_NUMBER, type NumberRange, parseRange } from '../wire.ts'
import { readableGroup, select } from './group.ts'

/** LISTGROUP [group [range]]. RFC 3977 section 6.1.2. */
export const listgroup = defineCommand<{ name: string | undefined; range: NumberRange }>({
  name: 'LISTGROUP',
  syntax: '[newsgroup [range]]',
  audience: 'reader',
  args: [0, 2],
  parse: ([name, range]) => ({ name, range: parseRange(range ?? `1-${MAX_ARTICLE_NUMBER}`) }),
  async run(session, { name, range }) {
    const { context, connection } = session
    const folder = name === undefined ? selectedGroup(session).folder : await readableGroup(session, name)
    const { count, low, high } = select(session, folder, await context.store.status(folder.id))
    const listing = new Listing(connection, 'utf8')
    connection.write(responseLine(211, `${count} ${low} ${high} ${name ?? folder.name} list follows`))
    for await (const page of pages(context.store, folder, range)) {
      for (const { uid } of page) listing.line(String(uid))
      await listing.pause()
    }
    listing.end()
  },
})
