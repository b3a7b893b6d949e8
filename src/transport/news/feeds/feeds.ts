import type { Socket } from 'node:net'
import type { FeedConfig } from '../../../core/config/schema.ts'
import type { SessionRecorder } from '../../../core/sessions/types.ts'
import { type Folder, PUBLIC_OWNER } from '../../../storage/store/folder.ts'
import type { NewsService } from '../news-service.ts'
import { everything, parseWildmat } from '../wildmat.ts'
import type { DialOptions } from './peer-session.ts'
import { pullRound } from './pull.ts'
import { pushRound } from './push.ts'
import { FeedQueue } from './queue.ts'
import { Runner, type RunnerStatus } from './runner.ts'

/** A feed with the virtual server it belongs to. */
export interface ServerFeed {
  readonly virtualServer: string
  readonly feed: FeedConfig
  /** Largest article accepted from the peer. */
  readonly maxArticleOctets: number
}

interface FeedsOptions {
  readonly news: NewsService
  /** Returns the PEM of the roots that a feed's `authority` names. Called for each session. */
  readonly roots: (authority: string | undefined) => Promise<readonly string[]>
  /** Opens a session record for a connection to a peer. */
  readonly record: (virtualServer: string, remote: { address: string; port: number }, socket: Socket) => SessionRecorder
  /** Called after each attempt to exchange articles. */
  readonly onRound: (feed: Pick<Feed, 'virtualServer' | 'config'>, status: RunnerStatus) => void
}

/** A feed of a running lab. */
export interface Feed {
  readonly virtualServer: string
  readonly config: FeedConfig
  /** The state of its rounds; undefined for a feed that only its peer starts. */
  readonly status: RunnerStatus | undefined
  /** The articles that it has not sent yet; undefined for a feed that sends none. */
  readonly queue: FeedQueue | undefined
  /** Exchanges articles now, without the wait after a failure; undefined for a feed that only its peer starts. */
  readonly retry: (() => void) | undefined
}

interface Running extends Omit<Feed, 'status' | 'retry'> {
  readonly runners: readonly Runner[]
  readonly unwatch: () => void
}

/** The feeds that a lab starts itself: outbound feeds and pull feeds. */
export class Feeds implements AsyncDisposable {
  readonly #options: FeedsOptions
  readonly #running = new Map<string, Running>()

  constructor(options: FeedsOptions) {
    this.#options = options
  }

  /** Starts new feeds and stops removed ones. Called at start and on reload. */
  async apply(feeds: readonly ServerFeed[]): Promise<void> {
    const wanted = new Map(feeds.map((feed) => [JSON.stringify(feed), feed]))
    for (const [key, running] of this.#running) {
      if (wanted.has(key)) continue
      this.#running.delete(key)
      await stop(running)
    }
    for (const [key, feed] of wanted) if (!this.#running.has(key)) this.#running.set(key, this.#start(feed))
  }

  list(): readonly Feed[] {
    return [...this.#running.values()].map(({ virtualServer, config, runners: [runner], queue }) => ({
      virtualServer,
      config,
      status: runner?.status,
      queue,
      retry: runner && (() => runner.retry()),
    }))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.apply([])
  }

  #start(server: ServerFeed): Running {
    const { virtualServer, feed: config } = server
    const { direction } = config
    const runners: Runner[] = []
    const queue = direction === 'out' || direction === 'both' ? this.#queue(server) : undefined
    if (direction === 'pull') runners.push(this.#puller(server))
    if (queue) runners.push(this.#pusher(server, queue))
    const isSent = ({ owner }: Folder): boolean => owner === PUBLIC_OWNER && direction !== 'pull'
    const unwatch = this.#options.news.store.watch(
      (event) => {
        if (event.type === 'appended' && isSent(event.folder)) for (const runner of runners) runner.wake()
      },
      { follows: isSent },
    )
    return { virtualServer, config, queue, runners, unwatch }
  }

  #queue(server: ServerFeed): FeedQueue {
    const { peer, groups } = server.feed
    const { store } = this.#options.news
    return new FeedQueue({ store, key: stateKey(server, 'out'), groups: parseWildmat(groups) ?? everything, peer })
  }

  #pusher(server: ServerFeed, queue: FeedQueue): Runner {
    return this.#runner(server, async (signal) => {
      await queue.load()
      return pushRound(queue, () => this.#dialOptions(server, signal))
    })
  }

  #puller(server: ServerFeed): Runner {
    const { news } = this.#options
    const { feed, maxArticleOctets } = server
    const source = {
      address: feed.host ?? feed.peer,
      identity: feed.peer,
      groups: parseWildmat(feed.groups) ?? everything,
    }
    return this.#runner(server, (signal) =>
      pullRound({
        news,
        // A feed whose groups have changed begins again: the peer has articles of other groups, which may be older.
        key: `${stateKey(server, 'pull')}:${feed.groups}`,
        source,
        maxArticleOctets,
        dialOptions: () => this.#dialOptions(server, signal),
      }),
    )
  }

  #runner({ feed, virtualServer }: ServerFeed, round: (signal: AbortSignal) => Promise<number | 'when woken'>): Runner {
    const { news, onRound } = this.#options
    return new Runner({
      log: news.log.child({ peer: feed.peer, server: virtualServer }),
      clock: news.clock,
      longestWaitMs: feed.interval,
      round,
      onRound: (status) => onRound({ virtualServer, config: feed }, status),
    })
  }

  async #dialOptions({ feed, virtualServer }: ServerFeed, signal: AbortSignal): Promise<DialOptions> {
    const { roots, record } = this.#options
    return {
      feed,
      signal,
      roots: feed.tls === 'off' ? [] : await roots(feed.authority),
      record: (remote, socket) => record(virtualServer, remote, socket),
    }
  }
}

const stateKey = ({ virtualServer, feed }: ServerFeed, direction: string): string =>
  `feed:${direction}:${virtualServer}:${feed.peer}`

async function stop({ runners, unwatch }: Running): Promise<void> {
  unwatch()
  for (const runner of runners) await runner[Symbol.asyncDispose]()
}
