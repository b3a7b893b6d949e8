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

/** Texts of the configuration. 503 where it has none. RFC 3977 section 7.6.1, RFC 6048 sections 2.3 and 2.5. */
const notMaintained = (name: string): NntpCommand =>
  defineCommand({
    name,
    audience: 'reader',
    run() {
      throw new NntpError(503, 'no such list is kept here')
    },
  })

export const listCommands: readonly NntpCommand[] = [
  ...groupLists,
  overviewFmt,
  headers,
  extensions,
  notMaintained('LIST DISTRIB.PATS'),
  notMaintained('LIST DISTRIBUTIONS'),
  notMaintained('LIST MOTD'),
]
