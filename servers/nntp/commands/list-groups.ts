import { everything, type Wildmat } from '../../../src/news/wildmat.ts'
import type { Folder, MessageStore } from '../../../src/store/types.ts'
import { defineCommand, type NntpCommand } from '../command.ts'
import { waterMarks } from '../groups.ts'
import { Listing } from '../listing.ts'
import { wildmat } from '../wire.ts'

/** A line of a list about groups; undefined: the group is left out. */
type LineOf = (store: MessageStore, group: Folder) => string | undefined | Promise<string | undefined>

/** What stands for `posting`. RFC 3977 section 7.6.3. */
const statuses = { yes: 'y', no: 'n', moderated: 'm' } as const
const status = (group: Folder): string => statuses[group.newsgroup?.posting ?? 'no']

/** RFC 3977 section 7.6.3: the high water mark comes first. */
export async function activeLine(store: MessageStore, group: Folder): Promise<string> {
  const { low, high } = await waterMarks(store, group)
  return `${group.name} ${high} ${low} ${status(group)}`
}

/** RFC 6048 section 2.2. */
async function countsLine(store: MessageStore, group: Folder): Promise<string> {
  const { count, low, high } = await waterMarks(store, group)
  return `${group.name} ${high} ${low} ${count} ${status(group)}`
}

/** RFC 3977 section 7.6.6. */
export const descriptionLine = (group: Folder): string => `${group.name}\t${group.newsgroup?.description ?? ''}`

/** RFC 3977 section 7.6.4: seconds since the epoch, and who made it. */
const timesLine: LineOf = (_, { name, newsgroup }) =>
  newsgroup && `${name} ${Math.floor(newsgroup.createdAt / 1000)} ${newsgroup.createdBy.replace(/\s+/g, ' ') || '-'}`

/** RFC 6048 section 2.4: a template of the submission address. */
const moderatorLine: LineOf = (_, { name, newsgroup }) =>
  newsgroup?.posting === 'moderated' && newsgroup.moderator !== undefined
    ? `${name}:${newsgroup.moderator.replaceAll('%', '%%')}`
    : undefined

interface GroupList {
  readonly variant: string
  readonly text: string
  readonly line: LineOf
  /** Whether a wildmat can choose the groups. */
  readonly byWildmat: boolean
}

function listCommand({ variant, text, line, byWildmat }: GroupList): NntpCommand {
  return defineCommand<Wildmat>({
    name: `LIST ${variant}`,
    syntax: byWildmat ? '[wildmat]' : '',
    audience: 'reader',
    args: [0, byWildmat ? 1 : 0],
    parse: ([groups]) => (groups === undefined ? everything : wildmat(groups)),
    async run(session, groups) {
      const chosen = (await session.readableGroups()).filter(({ name }) => groups(name))
      const listing = new Listing(session.connection, 'utf8')
      session.reply(215, text)
      for (const folder of chosen) {
        const told = await line(session.context.store, folder)
        if (told !== undefined) listing.line(told)
        await listing.pause()
      }
      listing.end()
    },
  })
}

/** The lists that have a line a group. */
export const groupLists: readonly NntpCommand[] = [
  { variant: 'ACTIVE', text: 'list of newsgroups follows', line: activeLine, byWildmat: true },
  { variant: 'ACTIVE.TIMES', text: 'list of creation times follows', line: timesLine, byWildmat: true },
  { variant: 'COUNTS', text: 'list of newsgroups with counts follows', line: countsLine, byWildmat: true },
  { variant: 'MODERATORS', text: 'list of submission addresses follows', line: moderatorLine, byWildmat: false },
  {
    variant: 'NEWSGROUPS',
    text: 'list of descriptions follows',
    line: (_: MessageStore, group: Folder) => descriptionLine(group),
    byWildmat: true,
  },
  {
    variant: 'SUBSCRIPTIONS', // RFC 6048 section 2.6
    text: 'list of suggested newsgroups follows',
    line: (_: MessageStore, { name, newsgroup }: Folder) => (newsgroup?.suggested ? name : undefined),
    byWildmat: true,
  },
].map(listCommand)
