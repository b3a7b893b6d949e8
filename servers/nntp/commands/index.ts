import type { NntpCommand } from '../command.ts'
import { NntpError, syntaxError } from '../reply.ts'
import { article, body, head, stat } from './articles.ts'
import { compress, date, helpFor, modeReader, quit, starttls } from './basic.ts'
import { capabilities } from './capabilities.ts'
import { hdr, xhdr, xpat, xrover } from './fields.ts'
import { group, last, listgroup, newnews, next } from './groups.ts'
import { listCommands, newgroups, xgtitle } from './lists.ts'
import { authinfoGeneric, authinfoPass, authinfoSasl, authinfoUser } from './logon.ts'
import { over, xover } from './overview.ts'
import { post } from './posting.ts'
import { check, ihave, modeStream, takethis } from './transfer.ts'

/** Every command, in the order of HELP. */
const commands: readonly NntpCommand[] = [
  article,
  authinfoGeneric,
  authinfoPass,
  authinfoSasl,
  authinfoUser,
  body,
  capabilities,
  check,
  compress,
  date,
  group,
  hdr,
  head,
  helpFor(() => commands),
  ihave,
  last,
  ...listCommands,
  listgroup,
  modeReader,
  modeStream,
  newgroups,
  newnews,
  next,
  over,
  post,
  quit,
  starttls,
  stat,
  takethis,
  xgtitle,
  xhdr,
  xover,
  xpat,
  xrover,
]

const byName = new Map(commands.map((command) => [command.name, command]))
/** The keywords that have variants: LIST, MODE, AUTHINFO. */
const withVariants = new Set(commands.filter(({ name }) => name.includes(' ')).map(({ name }) => name.split(' ')[0]))
/** The variant that a keyword alone means. RFC 3977 section 7.6.1. */
const defaultVariants = new Map([['LIST', 'LIST ACTIVE']])

/** A command line, matched to its row. */
interface FoundCommand {
  readonly command: NntpCommand
  readonly args: readonly string[]
}

/**
 * Finds the row of a command line. Keywords are case-insensitive. RFC 3977 section 3.1.
 * @throws NntpError 500 for an unknown command, 501 for an unknown variant of a known one
 */
export function findCommand(words: readonly string[]): FoundCommand {
  const keyword = (words[0] ?? '').toUpperCase()
  const command = byName.get(keyword)
  if (command) return { command, args: words.slice(1) }
  if (!withVariants.has(keyword)) throw new NntpError(500, 'Unknown command')
  const variant = words[1]
  const name = variant === undefined ? defaultVariants.get(keyword) : `${keyword} ${variant.toUpperCase()}`
  const found = name === undefined ? undefined : byName.get(name)
  if (!found) throw syntaxError(`Unknown variant of ${keyword}`)
  return { command: found, args: words.slice(2) }
}
