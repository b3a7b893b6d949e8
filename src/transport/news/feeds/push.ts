import { type DialOptions, FeedError, PeerSession } from './peer-session.ts'
import type { FeedQueue, Outgoing } from './queue.ts'
import type { Next } from './runner.ts'

/** Delay before deferred articles (431) are offered again. RFC 4644 section 2.4. */
const DEFERRED_MS = 30_000

/** Runs a round of an outbound feed: if the queue is not empty, connects and sends all of it. */
export async function pushRound(queue: FeedQueue, dialOptions: () => Promise<DialOptions>): Promise<Next> {
  let batch = await nextToSend(queue, true)
  if (batch) {
    const session = await PeerSession.open(await dialOptions())
    try {
      const send = await senderFor(session)
      while (batch) {
        await batch.settle(await send(session, batch.articles))
        batch = await nextToSend(queue, false)
      }
      await session.close()
    } finally {
      session.destroy()
    }
  }
  return queue.hasDeferred ? DEFERRED_MS : 'when woken'
}

/** Returns the next batch that has articles. Settles batches with nothing for this peer. */
async function nextToSend(queue: FeedQueue, withDeferred: boolean) {
  for (;;) {
    const { articles, settle } = await queue.next(withDeferred)
    if (!settle) return undefined
    if (articles.length > 0) return { articles, settle }
    await settle([])
  }
}

/** Sends articles to a peer. Returns the Message-IDs that the peer deferred. A refused article is not offered again. */
type Sender = (session: PeerSession, articles: readonly Outgoing[]) => Promise<string[]>

/** Chooses CHECK and TAKETHIS if the peer supports streaming, else IHAVE. RFC 4644 section 2.3. */
async function senderFor(session: PeerSession): Promise<Sender> {
  const { code } = await session.ask('MODE STREAM')
  return code === 203 ? sendStreaming : sendOneByOne
}

/** Offers all articles, then sends all that are wanted, without waiting for each answer. RFC 4644 sections 2.4 and 2.5. */
const sendStreaming: Sender = async (session, articles) => {
  const wanted: Outgoing[] = []
  const deferred: string[] = []
  session.send(...articles.map(({ messageId }) => `CHECK ${messageId}`))
  for (const article of articles) {
    const { code, text } = await session.answer()
    if (code === 238) wanted.push(article)
    else if (code === 431) deferred.push(article.messageId)
    else if (code !== 438) throw new FeedError(`CHECK: the peer answered ${code} ${text}`)
  }
  for (const { messageId, raw } of wanted) {
    session.send(`TAKETHIS ${messageId}`)
    await session.sendArticle(raw)
  }
  for (const _ of wanted) {
    const { code, text } = await session.answer()
    if (code !== 239 && code !== 439) throw new FeedError(`TAKETHIS: the peer answered ${code} ${text}`)
  }
  return deferred
}

/** Offers and sends one article after the other. RFC 3977 section 6.3.2. */
const sendOneByOne: Sender = async (session, articles) => {
  const deferred: string[] = []
  for (const { messageId, raw } of articles) {
    const offered = await session.ask(`IHAVE ${messageId}`)
    if (offered.code === 436) deferred.push(messageId)
    else if (offered.code === 335) {
      await session.sendArticle(raw)
      const { code, text } = await session.answer()
      if (code === 436) deferred.push(messageId)
      else if (code !== 235 && code !== 437) throw new FeedError(`IHAVE: the peer answered ${code} ${text}`)
    } else if (offered.code !== 435) {
      throw new FeedError(`IHAVE: the peer answered ${offered.code} ${offered.text}`)
    }
  }
  return deferred
}
