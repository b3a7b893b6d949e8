import type { VirtualServerConfig } from '../../../src/config/schema.ts'
import { capabilityLines } from '../capabilities.ts'
import { defineCommand, type NntpCommand } from '../command.ts'
import { OVERVIEW_FORMAT } from '../overview.ts'
import { NntpError, syntaxError } from '../reply.ts'
import { groupLists } from './list-groups.ts'

/** LIST OVERVIEW.FMT. RFC 3977 section 8.4. */
const overviewFmt = defineCommand({
  name: 'LIST OVERVIEW.FMT',
  audience: 'reader',
  run: (session) => session.replyLines(215, 'order of fields in overview data', OVERVIEW_FORMAT),
})

/** LIST HEADERS [MSGID|RANGE]: any field, and the metadata items. RFC 3977 section 8.6. */
const headers = defineCommand({
  name: 'LIST HEADERS',
  syntax: '[MSGID|RANGE]',
  audience: 'reader',
  args: [0, 1],
  parse([form]) {
    if (form !== undefined && !/^(msgid|range)$/i.test(form)) throw syntaxError('MSGID or RANGE')
  },
  run: (session) => session.replyLines(215, 'headers and metadata items supported', [':', ':bytes', ':lines']),
})

/** LIST EXTENSIONS, of the drafts before RFC 3977. */
const extensions = defineCommand({
  name: 'LIST EXTENSIONS',
  run: (session) => session.replyLines(202, 'extensions supported', capabilityLines(session).slice(2)),
})

/** A list out of the configuration; 503 where that has none. RFC 3977 section 7.6.1. */
function configured(
  variant: string,
  text: string,
  linesOf: (config: VirtualServerConfig) => readonly string[],
): NntpCommand {
  return defineCommand({
    name: `LIST ${variant}`,
    audience: 'reader',
    run(session) {
      const lines = linesOf(session.context.config)
      if (lines.length === 0) throw new NntpError(503, 'no such list is kept here')
      session.replyLines(215, text, lines)
    },
  })
}

/** RFC 3977 section 7.6.5: weight, wildmat, value. */
const distribPats = configured('DISTRIB.PATS', 'distribution patterns follow', ({ distributions }) =>
  distributions.flatMap(({ name, groups, weight }) => (groups === undefined ? [] : [`${weight}:${groups}:${name}`])),
)
/** RFC 6048 section 2.3. */
const distributions = configured('DISTRIBUTIONS', 'list of distributions follows', (config) =>
  config.distributions.map(({ name, description }) => `${name}\t${description}`),
)
/** RFC 6048 section 2.5. */
const motd = configured('MOTD', 'message of the day follows', (config) => config.motd?.trimEnd().split(/\r?\n/) ?? [])

export const listCommands: readonly NntpCommand[] = [
  ...groupLists,
  overviewFmt,
  headers,
  extensions,
  distribPats,
  distributions,
  motd,
]
