import { findField, headerFields, headerValue } from '../../../src/mail/headers.ts'
import { ArticleRefused } from '../../../src/news/article.ts'
import type { Folder } from '../../../src/store/types.ts'
import { defineCommand } from '../command.ts'
import { findMailbox, isPublic, mailboxName } from '../mailbox-names.ts'
import { assembled, type GivenMessage, givenMessage, newMessage } from '../message-data.ts'
import { bad, type Done, done, no } from '../reply.ts'
import { checkWritable } from '../selection.ts'
import type { Session } from '../session.ts'
import { type Identity, loggedOn, type StateOf, selected } from '../state.ts'
import type { Cursor } from '../wire/cursor.ts'
import { formatNumbers } from '../wire/sequence-set.ts'
import { checkQuota } from './quota.ts'

/** APPEND mailbox message…, all or none. RFC 9051 section 6.3.12; RFC 3502, 4469, 7889. */
export const append = defineCommand({
  name: 'APPEND',
  states: loggedOn,
  takesMessages: true,
  parse(cursor, session) {
    cursor.space()
    const name = mailboxName(cursor, session)
    const messages: GivenMessage[] = []
    do messages.push(givenMessage(cursor, session))
    while (!cursor.atEnd)
    return { name, messages }
  },
  async foresee(cursor, session, octets) {
    cursor.space()
    const name = mailboxName(cursor, session)
    if (session.state.name === 'not-authenticated' || session.state.name === 'logout') return
    await findMailbox(session, session.state.identity, name, 'TRYCREATE')
    if (!isPublic(name)) await checkQuota(session, session.state.identity, octets, 1)
  },
  async run(session, state, { name, messages }) {
    const folder = await findMailbox(session, state.identity, name, 'TRYCREATE') // RFC 9051 section 6.3.12
    const [first, ...more] = messages as [GivenMessage, ...GivenMessage[]]
    if (isPublic(name)) {
      if (more.length > 0) throw no('articles are posted one by one', 'CANNOT')
      return postArticle(session, state.identity, folder, await assembled(session, state, first))
    }
    const batch = []
    for (const given of messages) batch.push(newMessage(await assembled(session, state, given), given, folder.id))
    const octets = batch.reduce((sum, { raw }) => sum + (raw as Buffer).length, 0)
    await checkQuota(session, state.identity, octets, batch.length)
    const stored = await session.context.store.append(batch)
    const uids = stored.map(({ entry }) => entry.uid)
    return done('appended', `APPENDUID ${folder.uidValidity} ${formatNumbers(uids)}`) // RFC 4315 section 3
  },
})

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

/** Posts what was appended to a newsgroup, as any newsreader's article. @throws ImapError where the group does not let */
export async function postArticle(session: Session, { account }: Identity, folder: Folder, raw: Buffer): Promise<Done> {
  const { connection, context } = session
  if (!context.news) throw no('posting is not possible here', 'NOPERM')
  const poster = { host: connection.remote.address, account: account.user, session: connection.record.id }
  try {
    const { stored, moderator } = await context.news.post(addressedTo(folder.name, raw), poster)
    const uid = stored.find((article) => article.folder.id === folder.id)?.entry.uid
    if (uid !== undefined) return done('posted', `APPENDUID ${folder.uidValidity} ${uid}`)
    return done(moderator === undefined ? 'posted' : 'sent to the moderator')
  } catch (error) {
    if (!(error instanceof ArticleRefused)) throw error
    throw no(error.message.replace(/[^\x20-\x7e]/g, '?'), error.code === 'forbidden' ? 'NOPERM' : 'CANNOT')
  }
}

/** A mail client names the group by the mailbox alone; a Newsgroups field that is there must name it too. */
function addressedTo(group: string, raw: Buffer): Buffer {
  const fields = headerFields(raw)
  if (!findField(fields, 'newsgroups')) return Buffer.concat([Buffer.from(`Newsgroups: ${group}\r\n`, 'utf8'), raw])
  const named = (headerValue(raw, fields, 'newsgroups') ?? '').split(',').map((name) => name.trim())
  if (!named.includes(group)) throw no('Newsgroups does not name this mailbox', 'CANNOT')
  return raw
}
