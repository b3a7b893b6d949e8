import type { VirtualServerConfig } from '../../../src/core/config/schema.ts'
import type { Folder } from '../../../src/storage/store/folder.ts'
import type { MessageStore } from '../../../src/storage/store/types.ts'
import { everything, type Wildmat } from '../../../src/transport/news/wildmat.ts'
import { parseSince, wildmat } from '../arguments.ts'
import { defineCommand, type NntpCommand } from '../command.ts'
import { selectedGroup, waterMarks } from '../lookup.ts'
import { OVERVIEW_FORMAT } from '../overview-rows.ts'
import { Listing, NntpError, syntaxError } from '../reply.ts'
import { listExtensions } from './capabilities.ts'

/** Returns a group's line in a list; undefined if the list leaves the group out. */
type LineOf = (store: MessageStore, group: Folder) => string | undefined | Promise<string | undefined>

/** The letters for `posting`. RFC 3977 section 7.6.3. */
const postingLetters = { yes: 'y', no: 'n', moderated: 'm' } as const
/** The letters for groups that do not file all articles of peers. RFC 6048 section 3.1. */
const peerLetters = { refuse: 'x', discard: 'j' } as const

function statusOf({ newsgroup }: Folder): string {
  const { aliasOf, peers, posting = 'no' } = newsgroup ?? {}
  if (aliasOf !== undefined) return `=${aliasOf}`
  return peers ? peerLetters[peers] : postingLetters[posting]
}

/** Returns a line of LIST ACTIVE. The high water mark precedes the low one. RFC 3977 section 7.6.3. */
async function activeLine(store: MessageStore, group: Folder): Promise<string> {
  const { low, high } = await waterMarks(store, group)
  return `${group.name} ${high} ${low} ${statusOf(group)}`
}

/** Returns a line of LIST COUNTS. RFC 6048 section 2.2. */
async function countsLine(store: MessageStore, group: Folder): Promise<string> {
  const { count, low, high } = await waterMarks(store, group)
  return `${group.name} ${high} ${low} ${count} ${statusOf(group)}`
}

/** Returns a line of LIST NEWSGROUPS. RFC 3977 section 7.6.6. */
const descriptionLine = (group: Folder): string => `${group.name}\t${group.newsgroup?.description ?? ''}`

/** Returns a line of LIST ACTIVE.TIMES: the creation time in seconds since the epoch, and the creator. RFC 3977 section 7.6.4. */
const timesLine: LineOf = (_, { name, newsgroup }) =>
  newsgroup && `${name} ${Math.floor(newsgroup.createdAt / 1000)} ${newsgroup.createdBy.replace(/\s+/g, ' ') || '-'}`

/** Returns a line of LIST MODERATORS. The submission address is a template, so `%` is written twice. RFC 6048 section 2.4. */
const moderatorLine: LineOf = (_, { name, newsgroup }) =>
  newsgroup?.posting === 'moderated' && newsgroup.moderator !== undefined
    ? `${name}:${newsgroup.moderator.replaceAll('%', '%%')}`
    : undefined

interface GroupList {
  readonly variant: string
  readonly text: string
  readonly line: LineOf
  /** Whether a wildmat can select the groups. */
  readonly byWildmat: boolean
}

function listOfGroups({ variant, text, line, byWildmat }: GroupList): NntpCommand {
  return defineCommand<Wildmat>({
    name: `LIST ${variant}`,
    syntax: byWildmat ? '[wildmat]' : '',
    requires: 'read-access',
    args: [0, byWildmat ? 1 : 0],
    parse: ([groups]) => (groups === undefined ? everything : wildmat(groups)),
    async run(session, groups) {
      const chosen = (await session.readableGroups()).filter(({ name }) => groups(name))
      const listing = new Listing(session.connection, 'utf8')
      session.reply(215, text)
      for (const folder of chosen) {
        const shown = await line(session.context.store, folder)
        if (shown !== undefined) listing.line(shown)
        await listing.pause()
      }
      listing.end()
    },
  })
}

/** The lists with one line for each group. */
const groupLists: readonly NntpCommand[] = [
  { variant: 'ACTIVE', text: 'List of newsgroups follows', line: activeLine, byWildmat: true },
  { variant: 'ACTIVE.TIMES', text: 'List of creation times follows', line: timesLine, byWildmat: true },
  { variant: 'COUNTS', text: 'List of newsgroups with counts follows', line: countsLine, byWildmat: true },
  { variant: 'MODERATORS', text: 'List of submission addresses follows', line: moderatorLine, byWildmat: false },
  {
    variant: 'NEWSGROUPS',
    text: 'List of descriptions follows',
    line: (_: MessageStore, group: Folder) => descriptionLine(group),
    byWildmat: true,
  },
  {
    variant: 'SUBSCRIPTIONS', // RFC 6048 section 2.6
    text: 'List of recommended newsgroups follows',
    line: (_: MessageStore, { name, newsgroup }: Folder) => (newsgroup?.suggested ? name : undefined),
    byWildmat: true,
  },
].map(listOfGroups)

/** LIST OVERVIEW.FMT. RFC 3977 section 8.4. */
const overviewFmt = defineCommand({
  name: 'LIST OVERVIEW.FMT',
  requires: 'read-access',
  run: (session) => session.replyLines(215, 'Order of fields in overview data', OVERVIEW_FORMAT),
})

/** LIST HEADERS [MSGID|RANGE]: `:` stands for every header field. RFC 3977 section 8.6. */
const headers = defineCommand({
  name: 'LIST HEADERS',
  syntax: '[MSGID|RANGE]',
  requires: 'read-access',
  args: [0, 1],
  parse([form]) {
    if (form !== undefined && !/^(msgid|range)$/i.test(form)) throw syntaxError('Expected MSGID or RANGE')
  },
  run: (session) => session.replyLines(215, 'Headers and metadata items supported', [':', ':bytes', ':lines']),
})

/** Creates a list from the configuration; the reply is 503 if nothing is configured. RFC 3977 section 7.6.1. */
function configuredList(
  variant: string,
  text: string,
  linesOf: (config: VirtualServerConfig) => readonly string[],
): NntpCommand {
  return defineCommand({
    name: `LIST ${variant}`,
    requires: 'read-access',
    run(session) {
      const lines = linesOf(session.context.config)
      if (lines.length === 0) throw new NntpError(503, 'List not available')
      session.replyLines(215, text, lines)
    },
  })
}

/** LIST DISTRIB.PATS: weight, wildmat, distribution. RFC 3977 section 7.6.5. */
const distribPats = configuredList('DISTRIB.PATS', 'Distribution patterns follow', ({ distributions }) =>
  distributions.flatMap(({ name, groups, weight }) => (groups === undefined ? [] : [`${weight}:${groups}:${name}`])),
)
/** LIST DISTRIBUTIONS. RFC 6048 section 2.3. */
const distributions = configuredList('DISTRIBUTIONS', 'List of distributions follows', (config) =>
  config.distributions.map(({ name, description }) => `${name}\t${description}`),
)
/** LIST MOTD. RFC 6048 section 2.5. */
const motd = configuredList('MOTD', 'Message of the day follows', ({ motd }) => motd?.trimEnd().split(/\r?\n/) ?? [])

/** LIST, with a row for each variant. RFC 3977 section 7.6, RFC 6048. */
export const listCommands: readonly NntpCommand[] = [
  ...groupLists,
  overviewFmt,
  headers,
  listExtensions,
  distribPats,
  distributions,
  motd,
]

/** NEWGROUPS date time [GMT]. RFC 3977 section 7.3. */
export const newgroups = defineCommand<number>({
  name: 'NEWGROUPS',
  syntax: '[yy]yymmdd hhmmss [GMT]',
  requires: 'read-access',
  args: [2, 3],
  parse: ([date = '', time = '', zone], session) => parseSince(date, time, zone, session.context.clock.now()),
  async run(session, since) {
    const created = (await session.readableGroups()).filter(({ newsgroup }) => (newsgroup?.createdAt ?? 0) >= since)
    const lines: string[] = []
    for (const folder of created) lines.push(await activeLine(session.context.store, folder))
    session.replyLines(231, 'List of new newsgroups follows', lines)
  },
})

/** XGTITLE [wildmat]: descriptions, by default that of the selected group. RFC 2980 section 2.5. */
export const xgtitle = defineCommand<Wildmat | undefined>({
  name: 'XGTITLE',
  syntax: '[wildmat]',
  requires: 'read-access',
  args: [0, 1],
  parse: ([groups]) => (groups === undefined ? undefined : wildmat(groups)),
  async run(session, groups) {
    const chosen = groups
      ? (await session.readableGroups()).filter(({ name }) => groups(name))
      : [selectedGroup(session).folder]
    session.replyLines(282, 'List of descriptions follows', chosen.map(descriptionLine))
  },
})
