import type { CopyResult, MessageEntry } from '../../../src/store/types.ts'
import { defineCommand } from '../command.ts'
import { findMailbox, isPublic, mailboxName } from '../mailbox-names.ts'
import { done, no } from '../reply.ts'
import { checkWritable, type Selection } from '../selection.ts'
import type { Session } from '../session.ts'
import { type Identity, selected } from '../state.ts'
import type { Cursor } from '../wire/cursor.ts'
import { formatNumbers, type SequenceSet, sequenceSet } from '../wire/sequence-set.ts'
import { checkQuota } from './quota.ts'

/** COPY numbers mailbox. RFC 9051 section 6.4.7; COPYUID: RFC 4315. */
export const copy = defineCommand({
  name: 'COPY',
  states: selected,
  byNumber: true,
  parse: target(false),
  run: (session, { identity, selection }, args) => runCopy(session, identity, selection, args),
})

export const uidCopy = defineCommand({
  name: 'UID COPY',
  states: selected,
  parse: target(true),
  run: (session, { identity, selection }, args) => runCopy(session, identity, selection, args),
})

/** MOVE numbers mailbox. RFC 6851; RFC 9051 section 6.4.8. */
export const move = defineCommand({
  name: 'MOVE',
  states: selected,
  byNumber: true,
  parse: target(false),
  run: (session, { identity, selection }, args) => runMove(session, identity, selection, args),
})

export const uidMove = defineCommand({
  name: 'UID MOVE',
  states: selected,
  parse: target(true),
  run: (session, { identity, selection }, args) => runMove(session, identity, selection, args),
})

interface CopyRequest {
  readonly set: SequenceSet
  readonly byUid: boolean
  readonly name: string
}

function target(byUid: boolean) {
  return (cursor: Cursor, session: Session): CopyRequest => {
    cursor.space()
    const set = sequenceSet(cursor)
    cursor.space()
    return { set, byUid, name: mailboxName(cursor, session) }
  }
}

async function runCopy(session: Session, identity: Identity, selection: Selection, request: CopyRequest) {
  const { uids, folder } = await prepare(session, identity, selection, request)
  if (uids.length === 0) return done('nothing to copy')
  const octets = uids.reduce((sum, uid) => sum + (selection.messages[selection.indexOf(uid)]?.sizeOctets ?? 0), 0)
  await checkQuota(session, identity, octets, uids.length)
  const result = await session.context.store.copy(selection.folder.id, uids, folder.id)
  checkAny(result)
  return done('copied', copyUid(folder.uidValidity, result))
}

async function runMove(session: Session, identity: Identity, selection: Selection, request: CopyRequest) {
  checkWritable(selection)
  const { uids, folder } = await prepare(session, identity, selection, request)
  if (uids.length === 0) return done('nothing to move')
  const result = await session.context.store.move(selection.folder.id, uids, folder.id)
  checkAny(result)
  // Before the EXPUNGEs, so that the client knows where they went. RFC 6851 section 4.3
  session.say(`* OK [${copyUid(folder.uidValidity, result)}] moved\r\n`)
  return done('moved', session.enabled.has('QRESYNC') ? `HIGHESTMODSEQ ${selection.highestModSeq}` : undefined)
}

async function prepare(session: Session, identity: Identity, selection: Selection, { set, byUid, name }: CopyRequest) {
  if (isPublic(name)) throw no('articles are posted by APPEND', 'NOPERM')
  const folder = await findMailbox(session, identity, name, 'TRYCREATE') // RFC 9051 section 6.4.7
  const uids = selection.resolve(set, byUid).map((index) => (selection.messages[index] as MessageEntry).uid)
  return { uids, folder }
}

/** All of them were expunged meanwhile. RFC 5530 section 3. */
function checkAny({ from }: CopyResult): void {
  if (from.length === 0) throw no('those messages have been expunged', 'EXPUNGEISSUED')
}

/** RFC 4315 section 3: both sets in the order of copying, which ascends. */
function copyUid(uidValidity: number, { from, to }: CopyResult): string {
  return `COPYUID ${uidValidity} ${formatNumbers(from)} ${formatNumbers(to)}`
}
