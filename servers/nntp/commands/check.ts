import { defineCommand } from '../command.ts'
import { parseMessageId } from '../wire.ts'

/** What is told of an offered article. RFC 4644 section 2.4. */
const codes = { wanted: 238, coming: 431, known: 438 } as const

/** CHECK message-id. RFC 4644 section 2.4. */
export const check = defineCommand<string>({
  name: 'CHECK',
  syntax: 'message-id',
  audience: 'feed',
  args: [1, 1],
  parse: ([messageId = '']) => parseMessageId(messageId),
  async run(session, messageId) {
    session.reply(codes[await session.news.wants(messageId, session)], messageId)
  },
})
