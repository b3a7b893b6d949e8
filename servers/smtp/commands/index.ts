import type { SmtpCommand } from '../command.ts'
import { bdat, data } from './content.ts'
import { xclient, xforward } from './forwarding.ts'
import { auth, starttls } from './logon.ts'
import { ehlo, helo, help, noop, notImplemented, quit, vrfy } from './session.ts'
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

/** Every command by its name in capitals. */
export const commands: ReadonlyMap<string, SmtpCommand> = new Map(rows.map((row) => [row.name, row]))
