import { assembled, newMessage } from '../assemble.ts'
import { defineCommand } from '../command.ts'
import { findMailbox, isPublic, mailboxName } from '../mailbox-names.ts'
import { checkQuota } from '../quota.ts'
import { bad, done, no } from '../reply.ts'
import { checkWritable } from '../selection.ts'
import type { Session } from '../session.ts'
import { type StateOf, selected } from '../state.ts'
import { type GivenMessage, givenMessage } from '../wire/append-messages.ts'
import type { Cursor } from '../wire/cursor.ts'

/** REPLACE number mailbox message: a new message in the place of an old one. RFC 8508. */
export const replace = defineCommand({
  name: 'REPLACE',
  states: selected,
  takesMessages: true,
  byNumber: true,
  parse: replaceRequest(false),
  run: runReplace,
})

export const uidReplace = defineCommand({
  name: 'UID REPLACE',
  states: selected,
  takesMessages: true,
  parse: replaceRequest(true),
  run: runReplace,
})

interface ReplaceRequest {
  readonly number: number
  readonly byUid: boolean
  readonly name: string
  readonly message: GivenMessage
}

function replaceRequest(byUid: boolean) {
  return (cursor: Cursor, session: Session): ReplaceRequest => {
    cursor.space()
    const highest = session.state.name === 'selected' ? session.state.selection.messages : []
    const last = byUid ? highest.at(-1)?.uid : highest.length
    const number = cursor.take('*') ? (last ?? 0) : cursor.nzNumber()
    cursor.space()
    return { number, byUid, name: mailboxName(cursor, session), message: givenMessage(cursor, session) }
  }
}

async function runReplace(session: Session, state: StateOf<'selected'>, request: ReplaceRequest) {
  const { selection, identity } = state
  const { store } = session.context
  checkWritable(selection)
  const [index] = selection.resolve([{ from: request.number, to: request.number }], request.byUid)
  const old = index === undefined ? undefined : selection.messages[index]
  if (!old) throw request.byUid ? no('there is no such message', 'NONEXISTENT') : bad('there is no such message')
  if (isPublic(request.name)) throw no('articles are posted by APPEND', 'NOPERM')
  const folder = await findMailbox(session, identity, request.name, 'TRYCREATE')
  const raw = await assembled(session, state, request.message)
  await checkQuota(session, identity, raw.length - old.sizeOctets, 0)
  const [stored] = await store.append([newMessage(raw, request.message, folder.id)])
  // RFC 8508 section 3.3: the client learns where the new one is before the old one goes.
  session.say(`* OK [APPENDUID ${folder.uidValidity} ${stored?.entry.uid}] replacement stored\r\n`)
  await store.expunge(selection.folder.id, [old.uid], selection)
  // RFC 7162 section 3.2.7
  return done('replaced', session.enabled.has('QRESYNC') ? `HIGHESTMODSEQ ${selection.highestModSeq}` : undefined)
}
