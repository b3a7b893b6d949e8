import { MemoryLimitReached } from '../../../src/core/octets/memory-budget.ts'
import type { ReceivedOctets } from '../../../src/core/octets/received-octets.ts'
import { SpoolError } from '../../../src/core/octets/spool.ts'
import { TooLong } from '../../../src/net/errors.ts'
import type { Posted } from '../../../src/transport/news/inject.ts'
import { defineCommand, type NntpSession } from '../command.ts'
import { authenticationRequired, NntpError } from '../reply.ts'

/** POST. The 441 reply states why an article is refused. RFC 3977 section 6.3.1. */
export const post = defineCommand({
  name: 'POST',
  run(session) {
    checkPosting(session)
    session.connection.logon.cancelTimeout()
    session.reply(340, 'Send article to be posted')
    return withArticle(session, 441, () => (article) => {
      if (article instanceof TooLong) throw tooLongError(article, 441) // RFC 3977 section 6.3.1
      return postArticle(session, article)
    })
  },
})

function postArticle(session: NntpSession, article: Buffer): Promise<void> {
  const { access, account, connection, news } = session
  const poster = {
    host: connection.remote.address,
    account: account?.user,
    session: connection.record.id,
    rights: access,
  }
  const fault = connection.endOfData(async () => article)
  const posting = fault ? fault.then(() => news.post(article, poster)) : news.post(article, poster)
  return posting.then(({ messageId, moderator }: Posted) => {
    const outcome = moderator === undefined ? 'Article received' : 'Article mailed to the moderator'
    session.reply(240, `${outcome} ${messageId}`)
  })
}

/** Checks that the client may post. @throws NntpError 480 if a log-on would allow it, else 440. RFC 3977 section 6.3.1 */
function checkPosting(session: NntpSession): void {
  if (session.access.canPost) return
  throw session.policy.logon === 'no' ? new NntpError(440, 'Posting not permitted') : authenticationRequired()
}

/** Returns the refusal of an article over the limit. */
export const tooLongError = ({ limitOctets }: TooLong, code: number): NntpError =>
  new NntpError(code, `Article exceeds the limit of ${limitOctets} octets`)

/** The handling of an article, or of the reason why it was discarded: it is over the limit. */
type Use = (article: Buffer | TooLong) => Promise<unknown> | undefined

/**
 * Reads the article that follows a command, and uses it.
 * @param later the reply to an article for which the lab has no memory now
 * @param expect checks the command once the article has arrived, and returns what is done with it. An article that is not
 * accepted anyway is not copied.
 * @throws NntpError, and what `expect` and its result throw
 */
export async function withArticle(session: NntpSession, later: number, expect: () => Use): Promise<void> {
  const { connection } = session
  let received: ReceivedOctets | TooLong | undefined
  try {
    received = await receive(session)
    const use = expect()
    await use(received instanceof TooLong ? received : await received.toBuffer())
  } catch (error) {
    throw notReceived(error, later)
  } finally {
    if (received && !(received instanceof TooLong)) received[Symbol.dispose]()
    if (received) connection.content.expect(true)
  }
}

/** Returns the octets of an article, or the error for one that is over the limit. */
async function receive({ connection, context }: NntpSession): Promise<ReceivedOctets | TooLong> {
  try {
    return await connection.content.receiveBlock(context.config.limits.messageSize)
  } catch (error) {
    if (error instanceof TooLong) return error
    throw error
  }
}

/** Returns the reply to an article that cannot be received now, or the error itself if it has another reason. */
function notReceived(error: unknown, code: number): unknown {
  if (error instanceof MemoryLimitReached) return new NntpError(code, 'Not enough memory. Try again later')
  return error instanceof SpoolError ? new NntpError(code, error.message) : error
}
