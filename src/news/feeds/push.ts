import { type DialOptions, FeedError, PeerSession } from './peer-session.ts'
import type { FeedQueue, Outgoing } from './queue.ts'
import type { Next } from './runner.ts'

/** Articles that a peer put off are offered again after this time. RFC 4644 section 2.4: 431. */
const DEFERRED_MS = 30_000

/** A round of an outbound feed: connects if there is anything to send, and sends it all. */
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
      session.connection.destroy()
    }
  }
  return queue.hasDeferred ? DEFERRED_MS : 'when woken'
}

/** The next batch with anything in it; those with nothing for this peer are done with on the way. */
async function nextToSend(queue: FeedQueue, withDeferred: boolean) {
  for (;;) {
    const { articles, settle } = await queue.next(withDeferred)
    if (!settle) return undefined
    if (articles.length > 0) return { articles, settle }
    await settle([])
  }
}

/**
 * Sends articles to a peer, each in one of two ways. Gives the Message-IDs that it wants to be offered again later; what
 * it refuses is done with.
 */
export type Sender = (session: PeerSession, articles: readonly Outgoing[]) => Promise<string[]>

/** CHECK and TAKETHIS where the peer streams, else IHAVE. RFC 4644 section 2.3. */
export async function senderFor(session: PeerSession): Promise<Sender> {
  const { code } = await session.ask('MODE STREAM')
  return code === 203 ? streamed : oneByOne
}

/** RFC 4644: all are offered, then all that are wanted are sent, without waiting in between. */
const streamed: Sender = async (session, articles) => {
  const wanted: Outgoing[] = []
  const deferred: string[] = []
  for (const { messageId } of articles) session.send(`CHECK ${messageId}`)
  for (const article of articles) {
    const { code, text } = await session.answer()
    if (code === 238) wanted.push(article)
    else if (code === 431) deferred.push(article.messageId)
    else if (code !== 438) throw new FeedError(`CHECK: the peer says ${code} ${text}`)
  }
  for (const { messageId, raw } of wanted) {
    session.send(`TAKETHIS ${messageId}`)
    session.connection.writeBlock(raw)
    await session.connection.drained()
  }
  for (const _ of wanted) {
    const { code, text } = await session.answer()
    if (code !== 239 && code !== 439) throw new FeedError(`TAKETHIS: the peer says ${code} ${text}`)
  }
  return deferred
}

/** RFC 3977 section 6.3.2. */
const oneByOne: Sender = async (session, articles) => {
  const deferred: string[] = []
  for (const { messageId, raw } of articles) {
    const offered = await session.ask(`IHAVE ${messageId}`)
    if (offered.code === 436) deferred.push(messageId)
    else if (offered.code === 335) {
      session.connection.writeBlock(raw)
      const { code, text } = await session.answer()
      if (code === 436) deferred.push(messageId)
      else if (code !== 235 && code !== 437) throw new FeedError(`IHAVE: the peer says ${code} ${text}`)
    } else if (offered.code !== 435) {
      throw new FeedError(`IHAVE: the peer says ${offered.code} ${offered.text}`)
    }
  }
  return deferred
}
