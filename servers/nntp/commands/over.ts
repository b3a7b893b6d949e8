import type { MessageEntry } from '../../../src/store/types.ts'
import { type FoundArticle, findArticle, selectedGroup } from '../articles.ts'
import { defineCommand, type NntpCommand } from '../command.ts'
import { pages } from '../groups.ts'
import { Listing } from '../listing.ts'
import { overviewRows } from '../overview.ts'
import { NntpError, noArticleInRange, noArticleWithNumber } from '../reply.ts'
import type { NntpSession } from '../session.ts'
import { type NumberRange, parseRangeSpecifier, type RangeSpecifier } from '../wire.ts'

const OVERVIEW_FOLLOWS = [224, 'overview information follows'] as const

/** RFC 3977 section 8.3; XOVER differs in the code for an empty range. RFC 2980 section 2.8. */
function overCommand(name: string, emptyRange: () => NntpError): NntpCommand {
  return defineCommand<RangeSpecifier>({
    name,
    syntax: '[message-id|range]',
    audience: 'reader',
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

async function overRange(session: NntpSession, range: NumberRange, emptyRange: () => NntpError): Promise<void> {
  const { folder } = selectedGroup(session)
  const { store } = session.context
  const rows = overviewRows(store)
  const listing = new Listing(session.connection, 'latin1')
  const tell = async (entry: MessageEntry): Promise<void> => {
    const row = await rows.row(folder, entry)
    if (row !== undefined) listing.numbered(entry.uid, row)
  }
  let begun = false
  for await (const page of pages(store, folder, range)) {
    if (!begun) session.reply(...OVERVIEW_FOLLOWS)
    begun = true
    for (const entry of page) {
      const row = rows.known(entry)
      if (row === undefined) await tell(entry)
      else listing.numbered(entry.uid, row)
    }
    await listing.pause()
  }
  if (!begun) throw emptyRange()
  listing.end()
}

/** OVER [message-id|range]. */
export const over = overCommand('OVER', noArticleInRange)
/** XOVER [range], as newsreaders older than RFC 3977 ask. */
export const xover = overCommand('XOVER', () => new NntpError(420, 'no article selected'))
