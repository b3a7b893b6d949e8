import type { Folder } from '../../../src/storage/store/folder.ts'
import type { FolderStatus } from '../../../src/storage/store/types.ts'
import type { Wildmat } from '../../../src/transport/news/wildmat.ts'
import { type ArticleRange, MAX_ARTICLE_NUMBER, parseRange, parseSince, wildmat } from '../arguments.ts'
import { defineCommand, type NntpCommand, type NntpSession } from '../command.ts'
import { marksOf, nextEntry, pages, previousEntry, readableGroup, selectedGroup, type WaterMarks } from '../lookup.ts'
import { Listing, NntpError, noCurrentArticle } from '../reply.ts'

/** GROUP group: selects it. RFC 3977 section 6.1.1. Newsreaders expect the name as they sent it. */
export const group = defineCommand<string>({
  name: 'GROUP',
  syntax: 'newsgroup',
  requires: 'read-access',
  args: [1, 1],
  parse: ([name = '']) => name,
  async run(session, name) {
    const folder = await readableGroup(session, name)
    const { count, low, high } = select(session, folder, await session.context.store.status(folder.id))
    session.reply(211, `${count} ${low} ${high} ${name}`)
  },
})

/** Selects a group and makes its first article the current one. RFC 3977 section 6.1.1.2. */
function select(session: NntpSession, folder: Folder, status: FolderStatus): WaterMarks {
  const marks = marksOf(status)
  session.group = { folder, current: marks.count === 0 ? undefined : marks.low }
  return marks
}

/** LISTGROUP [group [range]]. RFC 3977 section 6.1.2. */
export const listgroup = defineCommand<{ name: string | undefined; range: ArticleRange }>({
  name: 'LISTGROUP',
  syntax: '[newsgroup [range]]',
  requires: 'read-access',
  args: [0, 2],
  parse: ([name, range]) => ({ name, range: parseRange(range ?? `1-${MAX_ARTICLE_NUMBER}`) }),
  async run(session, { name, range }) {
    const { context, connection } = session
    const folder = name === undefined ? selectedGroup(session).folder : await readableGroup(session, name)
    const { count, low, high } = select(session, folder, await context.store.status(folder.id))
    const listing = new Listing(connection, 'utf8')
    session.reply(211, `${count} ${low} ${high} ${name ?? folder.name} list follows`)
    for await (const page of pages(context.store, folder, range)) {
      for (const { uid } of page) listing.line(String(uid))
      await listing.pause()
    }
    listing.end()
  },
})

type Neighbour = typeof nextEntry

/** Defines NEXT or LAST, which differ in direction. RFC 3977 sections 6.1.3 and 6.1.4. */
function stepCommand(name: string, neighbour: Neighbour, none: () => NntpError): NntpCommand {
  return defineCommand({
    name,
    requires: 'read-access',
    async run(session) {
      const selected = selectedGroup(session)
      if (selected.current === undefined) throw noCurrentArticle()
      const entry = await neighbour(session.context.store, selected.folder, selected.current)
      if (!entry) throw none()
      selected.current = entry.uid
      session.reply(223, `${entry.uid} ${entry.messageId ?? '<0>'} article exists`)
    },
  })
}

/** NEXT. RFC 3977 section 6.1.4. */
export const next = stepCommand('NEXT', nextEntry, () => new NntpError(421, 'No next article in this group'))
/** LAST. RFC 3977 section 6.1.3. */
export const last = stepCommand('LAST', previousEntry, () => new NntpError(422, 'No previous article in this group'))

/** NEWNEWS wildmat date time [GMT]: articles that arrived since, each message-id once. RFC 3977 section 7.4. */
export const newnews = defineCommand<{ groups: Wildmat; since: number }>({
  name: 'NEWNEWS',
  syntax: 'wildmat [yy]yymmdd hhmmss [GMT]',
  requires: 'read-access',
  args: [3, 4],
  parse: ([groups = '', date = '', time = '', zone], session) => ({
    groups: wildmat(groups),
    since: parseSince(date, time, zone, session.context.clock.now()),
  }),
  async run(session, { groups, since }) {
    const { connection, context } = session
    const chosen = (await session.readableGroups()).filter(({ name }) => groups(name))
    const listed = new Set<string>()
    const listing = new Listing(connection, 'latin1')
    session.reply(230, 'List of new articles follows')
    for (const folder of chosen) {
      for await (const page of pages(context.store, folder, { from: 1, to: MAX_ARTICLE_NUMBER })) {
        for (const { savedAt, messageId } of page) {
          if (savedAt < since || messageId === undefined || listed.has(messageId)) continue
          listed.add(messageId)
          listing.line(messageId)
        }
        await listing.pause()
      }
    }
    listing.end()
  },
})
