import { findField, headerFields, headerValue } from '../../../src/mail/format/headers.ts'
import type { Folder } from '../../../src/storage/store/folder.ts'
import { isVisibleTo } from '../../../src/storage/store/visible.ts'
import { ArticleRefused, type RefusalCode } from '../../../src/transport/news/article.ts'
import { allGroups } from '../../../src/transport/news/inject.ts'
import {
  type AppendMessage,
  type AssembledMessage,
  appendMessage,
  assembleMessage,
  hasUtf8Header,
  newMessage,
  wholeMessage,
} from '../append-message.ts'
import { defineCommand, defineMessageCommand } from '../command.ts'
import { checkStorable, findMailbox, isPublic, readMailboxName } from '../mailbox-names.ts'
import { checkMessageLimit } from '../message-limit.ts'
import { bad, type CommandResult, no, ok } from '../reply.ts'
import { checkRights, permittedFlags, rightsOf } from '../rights.ts'
import { type Identity, type ImapSession, type LoggedOn, loggedOn, originOf } from '../state.ts'
import { highestModSeqCode } from '../updates.ts'
import { formatNumbers } from '../wire/sequence-set.ts'
import { checkQuota, holderOf, holdLimit } from './quota.ts'

/** APPEND mailbox message… Stores all messages or none. RFC 9051 section 6.3.12; RFC 3502, 4469, 7889. */
export const append = defineCommand({
  name: 'APPEND',
  needsNoRefresh: true,
  states: loggedOn,
  takesMessages: true,
  parse(cursor, session) {
    cursor.space()
    const name = readMailboxName(cursor, session)
    const messages: AppendMessage[] = []
    do messages.push(appendMessage(cursor, session))
    while (!cursor.atEnd)
    return { name, messages }
  },
  checkLiteral(cursor, session, octets) {
    cursor.space()
    const name = readMailboxName(cursor, session)
    if (session.state.name === 'not-authenticated' || session.state.name === 'logout') return
    const { identity } = session.state
    const checkRoom = (folder: Folder): Promise<void> | undefined =>
      isPublic(name)
        ? undefined
        : checkQuota(session, holderOf(session, identity, folder), () => ({ octets, messages: 1 }))
    const finding = findMailbox(session, identity, name, 'TRYCREATE', 'i')
    return finding instanceof Promise ? finding.then(checkRoom) : checkRoom(finding)
  },
  async run(session, state, { name, messages }) {
    checkMessageLimit(session, messages.length)
    const folder = await findMailbox(session, state.identity, name, 'TRYCREATE', 'i') // RFC 9051 section 6.3.12
    if (!isPublic(name)) checkStorable(name)
    if (!session.utf8 && messages.some(hasUtf8Header))
      throw no('The header has UTF-8. Use ENABLE UTF8=ACCEPT or IMAP4rev2 first.', 'CANNOT') // RFC 9755 section 4
    const [first, ...more] = messages as [AppendMessage, ...AppendMessage[]]
    await endOfData(session, state, first)
    if (isPublic(name)) {
      if (more.length > 0) throw no('Articles must be posted one at a time.', 'CANNOT')
      return postArticle(session, state.identity, folder, await assembleMessage(session, state, first))
    }
    const rights = await rightsOf(session, state.identity, folder)
    const holder = holderOf(session, state.identity, folder)
    const limit = await holdLimit(session, holder)
    const batch = []
    let octets = 0
    for (const message of messages) {
      const assembled = await assembleMessage(session, state, message)
      octets += assembled.octets
      // Flags that the account may not set are left out. RFC 4314 section 4
      const flags = permittedFlags(rights, message.flags)
      batch.push(newMessage(assembled.raw, { ...message, flags }, folder.id, limit))
    }
    await checkQuota(session, holder, () => ({ octets, messages: batch.length }))
    const stored = await session.context.store.append(batch, originOf(session))
    const uids = stored.map(({ entry }) => entry.uid)
    return ok(`APPENDUID ${folder.uidValidity} ${formatNumbers(uids)}`) // RFC 4315 section 3
  },
})

/** REPLACE number mailbox message: stores a message and expunges an old one. RFC 8508. */
export const replace = defineMessageCommand({
  name: 'REPLACE',
  takesMessages: true,
  parse(cursor, session, byUid) {
    cursor.space()
    const messages = session.state.name === 'selected' ? session.state.selection.messages : []
    const last = byUid ? messages.at(-1)?.uid : messages.length
    const number = cursor.take('*') ? (last ?? 0) : cursor.nzNumber()
    cursor.space()
    return { number, name: readMailboxName(cursor, session), message: appendMessage(cursor, session) }
  },
  async run(session, state, { number, name, message }, byUid) {
    const { selection, identity } = state
    const { store } = session.context
    checkRights(selection, 'te') // RFC 8508 section 4
    const [index] = selection.resolve([{ from: number, to: number }], byUid)
    const old = index === undefined ? undefined : selection.messages.at(index)
    if (!old) throw byUid ? no('The message does not exist.', 'NONEXISTENT') : bad('The message does not exist.')
    checkStorable(name)
    const folder = await findMailbox(session, identity, name, 'TRYCREATE', 'i')
    const flags = permittedFlags(await rightsOf(session, identity, folder), message.flags)
    await endOfData(session, state, message)
    const { raw, octets } = await assembleMessage(session, state, message)
    const freed = selection.folder.owner === folder.owner ? { octets: old.sizeOctets, messages: 1 } : NOTHING
    const holder = holderOf(session, identity, folder)
    await checkQuota(session, holder, () => ({ octets: octets - freed.octets, messages: 1 - freed.messages }))
    const limit = await holdLimit(session, holder, freed)
    const [stored] = await store.append([newMessage(raw, { ...message, flags }, folder.id, limit)], selection)
    // Sent before the EXPUNGE, so that the client always knows one of the two messages. RFC 8508 section 3.3
    session.send(`* OK [APPENDUID ${folder.uidValidity} ${stored?.entry.uid}] Replacement stored\r\n`)
    await store.expunge(selection.folder.id, [old.uid], selection)
    return ok(highestModSeqCode(session, selection)) // RFC 7162 section 3.2.7
  },
})

/** The part of an account's quota that expunging captured mail frees. */
const NOTHING = { octets: 0, messages: 0 }

/** Injects the faults after the content. Functions see the first message of the command. @throws FaultAnswered */
function endOfData(session: ImapSession, state: LoggedOn, message: AppendMessage): Promise<void> | undefined {
  return session.connection.endOfData(async () => wholeMessage(await assembleMessage(session, state, message)))
}

/** RFC 5530 section 3: only UNAVAILABLE invites to try again. */
const REFUSAL_CODES: Partial<Record<RefusalCode, string>> = { forbidden: 'NOPERM', later: 'UNAVAILABLE' }

/** Posts a message appended to a newsgroup, like an article from a newsreader. @throws ImapError if the group refuses it */
async function postArticle(
  session: ImapSession,
  { account }: Identity,
  folder: Folder,
  message: AssembledMessage,
): Promise<CommandResult> {
  const { connection, context } = session
  if (!context.news) throw no('Posting is not available on this virtual server.', 'NOPERM')
  const { user } = account
  const tenant = context.tenants.scopeOf(user)
  const rights = { ...allGroups, sees: (group: Folder) => isVisibleTo(group, user, tenant) }
  const poster = { host: connection.remote.address, account: user, session: connection.record.id, rights }
  // The article is read as a whole, and written again with further fields.
  using memory = connection.memory.reservation('messages')
  memory.grow(2 * message.octets)
  try {
    const raw = addressedTo(folder.name, await wholeMessage(message))
    const { stored, moderator } = await context.news.post(raw, poster)
    const uid = stored.find((article) => article.folder.id === folder.id)?.entry.uid
    if (uid !== undefined) return ok(`APPENDUID ${folder.uidValidity} ${uid}`)
    return moderator === undefined ? ok() : ok(undefined, 'APPEND completed, article sent to the moderator')
  } catch (error) {
    if (!(error instanceof ArticleRefused)) throw error
    throw no(error.message, REFUSAL_CODES[error.code] ?? 'CANNOT')
  }
}

/** Adds the Newsgroups field, which mail clients do not write. @throws ImapError if the field does not name the group */
function addressedTo(group: string, raw: Buffer): Buffer {
  const fields = headerFields(raw)
  if (!findField(fields, 'newsgroups')) return Buffer.concat([Buffer.from(`Newsgroups: ${group}\r\n`, 'utf8'), raw])
  const named = (headerValue(raw, fields, 'newsgroups') ?? '').split(',').map((name) => name.trim())
  if (!named.includes(group)) throw no('The Newsgroups field does not name this mailbox.', 'CANNOT')
  return raw
}
