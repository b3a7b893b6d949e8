import type { SmtpCommand } from '../command.ts'
import { auth } from './auth.ts'
import { bdat } from './bdat.ts'
import { data } from './data.ts'
import { ehlo, helo } from './ehlo.ts'
import { help } from './help.ts'
import { notImplemented } from './not-implemented.ts'
import { starttls } from './starttls.ts'
import { vrfy } from './vrfy.ts'

const rows = [auth, bdat, data, ehlo, helo, help, starttls, vrfy, ...notImplemented]

/** Every command that is ours, by its name in capitals. */
export const commands: ReadonlyMap<string, SmtpCommand> = new Map(rows.map((row) => [row.name, row]))

/** Those that are the engine's. All others it knows (WIZ, SHELL, KILL, XCLIENT, XFORWARD, LHLO) are not to be had. */
export const fromEngine: ReadonlySet<string> = new Set(['MAIL', 'RCPT', 'RSET', 'NOOP', 'QUIT'])
