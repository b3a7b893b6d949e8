import type { Command } from './command.ts'
import { append, replace, uidReplace } from './commands/append.ts'
import { capability, check, compress, enable, id, logout, noop, starttls } from './commands/basic.ts'
import { copy, move, uidCopy, uidMove } from './commands/copy.ts'
import { expunge, uidExpunge } from './commands/expunge.ts'
import { fetch, uidFetch } from './commands/fetch.ts'
import { idle } from './commands/idle.ts'
import { list, lsub, namespace } from './commands/list.ts'
import { authenticate, login } from './commands/logon.ts'
import { create, deleteMailbox, rename, subscribe, unsubscribe } from './commands/mailboxes.ts'
import { getQuota, getQuotaRoot, setQuota } from './commands/quota.ts'
import { search, sort, thread, uidSearch, uidSort, uidThread } from './commands/search.ts'
import { close, examine, select, unselect } from './commands/select.ts'
import { status } from './commands/status.ts'
import { store, uidStore } from './commands/store.ts'
import { bad, ImapError, no } from './reply.ts'
import type { Session } from './session.ts'
import type { LiteralAhead } from './wire/command-reader.ts'

const rows: readonly Command[] = [
  capability,
  noop,
  logout,
  id,
  starttls,
  login,
  authenticate,
  enable,
  namespace,
  select,
  examine,
  create,
  deleteMailbox,
  rename,
  subscribe,
  unsubscribe,
  list,
  lsub,
  status,
  append,
  idle,
  check,
  close,
  unselect,
  expunge,
  uidExpunge,
  search,
  uidSearch,
  fetch,
  uidFetch,
  store,
  uidStore,
  copy,
  uidCopy,
  move,
  uidMove,
  replace,
  uidReplace,
  sort,
  uidSort,
  thread,
  uidThread,
  compress,
  getQuota,
  getQuotaRoot,
  setQuota,
]

/** Every command by its name in upper case. */
export const commands: ReadonlyMap<string, Command> = new Map(rows.map((row) => [row.name, row]))

/** Literals of commands that take no messages. RFC 9051 section 4.3 lets a server refuse larger ones. */
const MAX_LITERAL_OCTETS = 64 * 1024
/** Of the largest messages, so many may come in one command: they are held until all are there. */
const MAX_MESSAGES_HELD = 4

/** @throws ImapError where there is no such command now */
export function commandOf(session: Session, name: string): Command {
  const command = commands.get(name)
  if (!command) throw bad(`unknown command ${name}`)
  if (!command.states.includes(session.state.name)) throw bad(`${name} may not be used in this state`)
  // RFC 9586 section 3
  if (command.byNumber && session.enabled.has('UIDONLY')) throw bad(`use UID ${name}`, 'UIDREQUIRED')
  return command
}

/** What keeps a literal from being taken, as far as that can be told from what stands in front of it. */
export async function literalRefusal(session: Session, ahead: LiteralAhead): Promise<ImapError | undefined> {
  try {
    const command = commandOf(session, ahead.name)
    command.check(session)
    checkSize(session, command, ahead)
  } catch (error) {
    return asRefusal(error)
  }
  return foreseen(session, ahead)
}

/** The refusal that the whole command would get. What cannot be read yet is left to the end. */
async function foreseen(session: Session, { name, cursor, octets }: LiteralAhead): Promise<ImapError | undefined> {
  try {
    await commandOf(session, name).foresee?.(cursor, session, octets)
    return undefined
  } catch (error) {
    const refusal = asRefusal(error)
    return refusal.status === 'NO' ? refusal : undefined
  }
}

function checkSize({ context }: Session, { takesMessages }: Command, { octets, before }: LiteralAhead): void {
  if (!takesMessages && octets > MAX_LITERAL_OCTETS) throw bad('literal too long', 'TOOBIG')
  const limit = context.config.limits.messageSize
  const isTooBig = takesMessages && (octets > limit || before + octets > limit * MAX_MESSAGES_HELD)
  if (isTooBig) throw no(`messages may have ${limit} octets`, 'TOOBIG') // RFC 7889 section 4
}

function asRefusal(error: unknown): ImapError {
  if (error instanceof ImapError) return error
  throw error
}
