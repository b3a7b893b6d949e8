import { codePoints, type Glob, globMatches, parseGlob } from '../../../src/common/glob.ts'
import { findArticle, selectedGroup } from '../articles.ts'
import { defineCommand } from '../command.ts'
import { pages } from '../groups.ts'
import { fieldName, fieldReader } from '../header-values.ts'
import { Listing } from '../listing.ts'
import { syntaxError } from '../reply.ts'
import { parseRangeSpecifier, type RangeSpecifier } from '../wire.ts'

interface Query {
  readonly field: string
  readonly specifier: RangeSpecifier
  readonly globs: readonly Glob[]
}

/** Patterns of before RFC 3977, with `[a-z]`; one that matches is enough. */
function parsePattern(pattern: string): Glob {
  const glob = parseGlob(pattern, 'old-wildmat')
  if (!glob) throw syntaxError(`not a pattern: ${pattern}`)
  return glob
}

/** XPAT field message-id|range pattern…: the values that match. RFC 2980 section 2.9. */
export const xpat = defineCommand<Query>({
  name: 'XPAT',
  syntax: 'field message-id|range pattern [pattern…]',
  audience: 'reader',
  args: [3, 64],
  parse: ([field = '', specifier = '', ...patterns]) => ({
    field: fieldName(field),
    specifier: parseRangeSpecifier(specifier),
    globs: patterns.map(parsePattern),
  }),
  async run(session, { field, specifier, globs }) {
    const { store } = session.context
    const read = fieldReader(store, field)
    const matches = (value: string): boolean => {
      const codes = codePoints(Buffer.from(value, 'latin1').toString('utf8'))
      return globs.some((glob) => globMatches(glob, codes))
    }
    const listing = new Listing(session.connection, 'latin1')
    if (specifier.by === 'range') {
      const { folder } = selectedGroup(session)
      session.reply(221, 'header follows')
      for await (const page of pages(store, folder, specifier.range)) {
        for (const entry of page) {
          const value = await read(folder, entry)
          if (value !== undefined && matches(value)) listing.line(`${entry.uid} ${value}`)
        }
        await listing.pause()
      }
    } else {
      const { folder, entry } = await findArticle(session, specifier)
      const value = await read(folder, entry)
      session.reply(221, 'header follows')
      if (value !== undefined && matches(value)) listing.line(`${entry.messageId ?? '<0>'} ${value}`)
    }
    listing.end()
  },
})
