import type { ReceivedOctets } from '../../../src/common/received-octets.ts'
import { TooLong } from '../../../src/net/errors.ts'
import { ArticleRefused } from '../../../src/news/article.ts'
import type { FeedPeer } from '../access.ts'
import { expectArguments, parseMessageId } from '../arguments.ts'
import { defineCommand, expectPeer, type NntpCommand, type NntpSession } from '../command.ts'
import { NntpError } from '../reply.ts'
import { notReceived, withArticle } from './posting.ts'

/** IHAVE message-id. RFC 3977 section 6.3.2. */
export const ihave = defineCommand<string>({
  name: 'IHAVE',
  syntax: 'message-id',
  requires: 'feed',
  args: [1, 1],
  parse: ([messageId = '']) => parseMessageId(messageId),
  async run(session, messageId) {
    const { news } = session
    const wanted = await news.wants(messageId, session)
    if (wanted === 'known') throw new NntpError(435, 'Article not wanted')
    if (wanted === 'coming') throw new NntpError(436, 'Another peer is sending the article. Try again later')
    session.reply(335, 'Send article to be transferred')
    try {
      await withArticle(session, { tooLong: 437, later: 436 }, (article) =>
        relay(session, messageId, article, expectPeer(session)),
      )
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
 * TAKETHIS message-id, followed by the article. Reads the article even if the command is wrong, because its lines would
 * otherwise be read as commands. `defineCommand` would reject the command first, so it is not used. RFC 4644 section 2.5.
 */
export const takethis: NntpCommand = {
  name: 'TAKETHIS',
  syntax: 'message-id',
  async run(session, args) {
    let received: ReceivedOctets | TooLong
    try {
      const receiving = session.connection.content.receiveBlock(session.context.config.limits.messageSize)
      received = receiving instanceof Promise ? await receiving : receiving
    } catch (error) {
      if (!(error instanceof TooLong)) throw notReceived(error, TRY_LATER)
      received = error
    }
    using _ = received instanceof TooLong ? undefined : received
    expectArguments(args, 1)
    const messageId = parseMessageId(args[0] as string)
    const peer = expectPeer(session)
    if (received instanceof TooLong)
      session.reply(439, `${messageId} exceeds the limit of ${received.limitOctets} octets`)
    else await take(session, messageId, received, peer)
  },
}

/** 400 ends the connection if the article cannot be taken now. Every other refusal is final. RFC 4644 section 2.5.2. */
const TRY_LATER = 400

async function take(session: NntpSession, messageId: string, article: ReceivedOctets, peer: FeedPeer): Promise<void> {
  try {
    const raw = article.whole()
    await relay(session, messageId, raw instanceof Promise ? await raw : raw, peer)
    session.reply(239, messageId)
  } catch (error) {
    if (!(error instanceof ArticleRefused)) throw notReceived(error, TRY_LATER)
    if (error.code === 'later') throw new NntpError(TRY_LATER, error.message)
    session.reply(439, `${messageId} ${error.message}`)
  } finally {
    session.news.claims.release(messageId, session)
  }
}

/** Stores an article from a peer. @throws ArticleRefused, FaultAnswered */
async function relay(session: NntpSession, messageId: string, raw: Buffer, peer: FeedPeer): Promise<void> {
  const { connection, news } = session
  const fault = connection.endOfData(async () => raw)
  if (fault) await fault
  const { identity, groups } = peer
  const source = { address: connection.remote.address, identity, groups, messageId, session: connection.record.id }
  await news.relay(raw, source)
}
