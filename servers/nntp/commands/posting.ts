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
    const raw = await readArticle(session, 441)
    const { access, account, connection, news } = session
    const { messageId, moderator } = await news.post(raw, {
      host: connection.remote.address,
      account: account?.user,
      session: connection.record.id,
      mayPost: (group) => access.canPostTo(group),
    })
    const outcome = moderator === undefined ? 'Article received' : 'Article mailed to the moderator'
    session.reply(240, `${outcome} ${messageId}`)
  },
})

/** Checks that the client may post. @throws NntpError 480 if a log-on would allow it, else 440. RFC 3977 section 6.3.1 */
function checkPosting({ access, policy }: NntpSession): void {
  if (access.canPost) return
  throw policy.logon === 'no' ? new NntpError(440, 'Posting not permitted') : authenticationRequired()
}

/** Reads the article that follows a command. @throws NntpError with `tooLongCode` if it is over the limit */
export async function readArticle(session: NntpSession, tooLongCode: number): Promise<Buffer> {
  const { messageSize } = session.context.config.limits
  try {
    return await session.connection.readBlock(messageSize)
  } catch (error) {
    if (error instanceof TooLong) throw new NntpError(tooLongCode, `Article exceeds the limit of ${messageSize} octets`)
    throw error
  }
}
