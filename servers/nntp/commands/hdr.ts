import type { OctetString } from '../../../src/mail/types.ts'
import { findArticle, selectedGroup } from '../articles.ts'
import { defineCommand, type NntpCommand } from '../command.ts'
import { pages } from '../groups.ts'
import { fieldName, fieldReader } from '../header-values.ts'
import { Listing } from '../listing.ts'
import { type NntpError, noArticleInRange } from '../reply.ts'
import type { NntpSession } from '../session.ts'
import { type NumberRange, parseRangeSpecifier, type RangeSpecifier } from '../wire.ts'

/** How the commands of the family differ. */
interface Style {
  readonly code: number
  readonly text: string
  /** What stands for a field that an article lacks. */
  readonly missing: OctetString
  /** Absent: an empty range gives an empty list. */
  readonly emptyRange?: () => NntpError
  /** What stands in front where an article was asked for by message-id. */
  readonly nameOf: (messageId: string) => string
}

interface Query {
  readonly field: string
  readonly specifier: RangeSpecifier
}

/** RFC 3977 section 8.5. */
const modern: Style = {
  code: 225,
  text: 'header follows',
  missing: '',
  emptyRange: noArticleInRange,
  nameOf: () => '0',
}
/** RFC 2980 section 2.6. Newsreaders ask every group for fields that hardly any article has: that is never an error. */
const legacy: Style = { code: 221, text: 'header follows', missing: '(none)', nameOf: (messageId) => messageId }

async function tellHeaders(session: NntpSession, { field, specifier }: Query, style: Style): Promise<void> {
  if (specifier.by === 'range') return tellRange(session, field, specifier.range, style)
  const { folder, entry, number } = await findArticle(session, specifier)
  const value = await fieldReader(session.context.store, field)(folder, entry)
  const name = number === 0 ? style.nameOf(entry.messageId ?? '<0>') : String(number)
  session.reply(style.code, style.text)
  const listing = new Listing(session.connection, 'latin1')
  listing.line(`${name} ${value ?? style.missing}`)
  listing.end()
}

async function tellRange(session: NntpSession, field: string, range: NumberRange, style: Style): Promise<void> {
  const { folder } = selectedGroup(session)
  const { store } = session.context
  const read = fieldReader(store, field)
  const listing = new Listing(session.connection, 'latin1')
  let begun = style.emptyRange === undefined
  if (begun) session.reply(style.code, style.text)
  for await (const page of pages(store, folder, range)) {
    if (!begun) session.reply(style.code, style.text)
    begun = true
    for (const entry of page) listing.line(`${entry.uid} ${(await read(folder, entry)) ?? style.missing}`)
    await listing.pause()
  }
  if (!begun && style.emptyRange) throw style.emptyRange()
  listing.end()
}

function headerCommand(name: string, style: Style): NntpCommand {
  return defineCommand<Query>({
    name,
    syntax: 'field [message-id|range]',
    audience: 'reader',
    args: [1, 2],
    parse: ([field = '', specifier]) => ({ field: fieldName(field), specifier: parseRangeSpecifier(specifier) }),
    run: (session, query) => tellHeaders(session, query, style),
  })
}

/** HDR field [message-id|range]. */
export const hdr = headerCommand('HDR', modern)
/** XHDR field [message-id|range]. */
export const xhdr = headerCommand('XHDR', legacy)

/** XROVER [range]: the References of articles. RFC 2980 section 2.11. */
export const xrover = defineCommand<RangeSpecifier>({
  name: 'XROVER',
  syntax: '[range]',
  audience: 'reader',
  args: [0, 1],
  parse: ([specifier]) => parseRangeSpecifier(specifier),
  run: (session, specifier) =>
    tellHeaders(session, { field: 'references', specifier }, { ...legacy, code: 224, text: 'references follow' }),
})
