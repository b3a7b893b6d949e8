import type { SmtpCommand, SmtpSession } from '../command.ts'
import { ehlo, helo, help, lhlo, noop, notImplemented, quit, refusedInLmtp, vrfy } from './basic.ts'
import { bdat, data } from './content.ts'
import { exchangeCommands } from './exchange.ts'
import { xclient, xforward } from './forwarding.ts'
import { auth, starttls } from './logon.ts'
import { mail, rcpt, rset } from './transaction.ts'

const rows = [
  auth,
  bdat,
  data,
  ehlo,
  helo,
  help,
  mail,
  noop,
  quit,
  rcpt,
  rset,
  starttls,
  vrfy,
  xclient,
  xforward,
  ...notImplemented,
]

const rowsByName = (all: readonly SmtpCommand[]): ReadonlyMap<string, SmtpCommand> =>
  new Map(all.map((row) => [row.name, row]))

/** Every command by its name in capitals. */
export const commands = rowsByName(rows)
/** The commands of LMTP. */
const ofLmtp = rowsByName([...rows, lhlo, ...refusedInLmtp])
/** The commands of personalities, which a virtual server has only if its personality names them. */
const others = rowsByName(exchangeCommands)

/** Returns the command of that name on the session's virtual server. */
export function findCommand({ words, isLmtp }: SmtpSession, verb: string): SmtpCommand | undefined {
  if (isLmtp) return ofLmtp.get(verb)
  return words?.verbs?.includes(verb) ? others.get(verb) : commands.get(verb)
}
