import type { Next } from '../runner.ts'
import type { DialOptions } from './dial.ts'
import { PeerSession } from './peer-session.ts'
import type { FeedQueue } from './queue.ts'
import { senderFor } from './send.ts'

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
