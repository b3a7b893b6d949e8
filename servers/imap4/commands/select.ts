import type { Folder } from '../../../src/storage/store/folder.ts'
import { visibleEntries } from '../captured.ts'
import { defineCommand, noArguments } from '../command.ts'
import { encodeMailboxName, findMailbox, mailboxName, readMailboxName } from '../mailbox-names.ts'
import { attributes, mailboxNode } from '../mailbox-tree.ts'
import { hasCode } from '../personality.ts'
import { claimRecent } from '../recent.ts'
import { bad, type CommandResult, ok } from '../reply.ts'
import { permittedFlags, rightsOf } from '../rights.ts'
import { type Opened, Selection } from '../selection.ts'
import { type Identity, type ImapSession, type LoggedOn, loggedOn, selected } from '../state.ts'
import { type Resync, sendResync } from '../updates.ts'
import type { Cursor } from '../wire/cursor.ts'
import { SYSTEM_FLAGS } from '../wire/flags.ts'
import { knownUids, type NumberRange } from '../wire/sequence-set.ts'
import { expungeDeleted } from './expunge.ts'

/** Defines SELECT or EXAMINE, which opens the mailbox for reading only. */
function openCommand(name: string, examined: boolean) {
  return defineCommand({
    name,
    states: loggedOn,
    parse: selectRequest,
    updates: 'none',
    run: (session, state, request) => open(session, state, request, examined),
  })
}

/** SELECT mailbox [parameters]. RFC 9051 section 6.3.2; RFC 7162 section 3.2.5. */
export const select = openCommand('SELECT', false)

/** EXAMINE mailbox [parameters]: opens the mailbox for reading only. RFC 9051 section 6.3.3. */
export const examine = openCommand('EXAMINE', true)

/** UNSELECT: leaves the mailbox without changing it. RFC 3691; RFC 9051 section 6.4.2. */
export const unselect = defineCommand({
  name: 'UNSELECT',
  needsNoRefresh: true,
  states: selected,
  parse: noArguments,
  run(session) {
    session.deselect()
    return ok()
  },
})

/** CLOSE: leaves the mailbox and expunges the messages marked `\Deleted`, without EXPUNGE responses. RFC 9051 section 6.4.1. */
export const close = defineCommand({
  name: 'CLOSE',
  states: selected,
  parse: noArguments,
  updates: 'none',
  async run(session, { selection }) {
    const mayExpunge = !selection.isExamined && selection.rights.includes('e') // RFC 4314 section 4
    if (mayExpunge && !selection.isDeleted) await expungeDeleted(session, selection)
    session.deselect()
    return ok() // never with HIGHESTMODSEQ. RFC 7162 section 3.2.8
  },
})

interface SelectParameters {
  readonly condstore?: true
  readonly resync?: Resync
}

interface SelectRequest {
  readonly name: string
  readonly parameters: SelectParameters
}

function selectRequest(cursor: Cursor, session: ImapSession): SelectRequest {
  cursor.space()
  const name = readMailboxName(cursor, session)
  return { name, parameters: cursor.take(' ') ? selectParameters(cursor, session) : {} }
}

/** Reads `(CONDSTORE)` or `(QRESYNC (…))`. RFC 7162 section 7. */
function selectParameters(cursor: Cursor, session: ImapSession): SelectParameters {
  let parameters: SelectParameters = {}
  cursor.list(() => {
    const name = cursor.keyword()
    if (name === 'CONDSTORE') {
      parameters = { ...parameters, condstore: true }
      return
    }
    if (name !== 'QRESYNC') throw bad(`Unknown SELECT parameter ${name}.`)
    if (!session.enabled.has('QRESYNC')) throw bad('Use ENABLE QRESYNC first.') // RFC 7162 section 3.2.5
    parameters = { ...parameters, resync: resync(cursor, session) }
  })
  return parameters
}

function resync(cursor: Cursor, session: ImapSession): Resync {
  cursor.space()
  cursor.expect('(')
  const uidValidity = cursor.nzNumber()
  cursor.space()
  const modSeq = cursor.number64()
  if (modSeq === 0) throw bad('A mod-sequence is not 0.') // RFC 7162 section 7, mod-sequence-value
  let known: NumberRange[] | undefined
  if (cursor.take(' ')) {
    if (cursor.ahead !== '(') known = knownUids(cursor)
    if (known === undefined || cursor.take(' ')) skipMatchData(cursor, session)
  }
  cursor.expect(')')
  return { uidValidity, modSeq, ...(known ? { known } : {}) }
}

/** Skips pairs of sequence numbers and uids. They help servers that do not record expunged uids; this server does. */
function skipMatchData(cursor: Cursor, session: ImapSession): void {
  // RFC 9586 section 3
  if (session.enabled.has('UIDONLY')) throw bad('Sequence numbers are not allowed under UIDONLY.', 'UIDREQUIRED')
  cursor.expect('(')
  knownUids(cursor)
  cursor.space()
  knownUids(cursor)
  cursor.expect(')')
}

async function open(
  session: ImapSession,
  state: LoggedOn,
  { name, parameters }: SelectRequest,
  examined: boolean,
): Promise<CommandResult> {
  const { identity } = state
  // The old mailbox is closed even if the new one cannot be opened. RFC 9051 section 6.3.2
  const sendsClosed = session.words === undefined || hasCode(session.words, 'CLOSED')
  if (state.name === 'selected' && sendsClosed) session.send('* OK [CLOSED] Previous mailbox closed\r\n')
  session.deselect()
  const folder = await findMailbox(session, identity, name, 'NONEXISTENT', 'r')
  const { selection, opened } = await Selection.open(session.context.store, folder, {
    sessionId: session.sessionId,
    isExamined: examined,
    rights: await rightsOf(session, identity, folder),
    sees: visibleEntries(session, identity, folder),
  })
  session.enter({ name: 'selected', identity, selection })
  followRights(session, identity, selection)
  if (parameters.condstore) session.enabled.add('CONDSTORE')
  await claimRecent(session, selection)
  session.send(await description(session, identity, selection, opened, name))
  if (parameters.resync) await sendResync(session, selection, parameters.resync)
  return ok(selection.readOnly ? 'READ-ONLY' : 'READ-WRITE')
}

/** Applies changes of the mailbox's access control list while it is selected. RFC 4314 section 4. */
function followRights(session: ImapSession, identity: Identity, selection: Selection): void {
  selection.onAccessChange = () => {
    const renew = async (): Promise<void> => {
      selection.rights = await rightsOf(session, identity, selection.folder)
    }
    renew().catch((err) => {
      // Rights that cannot be read are not granted.
      selection.rights = ''
      session.context.log.warn({ session: session.connection.record.id, err }, 'imap4: rights could not be read')
    })
  }
}

/**
 * Returns the responses that describe a mailbox when it is opened. RFC 9051 section 6.3.2.
 * @param asked the name in the command
 */
async function description(
  session: ImapSession,
  identity: Identity,
  selection: Selection,
  opened: Opened,
  asked: string,
): Promise<string> {
  const { folder, messages, knownFlags } = selection
  const isRev2 = session.enabled.has('IMAP4rev2')
  for (const flag of [...SYSTEM_FLAGS, ...opened.flags]) knownFlags.add(flag)
  const select = session.words?.select
  if (select) {
    const lines = select({
      ...opened,
      exists: messages.length,
      recent: selection.recentCount,
      flags: [...knownFlags],
      permanentFlags: permanentFlags(selection),
      unseen: opened.firstUnseen,
      uidValidity: folder.uidValidity,
    })
    return lines.map((line) => `* ${line}\r\n`).join('')
  }
  const flags = [...knownFlags].join(' ')
  const lines = [
    `FLAGS (${flags})`,
    `OK [PERMANENTFLAGS (${permanentFlags(selection).join(' ')})] Flags that are stored`,
    `${messages.length} EXISTS`,
    ...(isRev2 ? [] : [`${selection.recentCount} RECENT`]),
    ...(opened.firstUnseen > 0 && !isRev2 ? [`OK [UNSEEN ${opened.firstUnseen}] First unseen message`] : []),
    `OK [UIDVALIDITY ${folder.uidValidity}] UIDs are valid`,
    `OK [UIDNEXT ${opened.uidNext}] Predicted next UID`,
    `OK [HIGHESTMODSEQ ${opened.highestModSeq}] Highest modification sequence`,
    `OK [MAILBOXID (${folder.id})] Mailbox identifier`, // RFC 8474 section 4.2
    ...(isRev2 ? [await listResponse(session, identity, folder, asked)] : []),
  ]
  return lines.map((line) => `* ${line}\r\n`).join('')
}

/** Returns the flags that the client can change. RFC 9051 section 6.3.2; RFC 4314 section 4. */
function permanentFlags({ isExamined, rights, knownFlags }: Selection): readonly string[] {
  if (isExamined) return []
  return [...permittedFlags(rights, [...knownFlags]), ...(rights.includes('w') ? ['\\*'] : [])]
}

/** Returns the LIST response that IMAP4rev2 adds. RFC 9051 section 6.3.2. */
async function listResponse(session: ImapSession, identity: Identity, folder: Folder, asked: string): Promise<string> {
  // INBOX may be the folder of captured mail.
  const name = asked === 'INBOX' ? asked : mailboxName(folder, identity.owner)
  const node = await mailboxNode(session, identity, name)
  return `LIST (${node ? attributes(node).join(' ') : ''}) "/" ${encodeMailboxName(name, session)}`
}
