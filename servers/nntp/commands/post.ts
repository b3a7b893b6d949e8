import { TooLong } from '../../../src/net/errors.ts'
import { defineCommand } from '../command.ts'
import { authenticationRequired, NntpError } from '../reply.ts'
import type { NntpSession } from '../session.ts'

/** RFC 3977 section 6.3.1: 440 where posting is closed, 480 where logging on would open it. */
function checkPosting({ access, policy }: NntpSession): void {
  if (access.posts) return
  throw policy.logon === 'no' ? new NntpError(440, 'posting not permitted') : authenticationRequired()
}

/** POST. RFC 3977 section 6.3.1. What is wrong with an article stands on the 441 line. */
export const post = defineCommand({
  name: 'POST',
  async run(session) {
    checkPosting(session)
    session.reply(340, 'send article to be posted')
    const raw = await readArticle(session, 441)
    const { access, account, connection, news } = session
    const { messageId, moderator } = await news.post(raw, {
      host: connection.remote.address,
      account: account?.user,
      session: connection.record.id,
      mayPost: (group) => access.postsTo(group),
    })
    const done = moderator === undefined ? 'article received' : 'article mailed to the moderator'
    session.reply(240, `${done} ${messageId}`)
  },
})

/** The article that follows a command. @throws NntpError of that code where it is over the limit */
export async function readArticle(session: NntpSession, tooLongCode: number): Promise<Buffer> {
  const { messageSize } = session.context.config.limits
  try {
    return await session.connection.readBlock(messageSize)
  } catch (error) {
    if (error instanceof TooLong) throw new NntpError(tooLongCode, `article larger than ${messageSize} octets`)
    throw error
  }
}
