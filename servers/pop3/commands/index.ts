import type { Pop3Command } from '../command.ts'
import { capa, noop, quit, stls } from './basic.ts'
import { lang, utf8 } from './international.ts'
import { apop, auth, pass, user } from './logon.ts'
import { dele, list, retr, rset, stat, top, uidl } from './messages.ts'

const rows = [apop, auth, capa, dele, lang, list, noop, pass, quit, retr, rset, stat, stls, top, uidl, user, utf8]

/** Every command, by its name in capitals. */
export const commands: ReadonlyMap<string, Pop3Command> = new Map(rows.map((row) => [row.name, row]))
