import type { SmtpCommand } from '../command.ts'
import { auth } from './auth.ts'
import { bdat } from './bdat.ts'
import { data } from './data.ts'
import { ehlo, helo } from './ehlo.ts'
import { help } from './help.ts'
import { mail } from './mail.ts'
import { noop } from './noop.ts'
import { notImplemented } from './not-implemented.ts'
import { quit } from './quit.ts'
import { rcpt } from './rcpt.ts'
import { rset } from './rset.ts'
import { starttls } from './starttls.ts'
import { vrfy } from './vrfy.ts'

const rows = [auth, bdat, data, ehlo, helo, help, mail, noop, quit, rcpt, rset, starttls, vrfy, ...notImplemented]

/** Every command, by its name in capitals. */
export const commands: ReadonlyMap<string, SmtpCommand> = new Map(rows.map((row) => [row.name, row]))
