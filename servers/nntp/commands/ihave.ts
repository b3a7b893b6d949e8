import { ArticleRefused } from '../../../src/news/article.ts'
import { checkFeed, defineCommand } from '../command.ts'
import { NntpError } from '../reply.ts'
import { parseMessageId } from '../wire.ts'
import { readArticle } from './post.ts'

/** IHAVE message-id. RFC 3977 section 6.3.2. */
export const ihave = defineCommand<string>({
  name: 'IHAVE',
  syntax: 'message-id',
  audience: 'feed',
  args: [1, 1],
  parse: ([messageId = '']) => parseMessageId(messageId),
  async run(session, messageId) {
    const { connection, news } = session
    const wanted = await news.wants(messageId, session)
    if (wanted === 'known') throw new NntpError(435, 'article not wanted')
    if (wanted === 'coming') throw new NntpError(436, 'another peer is sending it; try again later')
    session.reply(335, 'send it')
    try {
      const raw = await readArticle(session, 437)
      const { identity, groups } = checkFeed(session)
      const source = { address: connection.remote.address, identity, groups, messageId, session: connection.record.id }
      await news.relay(raw, source)
      session.reply(235, 'article transferred')
    } catch (error) {
      if (!(error instanceof ArticleRefused)) throw error
      // 436: it can be sent again; 437: never.
      throw new NntpError(error.code === 'later' ? 436 : 437, error.message)
    } finally {
      news.claims.release(messageId, session)
    }
  },
})
