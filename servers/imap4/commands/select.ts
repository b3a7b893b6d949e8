import type { Folder } from '../../../src/store/types.ts'
import { defineCommand, noArguments } from '../command.ts'
import { findMailbox, fullName, isPublic, mailboxName, nameForm } from '../mailbox-names.ts'
import { attributes, mailboxTree } from '../mailbox-tree.ts'
import { bad, done } from '../reply.ts'
import { type Opened, Selection } from '../selection.ts'
import type { Session } from '../session.ts'
import { loggedOn, type StateOf, selected } from '../state.ts'
import { claimRecent, tellResync } from '../updates.ts'
import type { Cursor } from '../wire/cursor.ts'
import { knownUids, type NumberRange } from '../wire/sequence-set.ts'
import { expungeDeleted } from './expunge.ts'

/** SELECT mailbox [parameters]. RFC 9051 section 6.3.2; RFC 7162 section 3.2.5. */
export const select = defineCommand({
  name: 'SELECT',
  states: loggedOn,
  parse: mailboxToOpen,
  updates: 'none',
  run: (session, state, args) => open(session, state, args, false),
})

/** EXAMINE: the same, and nothing can be changed. RFC 9051 section 6.3.3. */
export const examine = defineCommand({
  name: 'EXAMINE',
  states: loggedOn,
  parse: mailboxToOpen,
  updates: 'none',
  run: (session, state, args) => open(session, state, args, true),
})

interface ToOpen {
  readonly name: string
  readonly parameters: SelectParameters
}

function mailboxToOpen(cursor: Cursor, session: Session): ToOpen {
  cursor.space()
  const name = mailboxName(cursor, session)
  return { name, parameters: cursor.take(' ') ? selectParameters(cursor, session) : {} }
}

async function open(
  session: Session,
  state: StateOf<'authenticated'> | StateOf<'selected'>,
  { name, parameters }: ToOpen,
  examined: boolean,
) {
  // Whether the new one opens or not, the old one is closed. RFC 9051 section 6.3.2
  if (state.name === 'selected') session.say('* OK [CLOSED] the previous mailbox is closed\r\n')
  session.deselect()
  const folder = await findMailbox(session, state.identity, name)
  const { selection, opened } = await Selection.open(session.context.store, folder, examined || isPublic(name))
  session.select(state, selection)
  if (parameters.condstore) session.enabled.add('CONDSTORE')
  claimRecent(session, selection)
  session.say(await description(session, state, selection, opened))
  if (parameters.resync) await tellResync(session, selection, parameters.resync)
  return done('selected', selection.readOnly ? 'READ-ONLY' : 'READ-WRITE')
}

const SYSTEM_FLAGS = ['\\Answered', '\\Flagged', '\\Deleted', '\\Seen', '\\Draft']

/** What a client is told of a mailbox it opens. RFC 9051 section 6.3.2. */
async function description(session: Session, state: Parameters<typeof open>[1], selection: Selection, opened: Opened) {
  const { folder, messages, knownFlags, readOnly } = selection
  const revision2 = session.enabled.has('IMAP4rev2')
  for (const flag of [...SYSTEM_FLAGS, ...opened.flags]) knownFlags.add(flag)
  const flags = [...knownFlags].join(' ')
  const lines = [
    `FLAGS (${flags})`,
    `OK [PERMANENTFLAGS (${readOnly ? '' : `${flags} \\*`})] flags that last`,
    `${messages.length} EXISTS`,
    ...(revision2 ? [] : [`${selection.recent.size} RECENT`]),
    ...(opened.firstUnseen > 0 && !revision2 ? [`OK [UNSEEN ${opened.firstUnseen}] first unseen message`] : []),
    `OK [UIDVALIDITY ${folder.uidValidity}] uids are valid`,
    `OK [UIDNEXT ${opened.uidNext}] next uid`,
    `OK [HIGHESTMODSEQ ${opened.highestModSeq}] highest modification`,
    `OK [MAILBOXID (${folder.id})] its identity`, // RFC 8474 section 4.2
    ...(revision2 ? [await listed(session, state, folder)] : []),
  ]
  return lines.map((line) => `* ${line}\r\n`).join('')
}

/** The LIST response that IMAP4rev2 adds. RFC 9051 section 6.3.2. */
async function listed(session: Session, { identity }: Parameters<typeof open>[1], folder: Folder): Promise<string> {
  const name = fullName(folder)
  const node = (await mailboxTree(session, identity)).find((candidate) => candidate.name === name)
  return `LIST (${node ? attributes(node).join(' ') : ''}) "/" ${nameForm(name, session)}`
}

/** UNSELECT: leaves the mailbox as it is. RFC 3691; RFC 9051 section 6.4.2. */
export const unselect = defineCommand({
  name: 'UNSELECT',
  states: selected,
  parse: noArguments,
  run(session) {
    session.deselect()
    return done('unselected')
  },
})

/** CLOSE: removes what is marked, untold, and leaves. RFC 9051 section 6.4.1. */
export const close = defineCommand({
  name: 'CLOSE',
  states: selected,
  parse: noArguments,
  updates: 'none',
  async run(session, { selection }) {
    if (!selection.readOnly && !selection.isGone) await expungeDeleted(session, selection)
    const code = session.enabled.has('QRESYNC') ? `HIGHESTMODSEQ ${selection.highestModSeq}` : undefined
    session.deselect()
    return done('closed', code) // RFC 7162 section 3.2.8
  },
})

/** What a client remembers of a mailbox. RFC 7162 section 3.2.5. */
export interface Resync {
  readonly uidValidity: number
  readonly modSeq: number
  readonly known?: readonly NumberRange[]
}

export interface SelectParameters {
  readonly condstore?: true
  readonly resync?: Resync
}

/** `(CONDSTORE)`, `(QRESYNC (…))`. RFC 7162 section 7. */
export function selectParameters(cursor: Cursor, session: Session): SelectParameters {
  let parameters: SelectParameters = {}
  cursor.list(() => {
    const name = cursor.keyword()
    if (name === 'CONDSTORE') parameters = { ...parameters, condstore: true }
    else if (name === 'QRESYNC' && session.enabled.has('QRESYNC'))
      parameters = { ...parameters, resync: resync(cursor, session) }
    else if (name === 'QRESYNC')
      throw bad('ENABLE QRESYNC first') // RFC 7162 section 3.2.5
    else throw bad(`unknown parameter ${name}`)
  })
  return parameters
}

function resync(cursor: Cursor, session: Session): Resync {
  cursor.space()
  cursor.expect('(')
  const uidValidity = cursor.nzNumber()
  cursor.space()
  const modSeq = cursor.number64()
  let known: NumberRange[] | undefined
  if (cursor.take(' ')) {
    if (cursor.ahead !== '(') known = knownUids(cursor)
    if (known === undefined || cursor.take(' ')) matchData(cursor, session)
  }
  cursor.expect(')')
  return { uidValidity, modSeq, ...(known ? { known } : {}) }
}

/** Sequence numbers and uids that belong together: a help to servers that forget expunges, which this one does not. */
function matchData(cursor: Cursor, session: Session): void {
  // RFC 9586 section 3
  if (session.enabled.has('UIDONLY')) throw bad('sequence numbers may not be used now', 'UIDREQUIRED')
  cursor.expect('(')
  knownUids(cursor)
  cursor.space()
  knownUids(cursor)
  cursor.expect(')')
}
