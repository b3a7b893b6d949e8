import type { Command } from '../command.ts'
import { xlist } from '../gmail/xlist.ts'
import { bad } from '../reply.ts'
import type { ImapSession } from '../state.ts'
import { deleteAcl, getAcl, listRights, myRights, setAcl } from './acl.ts'
import { append, replace } from './append.ts'
import {
  capability,
  check,
  compress,
  enable,
  getJmapAccess,
  id,
  logout,
  noop,
  starttls,
  unauthenticate,
} from './basic.ts'
import { copy, move } from './copy.ts'
import { expunge, uidExpunge } from './expunge.ts'
import { fetch } from './fetch.ts'
import { idle } from './idle.ts'
import { list, lsub, namespace } from './list.ts'
import { authenticate, login } from './logon.ts'
import { create, deleteMailbox, rename, subscribe, unsubscribe } from './mailboxes.ts'
import { getMetadata, setMetadata } from './metadata.ts'
import { notify } from './notify.ts'
import { getQuota, getQuotaRoot, setQuota } from './quota.ts'
import { rlist, rlsub } from './remote-list.ts'
import { cancelUpdates, search, sort, thread } from './search.ts'
import { close, examine, select, unselect } from './select.ts'
import { status } from './status.ts'
import { store } from './store.ts'
import { genUrlAuth, resetKeys, urlFetch } from './urlauth.ts'

const rows: readonly Command[] = [
  ...[capability, noop, logout, id, enable, starttls, compress, getJmapAccess, idle, notify],
  ...[login, authenticate, unauthenticate],
  ...[create, deleteMailbox, rename, subscribe, unsubscribe, list, lsub, rlist, rlsub, xlist, namespace, status],
  ...[getMetadata, setMetadata],
  ...[genUrlAuth, resetKeys, urlFetch],
  ...[setAcl, deleteAcl, getAcl, listRights, myRights],
  ...[getQuota, getQuotaRoot, setQuota],
  ...[select, examine, check, close, unselect, expunge, uidExpunge],
  ...[append, ...replace, ...fetch, ...store, ...copy, ...move, ...search, ...sort, ...thread, cancelUpdates],
]

/** Every command, by its name in capitals. */
const commands: ReadonlyMap<string, Command> = new Map(rows.map((row) => [row.name, row]))

/** Returns whether a command of this name exists. */
export const isCommand = (name: string): boolean => commands.has(name)

/** Returns the command of that name. @throws ImapError if it does not exist or is not allowed now */
export function findCommand({ state, enabled }: ImapSession, name: string): Command {
  const command = commands.get(name)
  if (!command) throw bad('Unknown command.') // not quoted: it may be a password
  if (!command.states.includes(state.name)) throw bad(`${name} is not allowed in this state.`)
  // RFC 9586 section 3
  if (command.bySequenceNumber && enabled.has('UIDONLY')) throw bad(`Use UID ${name}.`, 'UIDREQUIRED')
  return command
}
