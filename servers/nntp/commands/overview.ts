import type { MessageEntry } from '../../../src/storage/store/message-entry.ts'
import type { MessageReads } from '../../../src/storage/store/types.ts'
import { type ArticleRange, parseRangeSpecifier, type RangeSpecifier } from '../arguments.ts'
import { defineCommand, type NntpCommand, type NntpSession } from '../command.ts'
import { type FoundArticle, findArticle, pages, selectedGroup, sourceOf } from '../lookup.ts'
import { overviewRows } from '../overview-rows.ts'
import { Listing, NntpError, noArticleInRange, noArticleWithNumber } from '../reply.ts'

const OVERVIEW_FOLLOWS = [224, 'Overview information follows'] as const

/** Defines OVER or XOVER, which differ in the error for an empty range. RFC 3977 section 8.3, RFC 2980 section 2.8. */
function overCommand(name: string, emptyRange: () => NntpError): NntpCommand {
  return defineCommand<RangeSpecifier>({
    name,
    syntax: '[message-id|range]',
    requires: 'read-access',
    args: [0, 1],
    parse: ([specifier]) => parseRangeSpecifier(specifier),
    async run(session, specifier) {
      if (specifier.by === 'range') await overRange(session, specifier.range, emptyRange)
      else await overOne(session, await findArticle(session, specifier))
    },
  })
}

async function overOne(session: NntpSession, { folder, entry, number }: FoundArticle): Promise<void> {
  const row = await overviewRows(session.context.store).row(folder, entry)
  if (row === undefined) throw noArticleWithNumber()
  session.reply(...OVERVIEW_FOLLOWS)
  const listing = new Listing(session.connection, 'latin1')
  listing.numbered(number, row)
  listing.end()
}

async function overRange(session: NntpSession, range: ArticleRange, emptyRange: () => NntpError): Promise<void> {
  const { folder } = selectedGroup(session)
  const { store } = session.context
  const rows = overviewRows(store)
  const listing = new Listing(session.connection, 'latin1')
  const build = async (entry: MessageEntry, source: MessageReads): Promise<void> => {
    const row = await rows.row(folder, entry, source)
    if (row !== undefined) listing.numbered(entry.uid, row)
  }
  let hasReplied = false
  for await (const page of pages(store, folder, range)) {
    if (!hasReplied) session.reply(...OVERVIEW_FOLLOWS)
    hasReplied = true
    using source = sourceOf(
      store,
      folder,
      page.filter((entry) => rows.cached(entry) === undefined),
      'overview',
    )
    for (const entry of page) {
      const row = rows.cached(entry)
      if (row === undefined) await build(entry, source)
      else listing.numbered(entry.uid, row)
    }
    await listing.pause()
  }
  if (!hasReplied) throw emptyRange()
  listing.end()
}

/** OVER [message-id|range]. */
export const over = overCommand('OVER', noArticleInRange)
/** XOVER [range], from newsreaders older than RFC 3977. */
export const xover = overCommand('XOVER', () => new NntpError(420, 'No article selected'))
