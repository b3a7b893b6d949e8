import { TooLong } from '../../../src/net/errors.ts'
import { ArticleRefused } from '../../../src/transport/news/article.ts'
import type { FeedPeer } from '../access.ts'
import { expectArguments, parseMessageId } from '../arguments.ts'
import { defineCommand, expectPeer, type NntpCommand, type NntpSession } from '../command.ts'
import { NntpError } from '../reply.ts'
import { tooLongError, withArticle } from './posting.ts'

/** IHAVE message-id. RFC 3977 section 6.3.2. */
export const ihave = defineCommand<string>({
  name: 'IHAVE',
  syntax: 'message-id',
  requires: 'feed',
  notPeer: [435, 'Article not wanted: no feed is accepted from this client'], // RFC 3977 section 6.3.2.1
  args: [1, 1],
  parse: ([messageId = '']) => parseMessageId(messageId),
  async run(session, messageId) {
    const { news } = session
    const wanted = await news.wants(messageId, session)
    if (wanted === 'known') throw new NntpError(435, 'Article not wanted')
    if (wanted === 'coming') throw new NntpError(436, 'Another peer is sending the article. Try again later')
    session.reply(335, 'Send article to be transferred')
    try {
      await withArticle(session, 436, () => (article) => {
        if (article instanceof TooLong) throw tooLongError(article, 437)
        return relay(session, messageId, article, expectPeer(session))
      })
      session.reply(235, 'Article transferred')
    } catch (error) {
      if (!(error instanceof ArticleRefused)) throw error
      // 436: the peer may try again. 437: it must not.
      throw new NntpError(error.code === 'later' ? 436 : 437, error.message)
    } finally {
      news.claims.release(messageId, session)
    }
  },
})

/** MODE STREAM has no effect: CHECK and TAKETHIS always work. RFC 4644 section 2.3. */
export const modeStream = defineCommand({
  name: 'MODE STREAM',
  requires: 'feed',
  run: (session) => session.reply(203, 'Streaming permitted'),
})

/** The replies to CHECK. RFC 4644 section 2.4. */
const checkCodes = { wanted: 238, coming: 431, known: 438 } as const

/** CHECK message-id. RFC 4644 section 2.4. */
export const check = defineCommand<string>({
  name: 'CHECK',
  syntax: 'message-id',
  requires: 'feed',
  args: [1, 1],
  parse: ([messageId = '']) => parseMessageId(messageId),
  async run(session, messageId) {
    session.reply(checkCodes[await session.news.wants(messageId, session)], messageId)
  },
})

/**
 * TAKETHIS message-id, followed by the article. Reads the article even if the command is wrong or too long, because its lines
 * would otherwise be read as commands. `defineCommand` would refuse the command first, so it is not used. RFC 4644 section 2.5.
 */
export const takethis: NntpCommand = {
  name: 'TAKETHIS',
  syntax: 'message-id',
  run: (session, args) =>
    withArticle(session, TRY_LATER, () => {
      expectArguments(args, 1)
      const messageId = parseMessageId(args[0] as string)
      const peer = expectPeer(session)
      const release = (): void => session.news.claims.release(messageId, session)
      const taken = (): void => {
        release()
        session.reply(239, messageId)
      }
      const failed = (error: unknown): void => {
        release()
        refuse(session, messageId, error)
      }
      return (article) => {
        if (!(article instanceof TooLong)) return relay(session, messageId, article, peer).then(taken, failed)
        return refuseUnwanted(session, `${messageId} exceeds the limit of ${article.limitOctets} octets`)
      }
    }),
  refused: (session, refusal) =>
    withArticle(session, TRY_LATER, () => {
      throw refusal
    }),
}

/** 400 ends the connection if the article cannot be taken now. Every other refusal is final. RFC 4644 section 2.5.2. */
const TRY_LATER = 400

/** Replies to TAKETHIS if the article is refused. @throws other errors, and NntpError 400 */
function refuse(session: NntpSession, messageId: string, error: unknown): void {
  if (!(error instanceof ArticleRefused)) throw error
  if (error.code === 'later') throw new NntpError(TRY_LATER, error.message)
  refuseUnwanted(session, `${messageId} ${error.message}`)
}

/** RFC 4644 section 2.5.1. */
function refuseUnwanted(session: NntpSession, text: string): undefined {
  session.connection.record.refused(`439 ${text}`)
  session.reply(439, text)
}

/** Stores an article from a peer. Rejects with ArticleRefused or FaultAnswered. */
function relay(session: NntpSession, messageId: string, raw: Buffer, peer: FeedPeer): Promise<unknown> {
  const { connection, news } = session
  const { identity, groups } = peer
  const source = { address: connection.remote.address, identity, groups, messageId, session: connection.record.id }
  const fault = connection.endOfData(async () => raw)
  return fault ? fault.then(() => news.relay(raw, source)) : news.relay(raw, source)
}
