import { MemoryLimitReached } from '../../../src/common/memory-budget.ts'
import { SpoolError } from '../../../src/common/spool.ts'
import { TooLong } from '../../../src/net/errors.ts'
import { defineCommand, type NntpSession } from '../command.ts'
import { authenticationRequired, NntpError } from '../reply.ts'

/** POST. The 441 reply states why an article is refused. RFC 3977 section 6.3.1. */
export const post = defineCommand({
  name: 'POST',
  async run(session) {
    checkPosting(session)
    session.connection.logon.cancelTimeout()
    session.reply(340, 'Send article to be posted')
    // RFC 3977 section 6.3.1
    await withArticle(session, { tooLong: 441, later: 441 }, (article) => postArticle(session, article))
  },
})

/** Returns the reply to an article that cannot be received now, or the error itself if it has another reason. */
export function notReceived(error: unknown, code: number): unknown {
  if (error instanceof MemoryLimitReached) return new NntpError(code, 'Not enough memory. Try again later')
  return error instanceof SpoolError ? new NntpError(code, error.message) : error
}

async function postArticle(session: NntpSession, article: Buffer): Promise<void> {
  const { access, account, connection, news } = session
  const fault = connection.endOfData(async () => article)
  if (fault) await fault
  const { messageId, moderator } = await news.post(article, {
    host: connection.remote.address,
    account: account?.user,
    session: connection.record.id,
    mayPost: (group) => access.canPostTo(group),
  })
  const outcome = moderator === undefined ? 'Article received' : 'Article mailed to the moderator'
  session.reply(240, `${outcome} ${messageId}`)
}

/** Checks that the client may post. @throws NntpError 480 if a log-on would allow it, else 440. RFC 3977 section 6.3.1 */
function checkPosting(session: NntpSession): void {
  if (session.access.canPost) return
  throw session.policy.logon === 'no' ? new NntpError(440, 'Posting not permitted') : authenticationRequired()
}

/** The replies to an article that cannot be taken: it is over the limit, or the lab has no memory for it now. */
export interface RefusalCodes {
  readonly tooLong: number
  readonly later: number
}

/**
 * Reads the article that follows a command, and calls `use` with it.
 * @throws NntpError with one of `codes`, and what `use` throws
 */
export async function withArticle(
  session: NntpSession,
  codes: RefusalCodes,
  use: (article: Buffer) => Promise<void>,
): Promise<void> {
  const { messageSize } = session.context.config.limits
  try {
    using received = await session.connection.content.receiveBlock(messageSize)
    await use(await received.whole())
  } catch (error) {
    if (error instanceof TooLong)
      throw new NntpError(codes.tooLong, `Article exceeds the limit of ${messageSize} octets`)
    throw notReceived(error, codes.later)
  }
}
