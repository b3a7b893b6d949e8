import { codePoints, type Glob, globSteps, parseGlob } from '../../../src/core/text/glob.ts'
import { runInSlices, type Steps } from '../../../src/core/time/time-slice.ts'
import { headerFields } from '../../../src/mail/format/headers.ts'
import { newsValue, type Overview } from '../../../src/mail/format/overview.ts'
import type { OctetString } from '../../../src/mail/format/types.ts'
import type { Folder } from '../../../src/storage/store/folder.ts'
import type { MessageEntry } from '../../../src/storage/store/message-entry.ts'
import type { MessageReads, ReadPart } from '../../../src/storage/store/types.ts'
import { type ArticleRange, fieldName, parseRangeSpecifier, type RangeSpecifier } from '../arguments.ts'
import { defineCommand, type NntpCommand, type NntpSession } from '../command.ts'
import { findArticle, pages, selectedGroup, sourceOf } from '../lookup.ts'
import { Listing, type NntpError, noArticleInRange, syntaxError } from '../reply.ts'

/** Returns a field's value in an article; undefined if the article lacks the field or was removed. */
type FieldReader = (source: MessageReads, folder: Folder, entry: MessageEntry) => Promise<OctetString | undefined>

/** Fields and metadata items that the stored overview has, so that the article need not be read. RFC 3977 section 8.1. */
const overviewFields: ReadonlyMap<string, keyof Overview> = new Map([
  [':bytes', 'bytes'],
  [':lines', 'lines'],
  ['subject', 'subject'],
  ['from', 'from'],
  ['date', 'date'],
  ['message-id', 'messageId'],
  ['references', 'references'],
  ['xref', 'xref'],
])

function fieldReader(field: string): FieldReader {
  const column = overviewFields.get(field)
  return async (source, folder, entry) => {
    if (column) {
      const overview = await source.overview(folder.id, entry.uid)
      const value = overview && String(overview[column])
      // An empty value means an empty field or no field. Only the article shows which.
      if (value !== '') return value
    }
    const raw = await source.read(folder.id, entry.uid)
    return raw && newsValue(raw, headerFields(raw), field)
  }
}

/** The part of the articles that a field is read from. */
const partOf = (field: string): ReadPart => (overviewFields.has(field) ? 'overview' : 'message')

interface HeaderQuery {
  readonly field: string
  readonly specifier: RangeSpecifier
}

/** The differences between HDR, XHDR and XROVER. */
interface Style {
  readonly code: number
  readonly text: string
  /** Shown for a field that an article lacks. */
  readonly missing: OctetString
  /** Creates the error for an empty range. Absent if the reply is an empty list. */
  readonly emptyRange?: () => NntpError
  /** Returns the start of the line for an article named by its message-id. */
  readonly nameOf: (messageId: string) => string
}

/** The style of HDR. RFC 3977 section 8.5. */
const modern: Style = {
  code: 225,
  text: 'Headers follow',
  missing: '',
  emptyRange: noArticleInRange,
  nameOf: () => '0',
}
/** The style of XHDR. An empty list is no error, because newsreaders request fields that few articles have. RFC 2980 section 2.6. */
const legacy: Style = { code: 221, text: 'Headers follow', missing: '(none)', nameOf: (messageId) => messageId }

async function listField(session: NntpSession, { field, specifier }: HeaderQuery, style: Style): Promise<void> {
  if (specifier.by === 'range') return listFieldOfRange(session, field, specifier.range, style)
  const { folder, entry, number } = await findArticle(session, specifier)
  const value = await fieldReader(field)(session.context.store, folder, entry)
  const name = number === 0 ? style.nameOf(entry.messageId ?? '<0>') : String(number)
  session.reply(style.code, style.text)
  const listing = new Listing(session.connection, 'latin1')
  listing.line(`${name} ${value ?? style.missing}`)
  listing.end()
}

async function listFieldOfRange(session: NntpSession, field: string, range: ArticleRange, style: Style): Promise<void> {
  const { folder } = selectedGroup(session)
  const { store } = session.context
  const read = fieldReader(field)
  const listing = new Listing(session.connection, 'latin1')
  let hasReplied = style.emptyRange === undefined
  if (hasReplied) session.reply(style.code, style.text)
  for await (const page of pages(store, folder, range)) {
    if (!hasReplied) session.reply(style.code, style.text)
    hasReplied = true
    using source = sourceOf(store, folder, page, partOf(field))
    for (const entry of page) listing.line(`${entry.uid} ${(await read(source, folder, entry)) ?? style.missing}`)
    await listing.pause()
  }
  if (!hasReplied && style.emptyRange) throw style.emptyRange()
  listing.end()
}

function headerCommand(name: string, style: Style): NntpCommand {
  return defineCommand<HeaderQuery>({
    name,
    syntax: 'field [message-id|range]',
    requires: 'read-access',
    args: [1, 2],
    parse: ([field = '', specifier]) => ({ field: fieldName(field), specifier: parseRangeSpecifier(specifier) }),
    run: (session, query) => listField(session, query, style),
  })
}

/** HDR field [message-id|range]. RFC 3977 section 8.5. */
export const hdr = headerCommand('HDR', modern)
/** XHDR field [message-id|range]. RFC 2980 section 2.6. */
export const xhdr = headerCommand('XHDR', legacy)

/** XROVER [range]: the References of articles. RFC 2980 section 2.11. */
export const xrover = defineCommand<RangeSpecifier>({
  name: 'XROVER',
  syntax: '[range]',
  requires: 'read-access',
  args: [0, 1],
  parse: ([specifier]) => parseRangeSpecifier(specifier),
  run: (session, specifier) =>
    listField(session, { field: 'references', specifier }, { ...legacy, code: 224, text: 'References follow' }),
})

interface PatternQuery extends HeaderQuery {
  readonly globs: readonly Glob[]
}

/** Parses a pattern in the syntax before RFC 3977, which allows `[a-z]`. */
function parsePattern(pattern: string): Glob {
  const glob = parseGlob(pattern, 'old-wildmat')
  if (!glob) throw syntaxError(`Invalid pattern: ${pattern}`)
  return glob
}

function* matchesAny(value: OctetString, globs: readonly Glob[]): Steps<boolean> {
  const codes = codePoints(Buffer.from(value, 'latin1').toString('utf8'))
  for (const glob of globs) {
    if (yield* globSteps(glob, codes)) return true
    yield
  }
  return false
}

/** XPAT field message-id|range pattern…: the values that match at least one pattern. RFC 2980 section 2.9. */
export const xpat = defineCommand<PatternQuery>({
  name: 'XPAT',
  syntax: 'field message-id|range pattern [pattern…]',
  requires: 'read-access',
  args: [3, 64],
  parse: ([field = '', specifier = '', ...patterns]) => ({
    field: fieldName(field),
    specifier: parseRangeSpecifier(specifier),
    globs: patterns.map(parsePattern),
  }),
  async run(session, { field, specifier, globs }) {
    const { store } = session.context
    const read = fieldReader(field)
    const listing = new Listing(session.connection, 'latin1')
    if (specifier.by === 'range') {
      const { folder } = selectedGroup(session)
      session.reply(221, 'Headers follow')
      for await (const page of pages(store, folder, specifier.range)) {
        using source = sourceOf(store, folder, page, partOf(field))
        for (const entry of page) {
          const value = await read(source, folder, entry)
          const isChosen = value !== undefined && (await runInSlices(matchesAny(value, globs)))
          if (isChosen) listing.line(`${entry.uid} ${value}`)
        }
        await listing.pause()
      }
    } else {
      const { folder, entry } = await findArticle(session, specifier)
      const value = await read(store, folder, entry)
      session.reply(221, 'Headers follow')
      const isChosen = value !== undefined && (await runInSlices(matchesAny(value, globs)))
      if (isChosen) listing.line(`${entry.messageId ?? '<0>'} ${value}`)
    }
    listing.end()
  },
})
