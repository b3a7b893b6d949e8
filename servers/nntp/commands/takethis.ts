import { TooLong } from '../../../src/net/errors.ts'
import { ArticleRefused } from '../../../src/news/article.ts'
import { checkFeed, type NntpCommand } from '../command.ts'
import { NntpError } from '../reply.ts'
import type { NntpSession } from '../session.ts'
import { expectArguments, parseMessageId } from '../wire.ts'

/**
 * TAKETHIS message-id, and the article right behind it. RFC 4644 section 2.5. The article is read whatever is wrong with
 * the command, else its lines would be taken for commands; so this row is not made by `defineCommand`.
 */
export const takethis: NntpCommand = {
  name: 'TAKETHIS',
  syntax: 'message-id',
  async run(session, args) {
    const raw = await session.connection
      .readBlock(session.context.config.limits.messageSize)
      .catch((error: unknown) => {
        if (error instanceof TooLong) return error
        throw error
      })
    expectArguments(args, 1)
    const messageId = parseMessageId(args[0] as string)
    const source = checkFeed(session)
    if (raw instanceof TooLong) session.reply(439, `${messageId} larger than ${raw.limitOctets} octets`)
    else await take(session, messageId, raw, source)
  },
}

async function take(
  session: NntpSession,
  messageId: string,
  raw: Buffer,
  { identity, groups }: ReturnType<typeof checkFeed>,
): Promise<void> {
  const { connection, news } = session
  try {
    const source = { address: connection.remote.address, identity, groups, messageId, session: connection.record.id }
    await news.relay(raw, source)
    session.reply(239, messageId)
  } catch (error) {
    if (!(error instanceof ArticleRefused)) throw error
    // RFC 4644 section 2.5.2: 400 and the end of the connection where it cannot be taken now; every other refusal is final.
    if (error.code === 'later') throw new NntpError(400, error.message)
    session.reply(439, `${messageId} ${error.message}`)
  } finally {
    news.claims.release(messageId, session)
  }
}
