import { findField, headerFields, headerValue } from '../../src/mail/headers.ts'
import { ArticleRefused } from '../../src/news/errors.ts'
import type { Folder } from '../../src/store/types.ts'
import { type Done, done, no } from './reply.ts'
import type { Session } from './session.ts'
import type { Identity } from './state.ts'

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
