import { TooLong } from '../../../net/errors.ts'
import { ArticleRefused, hasMessageIdForm } from '../article.ts'
import type { NewsService } from '../news-service.ts'
import type { Source } from '../relay.ts'
import { type DialOptions, FeedError, PeerSession } from './peer-session.ts'
import type { Next } from './runner.ts'

interface PullOptions {
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
/** Failures in a row that end a round: then the peer is at fault, not an article. */
const MAX_FAILURES = 100

/** Runs a round of a pull feed: fetches the peer's new articles since the last round. RFC 3977 section 7.4. */
export async function pullRound(options: PullOptions): Promise<Next> {
  const { news, key } = options
  const { store } = news
  const dialOptions = await options.dialOptions()
  const session = await PeerSession.open(dialOptions)
  try {
    await session.ask('MODE READER')
    const now = await peerTime(session)
    const since = Number((await store.getState(key)) ?? 0)
    const failure = await fetchNew(session, options, await newArticles(session, dialOptions.feed.groups, since))
    // Otherwise the next round begins at the same time, and asks again for what is still missing.
    if (!failure) await store.setState(key, String(Math.max(0, now - OVERLAP_MS)))
    await session.close()
    if (failure) throw failure
  } finally {
    session.destroy()
  }
  return dialOptions.feed.interval
}

/**
 * Fetches the articles that are not known here. Returns the failure for which all must be asked for again: the other articles
 * are fetched all the same. An article that the peer refuses for good is one only if the peer sends no article at all.
 */
async function fetchNew(
  session: PeerSession,
  options: PullOptions,
  messageIds: readonly string[],
): Promise<FeedError | undefined> {
  const first = new Map<Failure['kind'], FeedError>()
  let failed = 0
  let hasFetched = false
  for (const messageId of messageIds) {
    if (failed === MAX_FAILURES) break
    if (await options.news.store.knows(messageId)) continue
    const failure = await fetchArticle(session, options, messageId)
    failed = failure ? failed + 1 : 0
    hasFetched ||= failure === undefined
    if (failure && !first.has(failure.kind)) first.set(failure.kind, failure.error)
  }
  return first.get('temporary') ?? (hasFetched ? undefined : first.get('permanent'))
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
  const list = await session.block(MAX_LIST_OCTETS)
  return list.toString('latin1').split('\r\n').filter(hasMessageIdForm)
}

interface Failure {
  readonly kind: 'temporary' | 'permanent'
  readonly error: FeedError
}

/** Fetches an article. Returns the failure of a peer that does not send it. @throws FeedError if it cannot be stored now */
async function fetchArticle(
  session: PeerSession,
  options: PullOptions,
  messageId: string,
): Promise<Failure | undefined> {
  const { code, text } = await session.ask(`ARTICLE ${messageId}`)
  if (code === 430) return undefined // RFC 3977 section 6.2.1: it was deleted after NEWNEWS
  if (code !== 220) {
    const error = new FeedError(`ARTICLE ${messageId}: the peer answered ${code} ${text}`)
    options.news.log.warn({ messageId, answer: `${code} ${text}` }, 'a peer does not send an article')
    // RFC 3977 section 3.2. In RFC 977, 503 is a program fault, which may pass.
    return { kind: code >= 500 && code !== 503 ? 'permanent' : 'temporary', error }
  }
  const raw = await receive(session, options, messageId)
  if (raw) await keep(options, messageId, raw)
  return undefined
}

/** Returns the article that follows; undefined if it is over the limit. It is then not asked for again. */
async function receive(session: PeerSession, options: PullOptions, messageId: string): Promise<Buffer | undefined> {
  const { news, maxArticleOctets } = options
  try {
    return await session.block(maxArticleOctets)
  } catch (error) {
    if (!(error instanceof TooLong)) throw error
    news.log.warn({ messageId, limitOctets: maxArticleOctets }, 'an article of a peer exceeds limits.messageSize')
    await news.store.remember(messageId)
    return undefined
  }
}

async function keep(options: PullOptions, messageId: string, raw: Buffer): Promise<void> {
  try {
    await options.news.relay(raw, { ...options.source, messageId })
  } catch (error) {
    if (!(error instanceof ArticleRefused)) throw error
    if (error.code === 'later') throw new FeedError(error.message, { cause: error })
    options.news.log.debug({ messageId, reason: error.message }, 'a fetched article was refused')
  }
}
