import type { Folder, NewsgroupAttributes } from '../store/types.ts'
import { PUBLIC_OWNER } from '../store/types.ts'
import type { NewsService } from './news-service.ts'
import { Runner } from './runner.ts'

/** Articles looked at in one go. */
const PAGE = 512
/** Time between two looks at the articles' age. */
const INTERVAL_MS = 60_000
/** How long a group may have more than it keeps, so that a flood of articles is not counted one by one. */
const SLACK_MS = 500

/**
 * Removes what is too old or too much, a group at a time; Message-IDs stay in the history, so that nothing comes twice.
 * @returns how many articles went
 */
export async function expire(news: NewsService): Promise<number> {
  let gone = 0
  for (const group of await news.groups()) {
    const { expireAfterMs, keepLatest } = group.newsgroup as NewsgroupAttributes
    if (keepLatest !== undefined) gone += await expireByCount(news, group, keepLatest)
    if (expireAfterMs !== undefined) gone += await expireByAge(news, group, news.clock.now() - expireAfterMs)
  }
  return gone
}

async function expireByCount({ store }: NewsService, group: Folder, keep: number): Promise<number> {
  const { exists, lowestUid, highestUid } = await store.status(group.id)
  let tooMany = exists - keep
  for (let from = lowestUid; tooMany > 0 && from <= highestUid; from += PAGE) {
    const page = await store.list(group.id, { from, to: from + PAGE - 1 })
    const doomed = page.slice(0, tooMany).map(({ uid }) => uid)
    tooMany -= doomed.length
    await store.expunge(group.id, doomed)
  }
  return Math.max(0, exists - keep)
}

/** Articles arrive in order, so the first one that is young enough ends it. */
async function expireByAge({ store }: NewsService, group: Folder, before: number): Promise<number> {
  let gone = 0
  const { lowestUid, highestUid } = await store.status(group.id)
  for (let from = lowestUid; from <= highestUid; from += PAGE) {
    const page = await store.list(group.id, { from, to: from + PAGE - 1 })
    const doomed = page.filter(({ savedAt }) => savedAt < before).map(({ uid }) => uid)
    gone += doomed.length
    if (doomed.length > 0) await store.expunge(group.id, doomed)
    if (doomed.length < page.length) break
  }
  return gone
}

/** Expires on and on: every minute, and when an article comes into a group that keeps so many. */
export class Expiry implements AsyncDisposable {
  readonly #runner: Runner
  readonly #unwatch: () => void
  #soon: NodeJS.Timeout | undefined

  constructor(news: NewsService) {
    this.#runner = new Runner({
      log: news.log.child({ work: 'expiry' }),
      longestWaitMs: INTERVAL_MS,
      async round() {
        await expire(news)
        return INTERVAL_MS
      },
    })
    this.#unwatch = news.store.watch((event) => {
      if (event.type !== 'appended' || event.folder.owner !== PUBLIC_OWNER) return
      if (event.folder.newsgroup?.keepLatest === undefined) return
      this.#soon ??= setTimeout(() => {
        this.#soon = undefined
        this.#runner.wake()
      }, SLACK_MS).unref()
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#unwatch()
    clearTimeout(this.#soon)
    await this.#runner[Symbol.asyncDispose]()
  }
}
