import { ArticleRefused, hasMessageIdForm } from '../article.ts'
import type { NewsService } from '../news-service.ts'
import type { Source } from '../relay.ts'
import { type DialOptions, FeedError, PeerSession } from './peer-session.ts'
import type { Next } from './runner.ts'

export interface PullOptions {
  readonly news: NewsService
  /** Key of the store's state that holds the time of the last fetch. */
  readonly key: string
  readonly source: Source
  readonly maxArticleOctets: number
  readonly dialOptions: () => Promise<DialOptions>
}

/** Overlap of two fetches, so that articles that arrived during a fetch are not missed. Known Message-IDs are skipped. */
const OVERLAP_MS = 60_000
const MAX_LIST_OCTETS = 64 << 20

/** Runs a round of a pull feed: fetches the peer's new articles since the last round. RFC 3977 section 7.4. */
export async function pullRound(options: PullOptions): Promise<Next> {
  const { news, key } = options
  const dialOptions = await options.dialOptions()
  const session = await PeerSession.open(dialOptions)
  try {
    await session.ask('MODE READER')
    const now = await peerTime(session)
    const since = Number((await news.store.getState(key)) ?? 0)
    for (const messageId of await newArticles(session, dialOptions.feed.groups, since)) {
      if (!(await news.store.knows(messageId))) await fetchArticle(session, options, messageId)
    }
    await news.store.setState(key, String(Math.max(0, now - OVERLAP_MS)))
    await session.close()
  } finally {
    session.connection.destroy()
  }
  return dialOptions.feed.interval
}

/** Returns the time by the peer's clock, in milliseconds since the epoch. RFC 3977 section 7.1. */
async function peerTime(session: PeerSession): Promise<number> {
  const { text } = await session.expect('DATE', 111)
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)/.exec(text) ?? []
  if (year === undefined) throw new FeedError(`DATE: the peer answered ${text}`)
  return Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second))
}

async function newArticles(session: PeerSession, groups: string, since: number): Promise<string[]> {
  const stamp = new Date(since).toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', ' ')
  await session.expect(`NEWNEWS ${groups} ${stamp} GMT`, 230)
  const list = await session.connection.content.readBlock(MAX_LIST_OCTETS)
  return list.toString('latin1').split('\r\n').filter(hasMessageIdForm)
}

async function fetchArticle(session: PeerSession, options: PullOptions, messageId: string): Promise<void> {
  const { code } = await session.ask(`ARTICLE ${messageId}`)
  if (code !== 220) return // it was deleted after NEWNEWS
  const raw = await session.connection.content.readBlock(options.maxArticleOctets)
  try {
    await options.news.relay(raw, { ...options.source, messageId })
  } catch (error) {
    if (!(error instanceof ArticleRefused)) throw error
    if (error.code === 'later') throw new FeedError(error.message, { cause: error })
    options.news.log.debug({ messageId, reason: error.message }, 'a fetched article was refused')
  }
}
