import type { NntpCommand } from '../command.ts'
import { NntpError, syntaxError } from '../reply.ts'
import { article, body, head, stat } from './article.ts'
import { authinfoGeneric, authinfoPass, authinfoUser } from './authinfo.ts'
import { authinfoSasl } from './authinfo-sasl.ts'
import { capabilities } from './capabilities.ts'
import { check } from './check.ts'
import { compress } from './compress.ts'
import { date } from './date.ts'
import { group } from './group.ts'
import { hdr, xhdr, xrover } from './hdr.ts'
import { help } from './help.ts'
import { ihave } from './ihave.ts'
import { last } from './last.ts'
import { listCommands } from './list.ts'
import { listgroup } from './listgroup.ts'
import { modeReader } from './mode-reader.ts'
import { modeStream } from './mode-stream.ts'
import { newgroups } from './newgroups.ts'
import { newnews } from './newnews.ts'
import { next } from './next.ts'
import { over, xover } from './over.ts'
import { post } from './post.ts'
import { quit } from './quit.ts'
import { starttls } from './starttls.ts'
import { takethis } from './takethis.ts'
import { xgtitle } from './xgtitle.ts'
import { xpat } from './xpat.ts'

/** Every command, as HELP lists them. */
export const commands: readonly NntpCommand[] = [
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
  help,
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
const withVariants = new Set(commands.filter(({ name }) => name.includes(' ')).map(({ name }) => name.split(' ')[0]))
/** What a bare keyword means. RFC 3977 section 7.6.1. */
const bareVariants = new Map([['LIST', 'LIST ACTIVE']])

export interface FoundCommand {
  readonly command: NntpCommand
  readonly args: readonly string[]
}

/**
 * The row of a command line; keywords in any case. RFC 3977 section 3.1.
 * @throws NntpError 500 for an unknown command, 501 for an unknown variant of a known one
 */
export function findCommand(words: readonly string[]): FoundCommand {
  const keyword = (words[0] ?? '').toUpperCase()
  const command = byName.get(keyword)
  if (command) return { command, args: words.slice(1) }
  if (!withVariants.has(keyword)) throw new NntpError(500, 'unknown command')
  const variant = words[1]
  const name = variant === undefined ? bareVariants.get(keyword) : `${keyword} ${variant.toUpperCase()}`
  const found = name === undefined ? undefined : byName.get(name)
  if (!found) throw syntaxError(`unknown variant of ${keyword}`)
  return { command: found, args: words.slice(2) }
}
